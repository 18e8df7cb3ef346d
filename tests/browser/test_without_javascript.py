"""The portal for a browser that runs no scripts: authority, certificate, flags."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.walk import Walk, recipe


@pytest.fixture(scope="module")
def plain(people, admin, tmp_path_factory):
    state = admin.page.context.storage_state()
    person = people.arrive(width=1280, storage_state=state, java_script_enabled=False)
    return Walk(person=person, name="plain", folder=tmp_path_factory.mktemp("plain"))


def test_the_other_side_follows_at_the_press_of_a_button(plain):
    plain.person.go("/authorities/new/")
    plain.page.locator("[name=label]").fill("Without scripts")
    plain.page.locator("#lane-front-proxy").check()
    # A subject of its own: another module may have made the recipe's authority in another lane.
    asked = recipe("aggregator-ca-csr.json").replace('"aggregator"', '"without-scripts"')
    plain.page.locator("#request-text").fill(asked)
    plain.press("Let the other side follow")
    expect(plain.page.get_by_label("Common name (CN)")).to_have_value("without-scripts")
    expect(plain.page.locator("[name=label]")).to_have_value("Without scripts")
    expect(plain.page.locator("#request-panel")).to_contain_text("CN=without-scripts")


def test_an_authority_is_made_without_scripts(plain):
    plain.press("Make the authority")
    plain.person.heading("Without scripts")
    plain.made["authority"] = plain.person.path


def test_a_certificate_is_issued_without_scripts(plain):
    slug = plain.made["authority"].strip("/").split("/")[-1]
    plain.person.go(f"/certificates/new/?authority={slug}")
    plain.page.get_by_label("Common name (CN)").fill("front-proxy-client")
    plain.press("Show what would be issued")
    expect(plain.page.locator("#request-panel")).to_contain_text("CN=front-proxy-client")
    plain.press("Issue certificate")
    plain.person.heading("front-proxy-client")
    button = plain.page.get_by_role("button", name="front-proxy-client.tar.gz")
    assert plain.take(button).stat().st_size > 1000


def test_the_flags_are_shown_without_scripts(plain):
    plain.page.get_by_role("link", name="Flags for it").click()
    result = plain.page.locator("#flags-result")
    expect(result).to_contain_text("--requestheader-client-ca-file=")
    result.get_by_role("link", name="kubeadm v1beta4").click()
    expect(result).to_contain_text("ClusterConfiguration")
    plain.page.get_by_label("Directory").fill("/srv/ssl")
    plain.press("Show the flags")
    expect(result).to_contain_text("/srv/ssl/")


def test_the_theme_is_chosen_without_scripts(plain):
    plain.person.go("/audit/")
    plain.page.get_by_role("button", name="Dark", exact=True).click()
    expect(plain.page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    plain.page.get_by_role("button", name="Light", exact=True).click()
    expect(plain.page.locator("html")).to_have_attribute("data-bs-theme", "light")
