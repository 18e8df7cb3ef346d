"""The life of certificates: renewed, renewed many at once, put on hold, released, revoked."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.furnishing import furnish_certificates
from tests.e2e import deeds

LONGER = json.dumps(
    {
        "signing": {
            "default": {"expiry": "8760h"},
            "profiles": {
                "extension-serving": {"usages": ["signing", "server auth"], "expiry": "10000h"}
            },
        }
    }
)
CERTIFICATE = re.compile(r"/certificates/\d+/$")


@pytest.fixture(scope="module")
def made(visitor):
    return furnish_certificates(visitor)


@pytest.fixture
def main(admin):
    return admin.page.locator("main")


def test_it_is_renewed_with_one_name_more_and_a_new_key(admin, made, main):
    admin.go(made["served"])
    main.get_by_role("link", name="Renew", exact=True).click()
    admin.heading("Renew api.wardle.svc")
    expect(main).to_contain_text("A new key")
    admin.page.locator("[name=hosts]").fill("api.wardle.svc\napi.wardle\n10.254.0.1")
    expect(admin.page.locator("#renewal-differences, main").first).to_contain_text("api.wardle")
    admin.look("life-01-renew")
    main.get_by_role("button", name="Renew", exact=True).click()
    admin.page.wait_for_url(CERTIFICATE)
    expect(main).to_contain_text("It took the place of:")
    admin.look_at_all_sides("life-02-successor")


def test_what_was_renewed_is_not_renewed_twice(admin, made, main):
    admin.turn(width=1280, theme="light")
    admin.go(made["served"])
    expect(main).to_contain_text("It is renewed:")
    expect(main.get_by_role("link", name="Renew", exact=True)).to_have_count(0)
    with admin.eyes.expecting(409):
        admin.go(made["served"] + "renew/")
        expect(main.get_by_role("link", name="api.wardle.svc").first).to_be_visible()


def test_many_are_renewed_while_one_watches(admin, made, main, visitor):
    # A longer life: what was issued a moment ago would end no later otherwise.
    slug = made["serving"].split("/")[2]
    deeds.set_profiles(visitor, slug, LONGER)
    admin.go(made["serving"] + "renewals/new/")
    admin.page.locator("[name=within_days]").fill("900")
    main.get_by_role("button", name="Look what that is").click()
    expect(main).to_contain_text("api.wardle.svc")
    admin.look("life-03-many")
    main.get_by_role("button", name=re.compile("^Renew one certificate$")).click()
    expect(admin.page.locator("#run-progress")).to_contain_text("1 of 1", timeout=30_000)
    expect(admin.page.locator("#run-progress")).to_contain_text("1 renewed")
    admin.look_at_all_sides("life-04-run")


def test_it_is_put_on_hold_and_released(admin, made, main):
    admin.turn(width=1280, theme="light")
    admin.go(made["certificate"])
    main.get_by_role("link", name="Revoke…").click()
    admin.page.locator("[name=reason]").select_option("certificateHold")
    button = main.get_by_role("button", name="Revoke it")
    expect(button).to_be_disabled()
    admin.page.locator("[name=confirm]").fill("front-proxy-client")
    admin.look_at_all_sides("life-05-hold")
    button.click()
    admin.page.wait_for_url(CERTIFICATE)
    expect(main).to_contain_text("on hold")
    admin.look_at_all_sides("life-06-held")
    main.get_by_role("link", name=re.compile("Take it off hold|Release")).first.click()
    admin.page.locator("[name=confirm]").fill("front-proxy-client")
    main.locator("[data-confirm-button]").click()
    admin.page.wait_for_url(CERTIFICATE)
    expect(main.locator(".state").first).to_contain_text("valid")


def test_some_are_revoked_together_and_the_list_says_so(admin, made, main):
    admin.turn(width=1280, theme="light")
    under = made["serving"].split("/")[2]
    admin.go(f"/certificates/?authority={under}")
    for box in main.get_by_role("checkbox").all():
        box.check()
    main.get_by_role("button", name="Revoke the chosen ones…").click()
    admin.heading("Revoke 3 certificates?")
    admin.page.locator("[name=reason]").select_option("superseded")
    expected = main.locator(".typed-confirm code").inner_text()
    admin.page.locator("[name=confirm]").fill(expected)
    admin.look("life-07-many")
    main.locator("[data-confirm-button]").click()
    admin.page.wait_for_url(re.compile("/certificates/"))
    admin.go(f"/certificates/?authority={under}&state=revoked")
    expect(main.locator("tbody tr")).to_have_count(3)
    admin.look_at_all_sides("life-08-revoked")
