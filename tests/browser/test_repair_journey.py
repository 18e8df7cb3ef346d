"""From a failing APIService to its repairs: the caBundle, the Secret, the orphan; in both windows.

The tests are the steps of one walk and go in this order.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.furnishing import ca_request, connect_cluster, register_unserved
from tests.browser.person import WIDTHS
from tests.browser.walk import Walk
from tests.e2e import deeds


@pytest.fixture(scope="module")
def cluster(visitor, control_plane):
    return connect_cluster(visitor, control_plane, name="to be repaired")


@pytest.fixture(scope="module", params=WIDTHS)
def walk(request, people, admin, cluster, tmp_path_factory):
    person = people.arrive(width=request.param, storage_state=admin.page.context.storage_state())
    return Walk(person=person, name=str(request.param), folder=tmp_path_factory.mktemp("taken"))


@pytest.fixture(scope="module")
def apiservice(walk, visitor, control_plane, cluster):
    """An APIService of this window whose Service is gone, and an authority beside its own."""
    name = f"v1.repaired{walk.name}.example.com"
    for label in ("first", "second"):
        slug = deeds.make_authority(
            visitor,
            label=f"Repairs {label} {walk.name}",
            lane="serving",
            request=ca_request(f"repairs-{label}-{walk.name}"),
        )
        if label == "first":
            register_unserved(
                visitor,
                control_plane,
                cluster=cluster,
                apiservice=name,
                authority=f"/authorities/{slug}/",
            )
    return name


def page_of(cluster, apiservice):
    return f"{cluster}apiservices/{apiservice}/"


def confirm(walk, name, button):
    """Type the name; only then the button works."""
    press = walk.page.get_by_role("button", name=button)
    expect(press).to_be_disabled()
    walk.page.locator("[data-confirm-name]").fill(name)
    press.click()


def test_the_bundle_becomes_an_overlap_of_two(walk, cluster, apiservice):
    expect_listed(walk, cluster, apiservice)
    walk.person.go(page_of(cluster, apiservice))
    walk.page.get_by_role("link", name="caBundle…").click()
    walk.page.get_by_label(f"Repairs second {walk.name}").check()
    walk.person.look(f"repair-{walk.name}-bundle")
    walk.page.get_by_role("button", name="Try it on the server").click()
    lines = walk.page.locator("ul.story").first
    expect(lines).to_contain_text("stays")
    expect(lines).to_contain_text("comes")
    walk.person.look(f"repair-{walk.name}-bundle-tried")
    confirm(walk, apiservice, "Change the caBundle")
    expect(walk.page.locator("main")).to_contain_text("is changed")


def test_the_secret_is_issued_written_and_watched(walk, cluster, apiservice, control_plane):
    walk.person.go(f"{page_of(cluster, apiservice)}secret/")
    walk.page.get_by_label("Signed by", exact=True).select_option(
        label=f"Repairs second {walk.name}"
    )
    walk.page.get_by_role("button", name="Issue a serving certificate").click()
    walk.page.get_by_label("Name of the Secret").fill(f"served-{walk.name}")
    walk.person.look(f"repair-{walk.name}-secret")
    walk.page.get_by_role("button", name="Try it on the server").click()
    expect(walk.page.get_by_role("button", name="Write the Secret")).to_be_visible()
    walk.person.look(f"repair-{walk.name}-secret-tried")
    assert "PRIVATE KEY" not in walk.page.content()
    confirm(walk, f"served-{walk.name}", "Write the Secret")
    expect(walk.page.locator("#pickup")).to_contain_text("Not seen")
    walk.person.look(f"repair-{walk.name}-watch")
    path = f"/api/v1/namespaces/monitoring/secrets/served-{walk.name}"
    assert control_plane.client().get_json(path)["type"] == "kubernetes.io/tls"


def test_the_orphan_is_shown_whole_and_deleted(walk, cluster, apiservice):
    walk.person.go(f"{page_of(cluster, apiservice)}delete/")
    expect(walk.page.locator("#diff")).to_contain_text("kind: APIService")
    walk.person.look(f"repair-{walk.name}-delete")
    confirm(walk, apiservice, "Delete this APIService")
    expect(walk.page.locator("main")).to_contain_text("is deleted from the cluster")


def expect_listed(walk, cluster, apiservice):
    walk.person.go(cluster)
    listed = walk.page.get_by_role("link", name=apiservice)
    expect(listed.first).to_be_visible(timeout=30_000)
