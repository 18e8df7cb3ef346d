"""Everything by keyboard: skip link, search, drawer, theme, and one whole deed."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

MAX_STOPS = 120


def focused(page):
    """What has the focus: its tag, name, value and text in one line."""
    return page.evaluate(
        """() => { const one = document.activeElement;
          return [one.tagName, one.name, one.value, one.id, one.textContent.trim()].join("|"); }"""
    )


def tab_to(page, *wanted):
    """Press Tab until the focus is where all the words are; every stop must be visible."""
    for _ in range(MAX_STOPS):
        page.keyboard.press("Tab")
        here = focused(page)
        if all(word in here for word in wanted):
            assert page.evaluate("document.activeElement.matches(':focus-visible')"), here
            return
    raise AssertionError(f"Tab does not lead to {wanted}")


@pytest.fixture
def narrow(onlooker):
    onlooker.turn(width=360, theme="light")
    return onlooker


def test_the_first_tab_offers_to_skip_to_the_content(onlooker):
    onlooker.go("/audit/")
    onlooker.page.keyboard.press("Tab")
    skip = onlooker.page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    onlooker.page.keyboard.press("Enter")
    onlooker.page.keyboard.press("Tab")
    assert onlooker.page.evaluate("document.activeElement.closest('main') !== null")


def test_a_slash_goes_to_the_search_but_not_out_of_a_field(onlooker):
    onlooker.go("/")
    onlooker.page.keyboard.press("/")
    search = onlooker.page.get_by_role("searchbox")
    expect(search).to_be_focused()
    expect(search).to_have_value("")
    onlooker.page.keyboard.type("a/b")
    expect(search).to_have_value("a/b")
    onlooker.page.keyboard.press("Enter")
    onlooker.heading("Search")


def test_a_slash_opens_the_drawer_where_the_search_is_in_it(narrow):
    narrow.go("/")
    narrow.page.keyboard.press("/")
    expect(narrow.page.get_by_role("searchbox")).to_be_focused()
    narrow.page.keyboard.type("keyboard")
    narrow.page.keyboard.press("Enter")
    narrow.heading("Search")


def test_the_drawer_opens_and_closes_by_keyboard_and_gives_the_focus_back(narrow):
    narrow.go("/")
    sidebar = narrow.page.locator("#sidebar")
    expect(sidebar).not_to_be_in_viewport()
    opener = narrow.page.get_by_role("button", name="Open the navigation")
    opener.focus()
    narrow.page.keyboard.press("Enter")
    expect(sidebar).to_be_in_viewport()
    narrow.look("40-drawer")
    narrow.page.keyboard.press("Escape")
    expect(sidebar).not_to_be_in_viewport()
    expect(opener).to_be_focused()


def test_a_page_is_chosen_in_the_drawer_by_keyboard(narrow):
    narrow.go("/")
    narrow.page.get_by_role("button", name="Open the navigation").focus()
    narrow.page.keyboard.press("Enter")
    expect(narrow.page.locator("#sidebar")).to_be_in_viewport()
    tab_to(narrow.page, "A|", "Audit")
    narrow.page.keyboard.press("Enter")
    narrow.heading("Audit")


@pytest.mark.parametrize("theme", ["Dark", "Light", "As the system"])
def test_the_theme_is_kept_over_a_reload(onlooker, theme):
    onlooker.go("/audit/")
    onlooker.page.get_by_role("button", name=theme, exact=True).click()
    onlooker.page.wait_for_load_state()
    onlooker.heading("Audit")
    onlooker.page.reload()
    pressed = onlooker.page.get_by_role("button", name=theme, exact=True)
    expect(pressed).to_have_attribute("aria-pressed", "true")
    shown = "dark" if theme == "Dark" else "light"
    expect(onlooker.page.locator("html")).to_have_attribute("data-bs-theme", shown)


def test_an_authority_is_made_without_a_mouse(onlooker):
    page = onlooker.page
    onlooker.go("/authorities/new/")
    onlooker.heading("Make an authority")
    tab_to(page, "INPUT|label")
    page.keyboard.type("Made by keyboard")
    tab_to(page, "INPUT|lane")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    tab_to(page, "INPUT|CN")
    page.keyboard.type("keyboard-ca")
    tab_to(page, "BUTTON|do|create")
    page.keyboard.press("Enter")
    onlooker.heading("Made by keyboard")
