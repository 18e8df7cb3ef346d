"""From a cluster to what differs in it, and to letting its Secrets be read, in both windows.

The tests are the steps of one walk and go in this order.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.furnishing import connect_cluster, furnish_certificates
from tests.browser.person import WIDTHS
from tests.browser.walk import Walk

FOUND_MS = 60_000
SAID = "No kube-apiserver publishes it."
SWITCH = "Certificates in Secrets are read"


@pytest.fixture(scope="module")
def cluster(visitor, control_plane):
    """A cluster that publishes nothing of the authority that is said to be its front-proxy CA."""
    furnish_certificates(visitor)
    path = connect_cluster(visitor, control_plane, name="drifted")
    at = visitor.open(f"{path}settings/")
    form = at.page.form("/trust/")
    chosen = max(filter(str.isdecimal, form.options["front_proxy"]), key=int)
    assert visitor.send(at, form, front_proxy=chosen).status == 200
    return path


@pytest.fixture(scope="module", params=WIDTHS)
def walk(request, people, admin, cluster, tmp_path_factory):
    person = people.arrive(width=request.param, storage_state=admin.page.context.storage_state())
    return Walk(person=person, name=str(request.param), folder=tmp_path_factory.mktemp("taken"))


def test_the_cluster_leads_to_what_differs(walk, cluster):
    walk.person.go(cluster)
    walk.page.get_by_role("link", name="Drift").click()
    board = walk.page.locator("#drift-board")
    expect(board).to_contain_text(SAID, timeout=FOUND_MS)
    difference = board.locator("details.finding", has_text="requestheader-client-ca-file").first
    expect(difference.get_by_role("link", name="Render the flags")).to_be_visible()
    walk.person.look(f"drift-{walk.name}")


def test_comparing_now_comes_back_to_the_page_with_a_newer_look(walk):
    walk.press("Compare now")
    board = walk.page.locator("#drift-board")
    expect(board).not_to_contain_text("is about to look", timeout=FOUND_MS)
    expect(board).to_contain_text(SAID)
    assert walk.person.path.endswith("/drift/")


def test_secrets_are_read_only_where_an_administrator_says_so(walk, cluster):
    expect(walk.page.get_by_text("Certificates in Secrets are not read.")).to_be_visible()
    walk.person.go(f"{cluster}settings/")
    walk.page.get_by_label(SWITCH).check()
    walk.press("Save the trust")
    walk.person.go(f"{cluster}drift/")
    expect(walk.page.get_by_text("as an administrator chose")).to_be_visible()
    walk.person.go(f"{cluster}settings/")
    walk.page.get_by_label(SWITCH).uncheck()
    walk.press("Save the trust")
