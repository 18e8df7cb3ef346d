"""The page of a cluster: who may see it, what it says, and how it follows the cluster."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from aggportal.clusters.models import ClusterState, Lease
from aggportal.clusters.services.snapshots import write_snapshot, write_trouble
from aggportal.kube.errors import Unreachable
from aggportal.kube.watching import Snapshot
from tests.clusters.fake_cluster import local_apiservice, raw_apiservice

METRICS = "v1beta1.metrics.k8s.io"
REFUSED = Unreachable("%(host)s refuses the connection.", reason="refused", host="lab:6443")
PAGE, TABLE = "/clusters/lab/", "/clusters/lab/table/"


@pytest.fixture
def see(cluster, leadership):
    """Let the worker have seen these objects."""

    def write(*raws):
        items = {raw["metadata"]["name"]: raw for raw in raws}
        now = timezone.now()
        snapshot = Snapshot(
            items=items,
            synced_at=now,
            changed=frozenset(items),
            resource_version="7",
            relisted=True,
        )
        return write_snapshot(cluster, snapshot, leadership=leadership, now=now)

    return write


@pytest.fixture
def guest(viewer, client_of):
    return client_of(viewer)


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", response.content.decode()))


def failing(version="1", **more):
    raw = raw_apiservice(METRICS, status="False", reason="MissingEndpoints", **more)
    raw["metadata"]["resourceVersion"] = version
    return raw


@pytest.mark.parametrize("address", [PAGE, TABLE])
def test_nobody_without_a_role_sees_a_cluster(see, stranger, client_of, client, address):
    see(local_apiservice("v1.apps"))
    assert client_of(stranger).get(address).status_code == 403
    assert client.get(address).status_code == 302


@pytest.mark.parametrize("address", [PAGE, TABLE, "/clusters/"])
def test_a_page_is_not_posted_to(see, guest, address):
    assert guest.post(address).status_code == 405


@pytest.mark.parametrize("address", ["/clusters/other/", "/clusters/other/table/"])
def test_a_cluster_that_is_not_there_is_not_found(guest, address):
    assert guest.get(address).status_code == 404


@pytest.mark.parametrize("part", ["table/", "pulse/"])
def test_a_page_that_is_open_while_its_cluster_is_forgotten_is_loaded_anew(guest, part):
    response = guest.get(f"{PAGE}{part}", headers={"HX-Request": "true"})
    assert (response.status_code, response.headers["HX-Refresh"]) == (404, "true")


def test_the_worst_comes_first_and_says_its_cause_in_words(see, guest):
    see(local_apiservice("v1.apps"), failing(), raw_apiservice("v1.fine.example.com"))
    text = text_of(guest.get(PAGE))
    assert text.index(METRICS) < text.index("v1.fine.example.com") < text.index("v1.apps")
    assert "The Service has no ready endpoint on that port." in text
    assert "Look why the pods are not ready" in text


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("all", {METRICS, "v1.apps", "v1.odd.example.com"}),
        ("unavailable", {METRICS}),
        ("care", {"v1.odd.example.com"}),
        ("ours", {METRICS, "v1.odd.example.com"}),
        ("local", {"v1.apps"}),
        ("nonsense", {METRICS, "v1.apps", "v1.odd.example.com"}),
    ],
)
def test_the_counts_are_filters(see, guest, state, shown):
    odd = raw_apiservice("v1.odd.example.com", insecureSkipTLSVerify=True)
    see(failing(), odd, local_apiservice("v1.apps"))
    response = guest.get(PAGE, {"state": state})
    assert {row.name for row in response.context["board"].rows} == shown


def test_text_filters_by_name_service_and_reason(see, guest):
    see(failing(service="kube-system/metrics-server:443"), local_apiservice("v1.apps"))
    for text in ("metrics.K8S", "metrics-server", "missingend"):
        board = guest.get(PAGE, {"q": text}).context["board"]
        assert [row.name for row in board.rows] == [METRICS]
    assert guest.get(PAGE, {"q": "nothing like it"}).context["board"].rows == ()


def test_nothing_new_is_answered_with_204_and_two_queries_of_ours(
    see, guest, django_assert_num_queries
):
    version = see(local_apiservice("v1.apps"))
    with django_assert_num_queries(5):  # three for session, person and role
        response = guest.get(TABLE, {"newer_than": version, "was": "live"})
    assert (response.status_code, response.content) == (204, b"")


def test_what_is_newer_is_answered_and_only_that_flashes(see, guest):
    apps = local_apiservice("v1.apps")
    version = see(apps, raw_apiservice(METRICS))
    see(apps, failing("2"))
    response = guest.get(TABLE, {"newer_than": version, "was": "live"})
    flashing = {row.name for row in response.context["board"].rows if row.flash}
    assert (response.status_code, flashing) == (200, {METRICS})
    assert response.content.count(b'class="flash"') == 1
    assert b"<html" not in response.content


def test_a_page_that_is_loaded_anew_flashes_nothing(see, guest):
    see(failing())
    assert b'class="flash"' not in guest.get(PAGE).content


def test_a_cluster_out_of_reach_says_why_and_keeps_what_was_known(see, guest, cluster, leadership):
    version = see(raw_apiservice(METRICS))
    write_trouble(cluster, REFUSED, since=timezone.now(), leadership=leadership)
    response = guest.get(TABLE, {"newer_than": version, "was": "live"})
    text = text_of(response)
    assert "lab:6443 refuses the connection." in text
    assert "last known" in text
    assert METRICS in text


def test_a_worker_that_is_silent_reaches_the_page_without_a_new_version(see, guest):
    version = see(raw_apiservice(METRICS))
    Lease.objects.update(renewed_at=timezone.now() - dt.timedelta(minutes=1))
    poll = {"newer_than": version, "was": "live"}
    assert "worker does not run" in text_of(guest.get(TABLE, poll))
    assert guest.get(TABLE, poll | {"was": "no-worker"}).status_code == 204


def test_another_reason_for_being_old_reaches_the_page(see, guest, cluster, leadership):
    see(raw_apiservice(METRICS))
    write_trouble(cluster, REFUSED, since=timezone.now(), leadership=leadership)
    poll = {"newer_than": ClusterState.objects.get().version, "was": "old"}
    assert guest.get(TABLE, poll).status_code == 204
    Lease.objects.update(renewed_at=timezone.now() - dt.timedelta(minutes=1))
    assert "worker does not run" in text_of(guest.get(TABLE, poll))


def test_a_page_that_was_drawn_long_ago_is_drawn_anew_though_nothing_happened(see, guest):
    version = see(raw_apiservice(METRICS))
    poll = {"newer_than": version, "was": "live"}
    drawn = guest.get(PAGE).context["board"].drawn
    assert guest.get(TABLE, poll | {"drawn": str(int(drawn) - 1)}).status_code == 200


def test_a_page_that_follows_can_say_that_the_portal_is_away(see, guest):
    see(raw_apiservice(METRICS))
    for address in (PAGE, f"{PAGE}apiservices/{METRICS}/"):
        assert b"data-lost hidden" in guest.get(address).content


def test_a_recovered_cluster_reaches_the_page(see, guest):
    version = see(raw_apiservice(METRICS))
    response = guest.get(TABLE, {"newer_than": version, "was": "old"})
    assert response.status_code == 200
    assert "last known" not in text_of(response)


@pytest.mark.parametrize("number", ["-1", "x", "", "9" * 40, "١"])
def test_a_version_that_is_none_gets_the_whole_table(see, guest, number):
    see(raw_apiservice(METRICS))
    response = guest.get(TABLE, {"newer_than": number, "was": "live"})
    assert response.status_code == 200


def test_a_version_from_the_future_gets_the_whole_table(see, guest):
    version = see(raw_apiservice(METRICS))
    response = guest.get(TABLE, {"newer_than": version + 7, "was": "live"})
    assert response.status_code == 200


@pytest.mark.parametrize("size", [4, 400])
def test_the_number_of_queries_does_not_grow_with_the_rows(see, guest, size):
    see(*(raw_apiservice(f"v1.g{number}.example.com") for number in range(size)))
    with CaptureQueriesContext(database) as queries:
        response = guest.get(PAGE)
    assert len(response.context["board"].rows) == size
    # One of them counts the signing requests that wait, for the bar on the left; one finds what
    # the buttons are about.
    assert len(queries) == 11


def test_text_of_the_cluster_is_shown_as_text(see, guest, cluster):
    message = "<script>alert(1)</script>\u202e"
    see(failing(message=message, service="<b>/x:443"))
    ClusterState.objects.update(kube_version="<img src=x>")
    content = guest.get(PAGE).content.decode()
    assert "<script>alert" not in content
    assert "<img src=x>" not in content
    assert "\u202e" not in content
    assert r"\u{202E}" in content


def test_the_same_row_looks_old_and_live_as_it_is(see, guest, cluster, leadership):
    see(raw_apiservice(METRICS))
    assert "last known" not in text_of(guest.get(PAGE))
    write_trouble(cluster, REFUSED, since=timezone.now(), leadership=leadership)
    assert "last known" in text_of(guest.get(PAGE))
    see(raw_apiservice(METRICS))
    assert "last known" not in text_of(guest.get(PAGE))


def test_a_message_that_changes_changes_its_row(see, guest):
    see(failing("1", message="first words"))
    assert "first words" in text_of(guest.get(PAGE))
    see(failing("2", message="second words"))
    assert "second words" in text_of(guest.get(PAGE))


def test_a_page_whose_session_has_ended_goes_to_sign_in_and_comes_back(see, client):
    version = see(raw_apiservice(METRICS))
    page = "http://testserver/clusters/lab/?state=ours"
    poll = {"newer_than": version, "was": "live"}
    headers = {"HX-Request": "true", "HX-Current-URL": page}
    response = client.get(TABLE, poll, headers=headers)
    assert response["HX-Redirect"] == "/login/?next=%2Fclusters%2Flab%2F%3Fstate%3Dours"
    assert response.content == b""
