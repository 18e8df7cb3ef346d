"""From a failing APIService to why, to what to do about it, and to muting it, in both windows.

The tests are the steps of one walk and go in this order.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.furnishing import (
    AGGREGATED,
    connect_cluster,
    furnish_certificates,
    register_unserved,
)
from tests.browser.person import WIDTHS
from tests.browser.walk import Walk

FOUND_MS = 60_000
AWAITED = "is about to look"
SAID = "The Service monitoring/metrics does not exist."


@pytest.fixture(scope="module")
def cluster(visitor, control_plane):
    """A cluster with an APIService that nobody serves."""
    made = furnish_certificates(visitor)
    path = connect_cluster(visitor, control_plane, name="doctored")
    register_unserved(
        visitor, control_plane, cluster=path, apiservice=AGGREGATED, authority=made["serving"]
    )
    return path


@pytest.fixture(scope="module", params=WIDTHS)
def walk(request, people, admin, cluster, tmp_path_factory):
    person = people.arrive(width=request.param, storage_state=admin.page.context.storage_state())
    return Walk(person=person, name=str(request.param), folder=tmp_path_factory.mktemp("taken"))


def finding(walk):
    return walk.page.locator("details.finding", has_text=SAID)


def test_the_row_of_a_failing_one_says_why(walk, cluster):
    walk.person.go(cluster)
    expect(walk.page.locator("#apiservice-table")).to_contain_text(SAID, timeout=FOUND_MS)
    walk.person.look(f"doctor-{walk.name}-row")


def test_the_doctor_opens_to_what_it_rests_on_and_what_to_do(walk, cluster):
    walk.person.go(f"{cluster}doctor/")
    expect(finding(walk)).to_be_visible(timeout=FOUND_MS)
    finding(walk).locator("summary").click()
    expect(finding(walk)).to_contain_text("What to do")
    expect(finding(walk)).to_contain_text("What it rests on")
    walk.person.look(f"doctor-{walk.name}-finding")


def test_an_opened_finding_stays_open_when_the_doctor_looks_again(walk, cluster, visitor):
    board = walk.page.locator("#doctor-board")
    before = board.get_attribute("hx-get")
    at = visitor.open(f"{cluster}doctor/")
    visitor.send(at, at.page.form("/doctor/ask/"))
    expect(board).not_to_have_attribute("hx-get", before, timeout=FOUND_MS)
    expect(board).not_to_contain_text(AWAITED, timeout=FOUND_MS)
    expect(finding(walk)).to_have_attribute("open", "")


def test_asking_now_brings_a_newer_look_without_reloading(walk, cluster):
    walk.page.get_by_role("button", name="Ask now").click()
    expect(walk.page.locator("#doctor-board")).to_contain_text("Looked at", timeout=FOUND_MS)
    expect(walk.page.locator("#doctor-board")).not_to_contain_text(AWAITED, timeout=FOUND_MS)


def test_a_finding_is_muted_with_a_reason_and_counts_again(walk, cluster):
    finding(walk).locator("summary").click()
    finding(walk).get_by_role("link", name="Mute…").click()
    walk.page.get_by_label("Why").fill("planned for Monday")
    walk.page.get_by_role("button", name="Mute it").click()
    walk.page.get_by_text("1 muted finding").click()
    finding(walk).locator("summary").click()
    expect(finding(walk)).to_contain_text("muted it: planned for Monday")
    walk.person.look(f"doctor-{walk.name}-muted")
    finding(walk).get_by_role("button", name="Let it count again").click()
    expect(walk.page.get_by_text("The finding counts again.")).to_be_visible()


def test_the_page_of_the_apiservice_says_the_same(walk, cluster):
    walk.person.go(f"{cluster}apiservices/{AGGREGATED}/")
    expect(walk.page.get_by_text("What the doctor found")).to_be_visible()
    expect(walk.page.get_by_role("link", name=SAID)).to_be_visible()
    walk.person.look(f"doctor-{walk.name}-apiservice")
