"""The bar on the left is the same on every page, whatever the page calls its own variables."""

from __future__ import annotations

from django.template.loader import render_to_string


def test_a_page_that_counts_something_puts_no_count_beside_the_links(viewer, rf):
    request = rf.get("/certificates/")
    request.user = viewer
    html = render_to_string("base.html", {"count": 2}, request=request)
    assert 'class="nav-link' in html
    assert "nav-count" not in html
