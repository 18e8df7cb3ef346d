"""Every page of the URLconf: axe finds nothing grave, nothing scrolls sideways, both themes."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.addresses import uncovered
from tests.browser.furnishing import (
    AGGREGATED,
    connect_cluster,
    furnish_certificates,
    register_unserved,
)
from tests.e2e import deeds

PUBLIC = {
    "accounts:login": "/login/",
    "accounts:admin/login/": "/admin/login/",
}
PAGES = {
    "dashboard:dashboard_show": "/",
    "dashboard:calendar_show": "/calendar/?within=all",
    "dashboard:search_show": "/search/?q=front",
    "accounts:account_show": "/account/",
    "accounts:password_change": "/account/password/",
    "accounts:totp_add": "/account/totp/",
    "accounts:passkey_add": "/account/passkeys/new/",
    "accounts:people_list": "/people/",
    "accounts:person_show": "/people/1/",
    "certs:authority_list": "/authorities/",
    "certs:authority_new": "/authorities/new/",
    "certs:authority_import": "/authorities/import/",
    "certs:certificate_import": "/certificates/import/",
    "certs:certdb_import": "/certificates/import/certdb/",
    "certs:authority_show": "{authority}",
    "certs:profile_edit": "{authority}profiles/",
    "certs:authority_key": "{authority}key/",
    "certs:key_export": "{authority}export/",
    "certs:certificate_list": "/certificates/",
    "certs:certificate_new": "/certificates/new/",
    "certs:inspection_show": "/inspect/",
    "certs:certificate_show": "{served}",
    "certs:certificate_renew": "{certificate}renew/",
    "certs:authority_renew": "{authority}renew/",
    "certs:authority_succeed": "{authority}successor/",
    "certs:authority_overlap": "{authority}overlap/",
    "certs:renewal_run_new": "{authority}renewals/new/?within_days=900",
    "certs:renewal_run_show": "{run}",
    "certs:certificate_revoke": "{served}revoke/",
    "certs:certificate_release": "{served}release/",
    "certs:certificates_revoke": "/certificates/revoke/?id=1&id=2",
    "certs:authority_cross": "{authority}cross/",
    "certs:bundle_show": "/bundle/",
    "certs:own_request_list": "/requests/own/",
    "certs:own_request_new": "/requests/own/new/",
    "certs:own_request_answer": "/requests/own/answer/",
    "certs:own_request_show": "{own}",
    "certs:own_request_drop": "{own}drop/",
    "certs:request_list": "/requests/",
    "certs:request_new": "/requests/new/",
    "certs:request_show": "{request}",
    "snippets:flags_show": "/flags/",
    "snippets:extension_new": "/extension/new/",
    "notices:notice_list": "/notices/",
    "notices:channel_new": "/notices/channels/new/webhook/",
    "notices:channel_edit": "{channel}",
    "notices:channel_delete": "{channel}delete/",
    "notices:policy_list": "/notices/policies/",
    "notices:policy_edit": "/notices/policies{authority}",
    "notices:policy_edit_others": "/notices/policies/others/",
    "notices:calendar_show": "/notices/calendar/",
    "scans:scan_show": "/scan/?host=api.example.com:6443",
    "ledger:entry_list": "/audit/",
    "vault:unseal": "/unseal/",
    "ledger:entry_show": "/audit/3/",
    "clusters:cluster_list": "/clusters/",
    "clusters:cluster_new": "/clusters/new/",
}
CLUSTER_PAGES = {
    "clusters:cluster_show": "{cluster}",
    "clusters:cluster_test": "{cluster}test/?run=1",
    "clusters:cluster_edit": "{cluster}settings/",
    "clusters:cluster_reconnect": "{cluster}credentials/",
    "clusters:cluster_delete": "{cluster}delete/",
    "clusters:doctor_show": "{cluster}doctor/",
    "clusters:drift_show": "{cluster}drift/",
    "clusters:rotation_list": "{cluster}rotations/",
    "clusters:rotation_new": "{cluster}rotations/new/",
    "clusters:finding_list": "{cluster}doctor/history/",
    "clusters:finding_mute": "{finding}",
    "clusters:apiservice_new": "{cluster}apiservices/new/",
    "snippets:cluster_extension_new": "{cluster}extension/new/",
    "clusters:apiservice_show": "{cluster}apiservices/" + AGGREGATED + "/",
    "clusters:apiservice_delete": "{cluster}apiservices/" + AGGREGATED + "/delete/",
    "clusters:bundle_repair": "{cluster}apiservices/" + AGGREGATED + "/bundle/",
    "clusters:secret_repair": "{cluster}apiservices/" + AGGREGATED + "/secret/",
}
# The same pages where nothing fits, or in another state.
FURTHER = {
    "search without a hit": "/search/?q=nothing-is-called-so",
    "calendar without a hit": "/calendar/?cluster=nothing-is-called-so",
    "certificates without a hit": "/certificates/?q=nothing-is-called-so",
    "all requests": "/requests/?show=all",
    "audit without a hit": "/audit/?text=nothing-is-called-so",
    "connect with a token": "/clusters/new/?way=token",
    "new mail channel": "/notices/channels/new/email/",
    "new channel of Events": "/notices/channels/new/event/",
}


def step_of(name):
    return "page-" + "-".join(name.replace(":", " ").replace("/", " ").split())


@pytest.fixture(scope="module")
def made(visitor):
    made = furnish_certificates(visitor)
    return made | {"run": deeds.renew_all_of(visitor, made["serving"]).path}


@pytest.fixture(scope="module")
def cluster(visitor, control_plane, made, admin):
    path = connect_cluster(visitor, control_plane, name="prod-lab")
    register_unserved(
        visitor, control_plane, cluster=path, apiservice=AGGREGATED, authority=made["serving"]
    )
    admin.go(path)
    expect(admin.page.locator("#apiservice-table")).to_contain_text(AGGREGATED)
    return path


@pytest.fixture(scope="module")
def finding(cluster, admin):
    """The page that mutes a finding; the doctor comes by himself."""
    admin.go(f"{cluster}doctor/")
    mute = admin.page.locator("a[href$='/mute/']").first
    expect(mute).to_be_attached(timeout=30_000)
    return mute.get_attribute("href")


def test_no_page_of_the_urlconf_is_left_out():
    assert uncovered(PUBLIC | PAGES | CLUSTER_PAGES) == set()


@pytest.mark.parametrize("name", PUBLIC)
def test_a_page_is_whole_before_signing_in(people, name):
    person = people.arrive()
    person.go(PUBLIC[name])
    person.look_at_all_sides(step_of(name))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole(onlooker, made, name):
    onlooker.go(PAGES[name].format(**made))
    onlooker.look_at_all_sides(step_of(name))


@pytest.mark.parametrize("name", FURTHER)
def test_a_page_is_whole_in_another_state(onlooker, made, name):
    onlooker.go(FURTHER[name])
    onlooker.look_at_all_sides(step_of(name))


@pytest.mark.parametrize("name", CLUSTER_PAGES)
def test_a_page_of_a_cluster_is_whole(onlooker, cluster, finding, name):
    onlooker.go(CLUSTER_PAGES[name].format(cluster=cluster, finding=finding))
    onlooker.look_at_all_sides(step_of(name))


def test_the_page_of_a_refusal_is_whole(onlooker):
    with onlooker.eyes.expecting(404):
        onlooker.go("/authorities/nothing-is-called-so/")
        onlooker.look_at_all_sides("page-not-found")
