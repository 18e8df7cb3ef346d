"""Forms whose other side follows as one types: nothing typed is lost on the way."""

from __future__ import annotations

from contextlib import suppress

import pytest
from playwright.sync_api import Error, Route, expect

from tests.browser.matching import json_with
from tests.browser.person import Person
from tests.browser.walk import recipe


@pytest.fixture
def held(admin):
    """Requests that follow wait in this list until they are let go."""
    admin.go("/authorities/new/")
    waiting: list[Route] = []
    admin.page.route("**/authorities/new/", lambda route: waiting.append(route))
    yield waiting
    admin.page.unroute("**/authorities/new/")


def let_go(admin: Person, held: list[Route]) -> None:
    admin.page.unroute("**/authorities/new/")
    for route in held:
        with suppress(Error):  # the page gave this request up, as it should
            route.continue_()


def test_what_is_pasted_while_an_older_answer_is_under_way_stays(admin, held):
    admin.page.locator("[name=label]").fill("Slow line")
    while not held:
        admin.page.wait_for_timeout(50)
    text = admin.page.locator("#request-text")
    text.fill(recipe("aggregator-ca-csr.json"))
    let_go(admin, held)
    expect(admin.page.get_by_label("Common name (CN)")).to_have_value("aggregator")
    expect(text).to_have_value(recipe("aggregator-ca-csr.json"))


def test_a_text_area_that_was_made_larger_stays_so_while_the_json_follows(admin):
    admin.go("/authorities/new/")
    text = admin.page.locator("#request-text")
    corner = text.bounding_box()
    mouse = admin.page.mouse
    mouse.move(corner["x"] + corner["width"] - 4, corner["y"] + corner["height"] - 4)
    mouse.down()
    mouse.move(corner["x"] + corner["width"] - 4, corner["y"] + corner["height"] + 120)
    mouse.up()
    admin.page.get_by_label("Common name (CN)").fill("resized")
    expect(text).to_have_value(json_with(CN="resized"))


def test_both_sides_edited_at_once_asks_which_to_keep(admin):
    admin.go("/authorities/new/")
    admin.page.get_by_label("Common name (CN)").fill("typed")
    admin.page.locator("#request-text").fill('{"CN": "pasted"}')
    problems = admin.page.locator("#request-problems")
    expect(problems).to_contain_text("both changed")
    expect(admin.page.get_by_label("Common name (CN)")).to_have_value("typed")
    expect(admin.page.locator("#request-text")).to_have_value('{"CN": "pasted"}')


def test_many_keystrokes_ask_the_server_seldom_and_the_last_one_counts(admin):
    admin.go("/authorities/new/")
    asked: list[str] = []
    admin.page.on("request", lambda request: asked.append(request.url))
    admin.page.get_by_label("Common name (CN)").press_sequentially("aggregator-ca", delay=60)
    expect(admin.page.locator("#request-text")).to_have_value(json_with(CN="aggregator-ca"))
    assert len(asked) <= 4, asked


def test_what_is_edited_after_a_file_was_read_in_counts_and_not_the_file(admin, tmp_path):
    admin.go("/authorities/new/")
    file = tmp_path / "request.json"
    file.write_text('{"CN": "from-the-file"}')
    admin.page.locator("#request-file").set_input_files(file)
    expect(admin.page.get_by_label("Common name (CN)")).to_have_value("from-the-file")
    admin.page.get_by_label("Common name (CN)").fill("edited-since")
    expect(admin.page.locator("#request-text")).to_have_value(json_with(CN="edited-since"))
    with admin.eyes.expecting(422):  # label and lane are missing
        admin.page.get_by_role("button", name="Make the authority").click()
        expect(admin.page.locator(".field-errors").first).to_be_visible()
        expect(admin.page.get_by_label("Common name (CN)")).to_have_value("edited-since")


def test_a_file_too_large_is_refused_with_words(admin, tmp_path):
    admin.go("/authorities/new/")
    file = tmp_path / "large.json"
    file.write_text('{"CN": "x"}' + " " * 1_200_000)
    admin.page.locator("#request-file").set_input_files(file)
    expect(admin.page.locator("#request-problems")).to_contain_text("larger than 64 kB")
