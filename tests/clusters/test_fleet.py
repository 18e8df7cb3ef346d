"""All clusters at a glance: worst first, what ends first, polled for no more than is newer."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from aggportal.certs.models import Lane
from aggportal.clusters.models import Cluster, ClusterState, Finding, Harm
from tests.certs.makers import make_authority, make_certificate
from tests.dashboard.calendar_made import DAY, make_bundle, make_cluster, make_seen

URL = "/clusters/"
POLL = {"HX-Request": "true"}


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def board(viewer, client_of, db):
    client = client_of(viewer)
    return lambda: client.get(URL).context["board"]


def live(name, now, *, total=5, available=5, **made):
    cluster = make_cluster(name, **made)
    ClusterState.objects.filter(cluster=cluster).update(
        connected=True, heard_at=now, total=total, available=available, kube_version="v1.34.1"
    )
    return cluster


def found(cluster, harm, now):
    Finding.objects.create(
        cluster=cluster, code="A01", harm=harm, title={}, sentence={}, first_seen=now, last_seen=now
    )


def test_the_worst_stands_first(board, leadership, now):
    live("a-well", now)
    make_bundle(live("b-soon", now), ends=now + 10 * DAY)
    live("c-missing", now, available=3)
    found(live("d-critical", now), Harm.CRITICAL, now)
    found(live("e-warned", now), Harm.WARNING, now)
    make_bundle(live("f-over", now), ends=now - DAY)
    shown = board()
    assert [line.cluster.name for line in shown.lines] == [
        "d-critical",
        "c-missing",
        "f-over",
        "e-warned",
        "b-soon",
        "a-well",
    ]
    assert (shown.broken, shown.careful) == (3, 2)


def test_one_out_of_reach_counts_as_broken(board, now):
    live("lab", now)  # no worker leads
    assert board().lines[0].grade == 0


def test_what_ends_first_is_told_of_everything_that_is_known(board, leadership, now):
    front = make_authority(lane=Lane.FRONT_PROXY)
    lab = live("lab", now, front=front)
    assert board().lines[0].soonest.kind == "authority"
    certificate = make_certificate(front)
    assert board().lines[0].soonest.when == certificate.not_after
    assert board().lines[0].soonest.kind == "proxy"
    make_seen(lab, ends=now + 50 * DAY)
    assert board().lines[0].soonest.kind == "seen"
    make_bundle(lab, ends=now + 40 * DAY)
    assert board().lines[0].soonest.kind == "bundle"


def test_a_serving_certificate_of_ours_counts_where_its_authority_is_trusted(
    board, leadership, now
):
    serving = make_authority("serving-ca", lane=Lane.SERVING)
    host = "metrics-server.kube-system.svc"
    certificate = make_certificate(serving, host, profile="extension-serving", hosts=[host])
    for name, subject in (("here", serving.subject), ("there", "CN=another")):
        make_bundle(live(name, now), ends=None, subject=subject)
    soonest = {line.cluster.name: line.soonest for line in board().lines}
    assert (soonest["here"].kind, soonest["here"].when) == ("serving", certificate.not_after)
    assert soonest["there"] is None


def test_the_page_says_it_in_words(viewer, client_of, leadership, now):
    make_bundle(live("lab", now, available=3), ends=now + 10 * DAY)
    page = client_of(viewer).get(URL).content.decode()
    for text in ("2 of 5 not available", "v1.34.1", "a caBundle", "live", "1 with something"):
        assert text in page
    assert "/calendar/?cluster=lab&amp;within=all" in page


def test_nothing_new_is_answered_with_204_and_what_is_newer_with_the_table(
    viewer, client_of, leadership, now
):
    cluster = live("lab", now)
    client = client_of(viewer)
    mark = client.get(URL).context["board"].mark
    assert client.get(URL, {"was": mark}, headers=POLL).status_code == 204
    ClusterState.objects.filter(cluster=cluster).update(version=2, available=1)
    answer = client.get(URL, {"was": mark}, headers=POLL)
    assert (answer.status_code, b"<html" in answer.content) == (200, False)
    assert b"4 of 5 not available" in answer.content
    Cluster.objects.all().delete()
    assert client.get(URL, {"was": mark}, headers=POLL).headers["HX-Refresh"] == "true"


def test_the_address_of_a_poll_gives_a_whole_page_to_a_person(viewer, client_of, db):
    assert b"<html" in client_of(viewer).get(URL, {"was": "x"}).content


def test_queries_do_not_grow_with_the_clusters(viewer, client_of, leadership, now):
    front = make_authority(lane=Lane.FRONT_PROXY)
    client = client_of(viewer)
    counts = []
    for number in range(21):
        cluster = live(f"c{number}", now, front=front)
        make_bundle(cluster, ends=now + DAY)
        found(cluster, Harm.ERROR, now)
        if number in (0, 20):
            with CaptureQueriesContext(connection) as queries:
                client.get(URL)
            counts.append(len(queries))
    assert counts[0] == counts[1]
