"""From a described extension API server to one that is available, and to nothing left of it.

The tests are the steps of one walk, in both windows, and go in this order. The cluster is real, the
server too; what controllers and kubelets do is done by stand-ins.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.furnishing import ca_request, connect_cluster
from tests.browser.person import WIDTHS
from tests.browser.walk import Walk
from tests.e2e import deeds
from tests.e2e.control_plane import ControlPlane, missing_programs
from tests.e2e.own_address import own_address
from tests.e2e.stand_ins import StandIns
from tests.e2e.test_extension_server import availability, front_proxy_flags

APPLIED_MS = 60_000
FIELDS = {
    "name": "wardle",
    "namespace": "wardle-studio",
    "group": "wardle.example.com",
    "version": "v1alpha1",
    "image": "registry.example.com/team/wardle:1.2.3",
}
ALL = "14 of 14"


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    if missing := missing_programs():
        pytest.skip(f"no {', '.join(missing)}: run `make control-plane`")
    flags = front_proxy_flags(tmp_path_factory.mktemp("front-proxy"))
    flags.append("--enable-aggregator-routing=true")
    plane = ControlPlane(directory=tmp_path_factory.mktemp("studio-plane"), flags=flags)
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()


@pytest.fixture(scope="module", autouse=True)
def stand_ins(plane):
    with (
        own_address() as address,
        StandIns(
            plane=plane,
            namespace=FIELDS["namespace"],
            name=FIELDS["name"],
            address=address,
            rolls=True,
        ) as found,
    ):
        yield found


@pytest.fixture(scope="module")
def cluster(visitor, plane):
    deeds.make_authority(
        visitor, label="Studio CA", lane="serving", request=ca_request("studio-serving-ca")
    )
    return connect_cluster(visitor, plane, name="studio-lab")


@pytest.fixture(scope="module", params=WIDTHS)
def walk(request, people, admin, cluster, tmp_path_factory):
    person = people.arrive(width=request.param, storage_state=admin.page.context.storage_state())
    return Walk(person=person, name=str(request.param), folder=tmp_path_factory.mktemp("taken"))


def progress(walk):
    return walk.page.locator("#set-progress")


def test_described_it_is_shown_as_a_set_that_can_be_applied(walk, cluster):
    walk.person.go(f"{cluster}extension/new/")
    for name, value in FIELDS.items():
        walk.page.locator(f"#id_{name}").fill(value)
    walk.page.locator("#id_minor").select_option("20")
    walk.page.locator("#id_authority").select_option(label="Studio CA")
    expect(walk.page.locator("#studio-panel")).to_contain_text("The set, in order")
    expect(walk.page.get_by_role("button", name="Apply it to studio-lab")).to_be_visible()
    expect(walk.page.locator("#studio-panel details").first).to_be_visible()


def test_the_cluster_says_what_it_thinks_of_each_object(walk):
    walk.page.get_by_role("button", name="Apply it to studio-lab").click()
    walk.person.heading("Apply wardle to studio-lab?")
    expect(walk.page.get_by_text("Object by object")).to_be_visible()
    expect(walk.page.get_by_text("not tried").first).to_be_visible()
    walk.person.look(f"studio-{walk.name}-tried")


def test_typed_and_pressed_it_is_applied_until_it_is_available(walk, plane):
    begin = walk.page.get_by_role("button", name="Apply to studio-lab")
    expect(begin).to_be_disabled()
    walk.page.get_by_label("Type the name to confirm").fill("wardle")
    begin.click()
    expect(progress(walk)).to_contain_text(ALL, timeout=APPLIED_MS)
    expect(progress(walk)).to_contain_text("It is available.")
    assert availability(plane).status == "True"
    walk.made["set"] = walk.person.path
    walk.person.look(f"studio-{walk.name}-applied")


def test_the_studio_knows_what_was_applied_from_here(walk, cluster):
    walk.person.go(f"{cluster}extension/new/")
    walk.page.get_by_role("link", name="wardle-studio/wardle").click()
    assert walk.person.path == walk.made["set"]


def test_it_is_removed_with_its_namespace(walk, plane):
    walk.page.get_by_role("link", name="Remove it…").click()
    walk.person.heading("Remove wardle from studio-lab?")
    walk.page.get_by_label("Delete the namespace as well").check()
    walk.page.get_by_label("Type the name to confirm").fill("wardle")
    walk.person.look(f"studio-{walk.name}-removing")
    walk.press("Remove it")
    title = walk.page.locator("#set-title")
    expect(title).to_contain_text("removed", timeout=APPLIED_MS)
    walk.person.look(f"studio-{walk.name}-removed")
    namespace = f"/api/v1/namespaces/{FIELDS['namespace']}"
    assert plane.client().get_raw(namespace).status == 404
