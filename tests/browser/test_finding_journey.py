"""Finding a certificate by what it covers, keeping the search in the address, owner and tags."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.furnishing import ECDSA, ca_request
from tests.e2e import deeds

HOST = "found.by-covering.svc"


@pytest.fixture(scope="module")
def under(visitor):
    """An authority with two certificates; its slug."""
    slug = deeds.make_authority(
        visitor, label="To be found", lane="serving", request=ca_request("found-ca")
    )
    for host in (HOST, "other.by-covering.svc"):
        asked = json.dumps({"CN": host, "hosts": [host], "key": ECDSA})
        deeds.issue(visitor, authority=slug, profile="extension-serving", request=asked)
    return slug


@pytest.fixture
def listed(main):
    return main.locator("tbody tr")


@pytest.fixture
def main(admin):
    return admin.page.locator("main")


def test_owner_tags_and_notes_are_kept(admin, under, main, listed):
    admin.go(f"/certificates/?authority={under}&q={HOST}")
    listed.get_by_role("link", name=HOST).first.click()
    main.locator("details", has_text="Change").locator("summary", has_text="Change").first.click()
    admin.page.locator("[name=owner]").fill("team-metrics@example.com")
    admin.page.locator("[name=tags]").fill("production, found-metrics")
    admin.page.locator("[name=notes]").fill("Restart the pods after renewing.")
    main.get_by_role("button", name=re.compile("^(Save|Keep)")).first.click()
    expect(main).to_contain_text("team-metrics@example.com")
    expect(main).to_contain_text("Restart the pods after renewing.")
    admin.look_at_all_sides("find-01-kept")


def test_what_covers_a_host_is_found_and_the_search_is_an_address(admin, under, main, listed):
    admin.turn(width=1280, theme="light")
    admin.follow("Certificates")
    admin.page.locator("[name=covers]").fill(HOST.upper() + ".")
    main.get_by_role("button", name="Filter").click()
    expect(listed).to_have_count(1)
    assert "covers=" in admin.page.url
    admin.look_at_all_sides("find-02-covers")
    address = admin.path
    admin.go(f"/certificates/?authority={under}")
    expect(listed).to_have_count(2)
    admin.go(address)
    expect(listed).to_have_count(1)


def test_a_tag_leads_to_what_has_it_and_a_chip_takes_it_away(admin, under, main, listed):
    admin.turn(width=1280, theme="light")
    admin.go(f"/certificates/?authority={under}&tag=found-metrics")
    expect(listed).to_have_count(1)
    admin.look("find-03-tag")
    main.get_by_role("link", name=re.compile("found-metrics")).first.click()
    expect(listed).to_have_count(2)


def test_a_wrong_filter_is_said_beside_its_field(admin, under, main, listed):
    admin.go("/certificates/?covers=a..b")
    expect(main.locator(".invalid-feedback, .field-errors").first).to_be_visible()
    admin.look_at_all_sides("find-04-wrong")


def test_the_found_set_is_taken_away_as_csv_and_json(admin, under, main, listed):
    admin.turn(width=1280, theme="light")
    admin.go(f"/certificates/?covers={HOST}")
    for kind, sign in (("CSV", HOST), ("JSON", f'"{HOST}"')):
        with admin.page.expect_download() as taken:
            main.page.get_by_role("link", name=kind, exact=True).click()
        assert sign in taken.value.path().read_text()
