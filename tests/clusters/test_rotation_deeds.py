"""Deeds of the portal in a rotation: whose they are, what they end, what is found again after."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from django.utils import timezone

from aggportal.certs.models import Certificate, Lane
from aggportal.clusters.models import Rotation, RotationStep
from aggportal.clusters.rotation.dropping import REPUBLISHED
from aggportal.clusters.rotation.kinds import KINDS
from aggportal.clusters.rotation.making import MAKE_STEP
from aggportal.clusters.services.rotating import (
    NotProven,
    go_back,
    go_on,
    override,
    stop_rotation,
)
from aggportal.clusters.services.rotation_moves import Busy, Moved, claim
from aggportal.clusters.services.rotation_watch import watch_rotation
from aggportal.ledger.models import Entry
from aggportal.words import RefusedError
from tests.certs.makers import make_authority
from tests.clusters.conftest import ADA
from tests.clusters.rotating_cluster import RotatingCluster, pem_of
from tests.clusters.test_rotating import NAMES, PAIR, begun, do, on, step_of, to_drop, to_pair

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fake_cluster():
    fake = RotatingCluster(git_version="v1.31.4")
    yield fake
    fake.end_watches()


@pytest.fixture
def old(fake_cluster, db):
    made = make_authority("front-proxy-ca", lane=Lane.FRONT_PROXY)
    fake_cluster.file = pem_of(made)
    fake_cluster.publish()
    return made


def test_nobody_moves_a_rotation_while_the_portal_does_its_deed(cluster, old):
    rotation = begun(cluster)
    do(rotation, NAMES)
    on(rotation)
    row, now = step_of(rotation).pk, timezone.now()
    RotationStep.objects.filter(pk=row).update(busy_since=now)
    for move in (
        lambda at: go_on(rotation, row, by=ADA, now=at),
        lambda at: override(rotation, row, "why not", by=ADA, now=at),
        lambda at: go_back(rotation, row, by=ADA, now=at),
        lambda at: stop_rotation(rotation, "", by=ADA, now=at),
    ):
        with pytest.raises(Busy):
            move(now)
    assert step_of(rotation).pk == row
    stop_rotation(rotation, "cut off", by=ADA, now=now + dt.timedelta(minutes=1))
    assert Rotation.objects.get().state == "stopped"


def during(monkeypatch, happen):
    """Something happens while the authority is being made."""
    deed = MAKE_STEP.deed
    assert deed is not None

    def do_meanwhile(doing):
        did = deed.do(doing)
        happen(doing)
        return did

    replaced = replace(MAKE_STEP, deed=replace(deed, do=do_meanwhile))
    kind = KINDS["front_proxy_ca"]
    steps = (replaced, *kind.steps[1:])
    monkeypatch.setitem(KINDS, "front_proxy_ca", replace(kind, steps=steps))


def test_a_deed_ends_its_own_claim_and_nobody_elses(cluster, old, monkeypatch):
    rotation, theirs = begun(cluster), timezone.now() + dt.timedelta(seconds=30)
    during(monkeypatch, lambda doing: claim(doing.step, now=theirs))
    do(rotation, NAMES)
    assert step_of(rotation).busy_since == theirs


def test_what_was_done_is_told_although_the_rotation_was_stopped_meanwhile(
    cluster, old, monkeypatch
):
    rotation, late = begun(cluster), timezone.now() + dt.timedelta(seconds=30)
    during(monkeypatch, lambda doing: stop_rotation(doing.rotation, "slow", by=ADA, now=late))
    with pytest.raises(Moved):
        do(rotation, NAMES)
    told = [(each.outcome, each.detail.get("moved")) for each in entries("rotation.deed")]
    assert told == [("intended", None), ("done", True)]


def entries(action):
    return Entry.objects.filter(action=action).order_by("pk")


def test_a_note_keeps_what_the_worker_wrote_meanwhile(cluster, old, monkeypatch):
    def happen(doing):
        RotationStep.objects.filter(pk=doing.step.pk).update(facts={"seen by": "the worker"})
        doing.note(mine="too")

    rotation = begun(cluster)
    during(monkeypatch, happen)
    do(rotation, NAMES)
    assert step_of(rotation).facts == {"seen by": "the worker", "mine": "too"}


def test_the_certificate_of_another_rotation_is_not_taken_for_its_own(cluster, fake_cluster, old):
    rotation = to_pair(cluster, fake_cluster, old)
    do(rotation, PAIR)
    theirs = Rotation.objects.get().new_certificate
    Rotation.objects.update(new_certificate=None)
    make_other_rotation(cluster, new_certificate=theirs)
    do(rotation, PAIR)
    assert Rotation.objects.get(pk=rotation.pk).new_certificate != theirs


def make_other_rotation(cluster, **made):
    now = timezone.now()
    return Rotation.objects.create(
        cluster=cluster, kind="proxy_client", started_at=now, started_by="bob", **made
    )


def test_a_key_that_may_not_leave_is_not_found_again(cluster, fake_cluster, old):
    rotation = to_pair(cluster, fake_cluster, old)
    do(rotation, PAIR)
    Rotation.objects.update(new_certificate=None)
    Certificate.objects.update(exportable=False)
    do(rotation, PAIR)
    found = Rotation.objects.get().new_certificate
    assert found is not None
    assert found.exportable


def test_what_the_portal_could_not_delete_is_watched_from_when_it_was_by_hand(
    cluster, fake_cluster, old
):
    rotation, later = to_drop(cluster, fake_cluster, old), timezone.now() + 2 * REPUBLISHED
    fake_cluster.keeps = True
    with pytest.raises(RefusedError, match="may not delete"):
        do(rotation)
    fake_cluster.published = None
    with pytest.raises(NotProven, match="not written anew"):
        on(rotation, now=later)
    fake_cluster.publish()
    with pytest.raises(NotProven, match="65 s more"):
        on(rotation, now=later)
    on(rotation, now=later + REPUBLISHED)
    assert Rotation.objects.get().state == "done"


def test_each_further_deletion_is_watched_anew(cluster, fake_cluster, old):
    rotation, later = to_drop(cluster, fake_cluster, old), timezone.now() + REPUBLISHED
    do(rotation)
    watch_rotation(rotation.pk, now=timezone.now())
    fake_cluster.published = None
    fake_cluster.publish()
    with pytest.raises(NotProven, match="65 s more"):
        on(rotation, now=later)
    on(rotation, now=later + REPUBLISHED)
    assert Rotation.objects.get().state == "done"
