"""The life of findings: opened, seen again, left open, over, back; muted and heard again."""

from __future__ import annotations

import datetime as dt

import pytest

from aggportal.clusters.models import ClusterState, Examination, Finding, Harm, LastAnswer
from aggportal.clusters.services.findings import (
    NotMuted,
    NotOpen,
    forget_old_findings,
    mute_finding,
    unmute_finding,
    write_failure,
)
from aggportal.clusters.services.snapshots import Superseded
from aggportal.clusters.standing import load_standing
from aggportal.doctor.evidence import Discovery
from aggportal.doctor.findings import Severity
from aggportal.kube.errors import Unreachable
from aggportal.ledger.models import Entry
from tests.clusters.conftest import ADA
from tests.clusters.findings_made import (
    METRICS,
    MINUTE,
    NOW,
    examined,
    found,
    passed,
    unchecked,
)

DAY = dt.timedelta(days=1)


def only():
    return Finding.objects.get()


def version():
    return ClusterState.objects.get().version


def test_what_is_found_is_open_with_its_words(cluster):
    examined(cluster, found(), passed("A10"))
    row = only()
    assert (row.code, row.subject, row.harm) == ("A09", METRICS, Harm.ERROR)
    assert str(row.said) == "Requests do not arrive."
    assert [str(each) for each in row.evidence_sentences] == ["HTTP 503: service unavailable"]
    assert (row.first_seen, row.last_seen, row.resolved_at) == (NOW, NOW, None)


def test_seen_again_it_is_the_same_finding_and_no_page_is_drawn_anew(cluster):
    examined(cluster, found())
    before = version()
    examined(cluster, found(), at=NOW + MINUTE)
    assert (only().first_seen, only().last_seen) == (NOW, NOW + MINUTE)
    assert version() == before


def test_what_it_says_anew_is_kept_and_pages_follow(cluster):
    examined(cluster, found())
    before = version()
    worse = found(severity=Severity.CRITICAL, sentence="Worse.")
    examined(cluster, worse, at=NOW + MINUTE)
    assert (only().harm, str(only().said)) == (Harm.CRITICAL, "Worse.")
    assert version() == before + 1


def test_what_passes_is_over_and_kept(cluster):
    examined(cluster, found())
    examined(cluster, passed(), at=NOW + MINUTE)
    assert only().resolved_at == NOW + MINUTE
    assert not Finding.objects.loud(now=NOW).exists()


def test_what_is_of_an_apiservice_that_is_gone_is_over(cluster):
    examined(cluster, found())
    examined(cluster, at=NOW + MINUTE)
    assert only().resolved_at == NOW + MINUTE


def test_what_could_not_be_checked_is_not_over(cluster):
    examined(cluster, found())
    for minutes in (1, 2):
        examined(cluster, unchecked(), at=NOW + minutes * MINUTE)
    assert (only().resolved_at, only().unchecked_since) == (None, NOW + MINUTE)
    assert str(only().why_unchecked) == "This account may not read it."
    assert only().last_seen == NOW
    examined(cluster, found(), at=NOW + 3 * MINUTE)
    assert (only().unchecked_since, only().why_unchecked) == (None, None)


def test_what_comes_back_is_another_finding(cluster):
    examined(cluster, found())
    examined(cluster, passed(), at=NOW + MINUTE)
    examined(cluster, found(), at=NOW + 2 * MINUTE)
    assert Finding.objects.count() == 2
    assert Finding.objects.unresolved().get().first_seen == NOW + 2 * MINUTE


def test_an_older_look_that_ends_later_changes_nothing(cluster):
    examined(cluster, passed(), at=NOW + MINUTE)
    assert not examined(cluster, found(), at=NOW, now=NOW + 2 * MINUTE)
    assert not Finding.objects.exists()


def test_a_clock_that_was_set_back_does_not_stop_the_doctor(cluster):
    examined(cluster, passed(), at=NOW + DAY)
    assert examined(cluster, found(), at=NOW)
    assert only().first_seen == NOW


def test_a_look_with_old_credentials_is_not_written(cluster):
    cluster.sealed_id = "11111111-2222-3333-4444-555555555555"
    with pytest.raises(Superseded):
        examined(cluster, found())


def test_a_failed_look_says_why_and_leaves_every_finding(cluster):
    examined(cluster, found())
    error = Unreachable("%(host)s refuses the connection.", reason="refused", host="lab:6443")
    write_failure(cluster, error, at=NOW + MINUTE, now=NOW + MINUTE)
    examination = Examination.objects.get()
    assert str(examination.trouble_sentence) == "lab:6443 refuses the connection."
    assert (examination.looked_at, examination.tried_at) == (NOW, NOW + MINUTE)
    assert only().resolved_at is None
    examined(cluster, found(), at=NOW + 2 * MINUTE)
    assert Examination.objects.get().trouble is None


def test_the_checks_that_found_nothing_are_kept_by_what_they_say(cluster):
    names = [f"v1.g{number}.example.com" for number in range(30)]
    examined(cluster, *(passed("A10", name) for name in names), unchecked("T01", ""))
    unknown, fine = sorted(
        load_standing(Examination.objects.get().standing), key=lambda each: each.count
    )
    assert (fine.code, fine.verdict, fine.count, len(fine.subjects)) == ("A10", "passed", 30, 12)
    assert (fine.more, str(fine.evidence[0])) == (18, "12 ms")
    assert (unknown.code, unknown.verdict, unknown.subjects) == ("T01", "unchecked", ())


def test_muted_it_does_not_count_until_its_day(cluster):
    examined(cluster, found())
    mute_finding(only(), until=NOW + DAY, reason="known", by=ADA, now=NOW)
    assert not Finding.objects.loud(now=NOW).exists()
    assert Finding.objects.loud(now=NOW + 2 * DAY).exists()
    entry = Entry.objects.get(action="finding.muted")
    assert (entry.detail["reason"], entry.detail["check"]) == ("known", "A09")


def test_muted_it_is_muted_when_it_comes_back_before_that_day(cluster):
    examined(cluster, found())
    mute_finding(only(), until=NOW + DAY, reason="known", by=ADA, now=NOW)
    examined(cluster, passed(), at=NOW + MINUTE)
    examined(cluster, found(), at=NOW + 2 * MINUTE)
    assert not Finding.objects.loud(now=NOW + 2 * MINUTE).exists()
    assert Finding.objects.unresolved().get().muted_reason == "known"


def test_unmuted_it_counts_again_and_once(cluster):
    examined(cluster, found())
    mute_finding(only(), until=NOW + DAY, reason="known", by=ADA, now=NOW)
    unmute_finding(only(), by=ADA, now=NOW)
    assert Finding.objects.loud(now=NOW).exists()
    with pytest.raises(NotMuted):
        unmute_finding(only(), by=ADA, now=NOW)
    assert Entry.objects.filter(action="finding.unmuted").count() == 1


def test_what_is_over_cannot_be_muted(cluster):
    examined(cluster, found())
    examined(cluster, passed(), at=NOW + MINUTE)
    with pytest.raises(NotOpen):
        mute_finding(only(), until=NOW + DAY, reason="known", by=ADA, now=NOW)
    assert not Entry.objects.filter(action="finding.muted").exists()


def test_what_is_over_for_long_is_forgotten_and_nothing_else(cluster):
    examined(cluster, found("A01"), found("A02"))
    examined(cluster, found("A02"), at=NOW + MINUTE)
    forget_old_findings(before=NOW + DAY)
    assert only().code == "A02"


def test_the_last_answers_follow_and_go_with_their_apiservice(cluster):
    body = "service unavailable\x00\ud800"
    other = Discovery(path="/apis/x/v1", milliseconds=5, body=body, status=503)
    examined(cluster, answers={"v1.x": other, "v1.y": other})
    examined(cluster, answers={"v1.x": other}, at=NOW + MINUTE)
    row = LastAnswer.objects.get()
    assert (row.name, row.status, row.at) == ("v1.x", 503, NOW + MINUTE)
    assert row.body == "service unavailable\ufffd\ufffd"


def test_hostile_words_of_a_cluster_can_be_stored(cluster):
    examined(cluster, found(subject="v1.\x00\ud800", sentence="\x00", evidence="\ud800" * 5000))
    assert only().subject == "v1.\ufffd\ufffd"
    examined(cluster, found(subject="v1.\x00\ud800"), at=NOW + MINUTE)
    assert Finding.objects.count() == 1
