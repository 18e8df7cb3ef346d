"""Pages before anything exists; this file comes first, and later the portal is furnished."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

PAGES = {
    "dashboard": "/",
    "authorities": "/authorities/",
    "certificates": "/certificates/",
    "issue": "/certificates/new/",
    "flags": "/flags/",
    "clusters": "/clusters/",
    "requests": "/requests/",
}


@pytest.mark.parametrize("name", PAGES)
def test_an_empty_page_is_whole_and_offers_the_first_step(onlooker, name):
    onlooker.go(PAGES[name])
    first_step = onlooker.page.locator("main a.btn")
    expect(first_step.first).to_be_visible()
    onlooker.look_at_all_sides(f"empty-{name}")
