"""From a kubeconfig to Available=True and back, on a real kube-apiserver, in both windows.

The tests are the steps of one walk and go in this order.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.furnishing import WARDLE, ca_request
from tests.browser.person import WIDTHS
from tests.browser.walk import Walk
from tests.e2e import deeds
from tests.e2e.cluster_side import moment_of, touch_service
from tests.e2e.control_plane import ExtensionServer

ECDSA = {"algo": "ecdsa", "size": 256}
HOSTS = ["api.wardle.svc", "api.wardle.svc.cluster.local"]
# kube-apiserver looks at an APIService about every 30 s by itself.
CONTROLLER_SECONDS = 75.0
CHECKED_MS = 75_000
# Three seconds to show it, which tests/e2e proves; the rest is for ten browsers on two cores.
SEEN_MS = 8_000


@pytest.fixture(scope="module")
def files(visitor, tmp_path_factory):
    """Front proxy and serving certificate, issued and taken away without a browser."""
    folder = tmp_path_factory.mktemp("files")
    taken: dict[str, Any] = {}
    for lane, profile, name in (
        ("front-proxy", "front-proxy-client", "front-proxy-client"),
        ("serving", "extension-serving", "api.wardle.svc"),
    ):
        label = f"Cluster journey {lane}"
        slug = deeds.make_authority(
            visitor, label=label, lane=lane, request=ca_request(f"journey-{lane}-ca")
        )
        request = {"CN": name, "key": ECDSA} | ({"hosts": HOSTS} if lane == "serving" else {})
        issued = deeds.issue(visitor, authority=slug, profile=profile, request=json.dumps(request))
        taken[lane] = deeds.unpack(deeds.take_archive(visitor, issued), folder / lane)
        taken[f"{lane} certificate"] = issued.path
        taken[f"{lane} authority"] = slug
    return taken


@pytest.fixture(scope="module")
def extension(files, visitor, control_plane):
    """kube-apiserver with the rendered flags, and an extension API server beside it."""
    choices = deeds.FlagChoices(
        authority=files["front-proxy authority"],
        certificate=files["front-proxy certificate"],
        directory=files["front-proxy"],
    )
    flags = deeds.take_flags(visitor, deeds.choose_flags(visitor, choices))
    control_plane.stop_apiserver()
    control_plane.start_apiserver(deeds.arguments_by_shell(flags))
    serving = deeds.pair_in(files["serving"], "api.wardle.svc")
    extension = ExtensionServer(plane=control_plane, serving=serving)
    control_plane.expose_on_loopback("wardle", "api")
    return extension


@pytest.fixture(scope="module", params=WIDTHS)
def walk(request, people, admin, extension, tmp_path_factory):
    person = people.arrive(width=request.param, storage_state=admin.page.context.storage_state())
    extension.stop()
    extension.start()
    return Walk(person=person, name=str(request.param), folder=tmp_path_factory.mktemp("taken"))


def paste(walk, kubeconfig):
    walk.person.go("/clusters/new/")
    walk.page.locator("[name=kubeconfig]").fill(json.dumps(kubeconfig))
    walk.page.get_by_role("button", name="Go on: choose the context").click()


def row(page):
    return page.locator("#apiservice-table tbody tr", has=page.get_by_text(WARDLE, exact=True))


def test_a_kubeconfig_that_runs_programs_is_refused_with_the_reason(walk, control_plane):
    kubeconfig = control_plane.kubeconfig()
    kubeconfig["users"][0]["user"] = {"exec": {"command": "touch", "args": ["/tmp/x"]}}
    with walk.person.eyes.expecting(422):
        paste(walk, kubeconfig)
        reason = walk.page.locator("main")
        expect(reason).to_contain_text("exec")
        walk.person.look("20-kubeconfig-refused")


def test_the_contexts_of_a_kubeconfig_are_listed_and_one_is_chosen(walk, control_plane):
    kubeconfig = control_plane.kubeconfig()
    kubeconfig["users"].append({"name": "runner", "user": {"exec": {"command": "touch"}}})
    context = {"cluster": "e2e", "user": "runner"}
    kubeconfig["contexts"].append({"name": "by-program", "context": context})
    paste(walk, kubeconfig)
    expect(walk.page.get_by_role("radio", name="e2e")).to_be_checked()
    expect(walk.page.locator(".cautions")).to_contain_text("by-program")
    walk.person.look("21-contexts")
    walk.page.locator("[name=name]").fill(f"Lab {walk.name}")
    walk.page.get_by_role("button", name="Test and connect").click()
    walk.page.wait_for_url("**/clusters/lab-*/**")
    walk.made["cluster"] = f"/clusters/lab-{walk.name}/"


def test_the_connection_is_tested_and_the_role_is_printed(walk):
    walk.person.go(f"{walk.made['cluster']}test/")
    expect(walk.page.locator("main")).to_contain_text("What works")
    expect(walk.page.locator("#access")).to_contain_text("kind: ClusterRole")
    walk.person.look("22-connection-tested")
    role = walk.take(walk.page.get_by_role("link", name="To read only"))
    assert "apiregistration.k8s.io" in role.read_text()


def test_the_apiservices_of_the_cluster_are_shown(walk):
    walk.person.follow("Clusters")
    walk.page.locator("main").get_by_role("link", name=f"Lab {walk.name}").click()
    table = walk.page.locator("#apiservice-table")
    expect(table).to_contain_text("v1.apps")
    expect(walk.page.locator("#pulse")).to_contain_text("live")
    walk.page.get_by_role("searchbox", name="Filter by name").fill("autoscaling")
    expect(table).not_to_contain_text("v1.apps")
    expect(table).to_contain_text("autoscaling")
    walk.person.look("23-cluster-filtered")


def test_a_registration_is_tried_first_and_its_manifest_shown(walk, files, extension):
    walk.person.go(f"{walk.made['cluster']}apiservices/new/")
    for name, value in {
        "group": "wardle.example.com",
        "version": "v1alpha1",
        "service_namespace": "wardle",
        "service_name": "api",
        "service_port": str(extension.port),
    }.items():
        walk.page.locator(f"[name={name}]").fill(value)
    walk.page.locator("[name=authority]").select_option(files["serving authority"])
    walk.person.look("24-register")
    walk.page.get_by_role("button", name="Try it on the server").click()
    expect(walk.page.locator(".notice-ok")).to_contain_text("would take it")
    expect(walk.page.locator("#manifest")).to_contain_text("caBundle")
    walk.person.look("25-register-tried")
    manifest = walk.take(walk.page.get_by_role("button", name="Take the manifest away"))
    assert "kind: APIService" in manifest.read_text()


def test_what_is_registered_becomes_available_without_reloading(walk):
    walk.page.get_by_role("button", name=f"Register {WARDLE}").click()
    walk.page.wait_for_url(lambda url: "/new/" not in url)
    walk.person.go(walk.made["cluster"])
    walk.page.evaluate("window.unreloaded = true")
    expect(row(walk.page)).to_contain_text("Available", timeout=CHECKED_MS)
    expect(row(walk.page).locator(".state-ok")).to_be_visible(timeout=CHECKED_MS)
    assert walk.page.evaluate("window.unreloaded")
    walk.person.look("26-cluster-available")


def test_the_page_of_an_apiservice_shows_its_trust_and_history(walk):
    row(walk.page).get_by_role("link", name=WARDLE).click()
    walk.person.heading(WARDLE)
    expect(walk.page.locator("main")).to_contain_text("journey-serving-ca")
    walk.person.look("27-apiservice")


def test_ten_browsers_see_an_extension_server_stop_and_say_why(
    walk, people, extension, control_plane
):
    walk.person.go(walk.made["cluster"])
    state = walk.page.context.storage_state()
    others = [people.arrive(width=walk.person.width, storage_state=state) for _ in range(9)]
    everybody = [walk.person, *others]
    for person in others:
        person.go(walk.made["cluster"])
        expect(row(person.page).locator(".state-ok")).to_be_visible()
    extension.stop(kill=True)
    touch_service(control_plane)
    moment_of(control_plane, "False", CONTROLLER_SECONDS)
    for person in everybody:
        expect(row(person.page).locator(".state-bad")).to_be_visible(timeout=SEEN_MS)
    cause = walk.page.locator("#apiservice-table .notice-bad").first
    expect(cause).to_be_visible()
    walk.person.look("28-cluster-not-available")
    people.require_nothing_wrong()
    for person in others:
        people.persons.remove(person)
        person.page.context.close()


def test_it_recovers_by_itself(walk, extension, control_plane):
    walk.page.evaluate("window.unreloaded = true")
    extension.start()
    touch_service(control_plane)
    moment_of(control_plane, "True", CONTROLLER_SECONDS)
    expect(row(walk.page).locator(".state-ok")).to_be_visible(timeout=CHECKED_MS)
    assert walk.page.evaluate("window.unreloaded")


def test_deleting_asks_for_the_name(walk):
    walk.person.go(f"{walk.made['cluster']}apiservices/{WARDLE}/")
    walk.page.get_by_role("link", name="Delete…").click()
    button = walk.page.get_by_role("button", name="Delete this APIService")
    expect(button).to_be_disabled()
    walk.page.get_by_label("Type the name to confirm").fill("v1alpha1.wardle")
    expect(button).to_be_disabled()
    walk.person.look("29-delete")
    walk.page.get_by_label("Type the name to confirm").fill(WARDLE)
    button.click()
    walk.page.wait_for_url(lambda url: "/delete/" not in url)
    walk.person.go(walk.made["cluster"])
    expect(row(walk.page)).to_have_count(0)


def test_a_cluster_out_of_reach_keeps_its_last_known_state(walk, control_plane):
    control_plane.stop_apiserver()
    banner = walk.page.locator("#apiservice-table .notice-old")
    expect(banner).to_contain_text("Out of reach", timeout=CHECKED_MS)
    expect(walk.page.locator("#apiservice-table")).to_contain_text("last known")
    walk.person.look("30-cluster-out-of-reach")
    control_plane.start_apiserver()
    expect(banner).to_have_count(0, timeout=CHECKED_MS)
    expect(walk.page.locator("#pulse")).to_contain_text("live")


def test_the_audit_tells_of_the_cluster(walk):
    walk.person.follow("Audit")
    walk.page.locator("[name=text]").fill(WARDLE)
    walk.press("Filter")
    expect(walk.page.locator("#entry-table tbody tr").first).to_contain_text(WARDLE)
    walk.person.look("31-audit-of-cluster")


def test_forgetting_the_cluster_asks_for_its_name(walk):
    walk.person.go(f"{walk.made['cluster']}settings/")
    walk.page.get_by_role("link", name="Forget this cluster…").click()
    walk.page.get_by_label("Type the name to confirm").fill(f"Lab {walk.name}")
    walk.press("Forget this cluster")
    walk.page.wait_for_url("**/clusters/")
    expect(walk.page.locator("main")).not_to_contain_text(f"lab-{walk.name}")
