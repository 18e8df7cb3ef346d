"""The worker examines: what is due, what is asked for, within its time, beside its round."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection as database
from django.utils import timezone

from aggportal.clusters.models import ClusterState, Examination, Finding, LastAnswer
from aggportal.clusters.services import examining
from aggportal.clusters.services.clusters import TrustChoices, choose_trust, delete_cluster
from aggportal.clusters.services.examining import (
    Examiner,
    ask_examination,
    examine_cluster,
    is_due,
)
from aggportal.clusters.services.findings import write_examination
from aggportal.clusters.standing import load_standing
from aggportal.ledger.models import Entry
from tests.clusters.conftest import ADA
from tests.clusters.fake_cluster import raw_apiservice
from tests.clusters.findings_made import METRICS, MINUTE, NOW, examined, found, looked
from tests.kube.servers import answer

pytestmark = pytest.mark.django_db(transaction=True)


def connected(cluster):
    ClusterState.objects.filter(cluster=cluster).update(connected=True)
    return fresh(cluster)


def fresh(cluster):
    return type(cluster).objects.select_related("state", "sealed", "examination").get(pk=cluster.pk)


def stood(code):
    """What is said of a check that found nothing."""
    standing = load_standing(Examination.objects.get().standing)
    return [each for each in standing if each.code == code]


def codes():
    return set(Finding.objects.unresolved().values_list("code", flat=True))


def test_a_look_at_a_cluster_is_written_with_its_answers(cluster, fake_cluster):
    fake_cluster.put(raw_apiservice(METRICS))
    examine_cluster(cluster)
    assert "A09" in codes()
    row = LastAnswer.objects.get()
    assert (row.name, row.status) == (METRICS, 404)
    examination = Examination.objects.get()
    assert examination.looked_at is not None
    assert {each.verdict for each in load_standing(examination.standing)} >= {"passed"}


def test_what_may_not_be_read_is_unchecked_with_its_rule(cluster, fake_cluster, monkeypatch):
    fake_cluster.put(raw_apiservice(METRICS))
    forbidden = {"kind": "Status", "reason": "Forbidden", "message": "may not", "code": 403}
    before = type(fake_cluster).__call__

    def refuse(self, conn, asked):
        if asked.path.startswith("/api/v1/"):
            answer(conn, 403, forbidden)
        else:
            before(self, conn, asked)

    monkeypatch.setattr(type(fake_cluster), "__call__", refuse)
    examine_cluster(cluster)
    stood = load_standing(Examination.objects.get().standing)
    lacking = {str(each.rule) for each in stood if each.code in ("T01", "I01")}
    assert lacking == {"get configmaps", "list namespaces"}
    assert {each.verdict for each in stood if each.code == "I01"} == {"unchecked"}


def test_a_cluster_that_does_not_answer_leaves_its_trouble(cluster, api_server):
    examined(cluster, found())
    api_server.stop()
    examine_cluster(cluster)
    assert Examination.objects.get().trouble is not None
    assert codes() == {"A09"}


def test_a_cluster_that_hangs_is_given_up_in_time(cluster, fake_cluster, monkeypatch):
    fake_cluster.put(raw_apiservice(METRICS))
    released = threading.Event()
    before = type(fake_cluster).__call__

    def hang(self, conn, asked):
        if asked.path.startswith("/apis/apiregistration"):
            before(self, conn, asked)
        else:
            released.wait(20)

    monkeypatch.setattr(type(fake_cluster), "__call__", hang)
    monkeypatch.setattr(examining, "SECONDS", 1.5)
    began = time.monotonic()
    examine_cluster(cluster)
    released.set()
    assert time.monotonic() - began < 18
    stood = load_standing(Examination.objects.get().standing)
    assert {each.verdict for each in stood if each.code in ("I01", "T01")} == {"unchecked"}
    assert not {each.verdict for each in stood if each.code == "A10"} & {"passed"}


def test_what_is_forgotten_meanwhile_is_not_written(cluster):
    delete_cluster(cluster, by=ADA, now=timezone.now())
    examine_cluster(cluster)
    assert not Examination.objects.exists()


@pytest.mark.parametrize(
    ("after", "changed", "due"),
    [(1, True, False), (2, True, True), (2, False, False), (5, False, True), (-1, False, True)],
)
def test_it_is_due_sooner_when_something_changed(cluster, after, changed, due):
    connected(cluster)
    examined(cluster)
    if changed:
        ClusterState.objects.update(version=7)
    assert is_due(fresh(cluster), now=NOW + after * MINUTE) == due


def test_what_a_look_itself_changed_needs_no_other_look(cluster):
    connected(cluster)
    examined(cluster, found())
    assert not is_due(fresh(cluster), now=NOW + 2 * MINUTE)


def test_a_cluster_out_of_reach_is_examined_when_somebody_asks_alone(cluster):
    assert not is_due(fresh(cluster), now=NOW)
    assert ask_examination(cluster, by=ADA, now=NOW)
    assert not ask_examination(cluster, by=ADA, now=NOW + MINUTE / 2)
    assert ask_examination(cluster, by=ADA, now=NOW + 2 * MINUTE)
    assert is_due(fresh(cluster), now=NOW + 2 * MINUTE)
    examined(cluster, at=NOW + 3 * MINUTE)
    assert not is_due(fresh(cluster), now=NOW + 9 * MINUTE)


def test_the_examiner_returns_at_once_and_looks_beside(cluster, fake_cluster):
    fake_cluster.put(raw_apiservice(METRICS))
    connected(cluster)
    examiner = Examiner()
    began = time.monotonic()
    for _ in range(3):
        examiner.go(now=timezone.now())
    assert time.monotonic() - began < 10
    examiner.wait(10)
    assert Examination.objects.get().looked_at is not None
    examiner.go(now=timezone.now())
    assert not any(each.is_alive() for each in examiner._busy.values())


def test_two_examinations_at_once_make_one_finding_each(cluster):
    results = [found(f"A{number:02}") for number in range(8)]
    whole = [looked(*results, at=NOW + number * MINUTE) for number in range(4)]
    barrier = threading.Barrier(len(whole))
    troubles = []

    def write(each):
        try:
            barrier.wait(10)
            write_examination(cluster, each, now=NOW + 9 * MINUTE)
        except Exception as exc:  # noqa: BLE001 - whatever it is, the test is to tell
            troubles.append(exc)
        finally:
            database.close()

    threads = [threading.Thread(target=write, args=[each]) for each in whole]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert troubles == []
    assert Finding.objects.count() == len(results)
    assert Examination.objects.get().looked_at == NOW + 3 * MINUTE
    assert set(Finding.objects.values_list("last_seen", flat=True)) == {NOW + 3 * MINUTE}


def test_an_examiner_that_is_told_to_stop_asks_no_more(cluster, fake_cluster, monkeypatch):
    fake_cluster.put(raw_apiservice(METRICS))
    connected(cluster)
    asked, go_on = threading.Event(), threading.Event()
    before = type(fake_cluster).__call__

    def pause(self, conn, request):
        asked.set()
        go_on.wait(20)
        before(self, conn, request)

    monkeypatch.setattr(type(fake_cluster), "__call__", pause)
    examiner = Examiner()
    examiner.go(now=timezone.now())
    assert asked.wait(10)
    examiner.stop()
    go_on.set()
    began = time.monotonic()
    examiner.wait(10)
    assert time.monotonic() - began < 9
    examiner.go(now=timezone.now())
    assert not any(each.is_alive() for each in examiner._busy.values())


def test_backends_are_shaken_hands_with_only_where_that_was_chosen(cluster, fake_cluster):
    fake_cluster.put(raw_apiservice(METRICS))
    examine_cluster(cluster)
    assert {each.verdict for each in stood("A16")} <= {"unchecked", "inapplicable"}
    assert "was asked for" in str(stood("A16")[0].sentence)
    choose_trust(cluster, TrustChoices(shakes_hands=True), by=ADA, now=timezone.now())
    examine_cluster(cluster)
    assert "No handshake with the backend came about" in str(stood("A16")[0].sentence)


def test_what_the_api_server_counted_is_kept_for_the_next_look(cluster):
    examined(cluster, metrics={"a": 1.0})
    examined(cluster, at=NOW + MINUTE)
    assert Examination.objects.get().metrics == {"a": 1.0}


def test_through_kube_apiserver_the_portal_connects_to_no_backend(cluster, fake_cluster):
    fake_cluster.put(raw_apiservice(METRICS))
    choose_trust(cluster, TrustChoices(forwards_ports=True), by=ADA, now=timezone.now())
    examine_cluster(cluster)
    assert "through pods/portforward (-)" in str(stood("A16")[0].sentence)
    entry = Entry.objects.get(action="cluster.trust_chosen")
    assert (entry.detail["shakes_hands"], entry.detail["forwards_ports"]) == ("no", "yes")
