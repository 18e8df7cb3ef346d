"""The exchange of a front-proxy CA, step by step, against a fake cluster that keeps what it saw."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from django.db import connection as database
from django.utils import timezone

from aggportal.certs.models import Authority, Certificate, Lane
from aggportal.clusters.models import Rotation, RotationStep, StepState
from aggportal.clusters.rotation.dropping import REPUBLISHED, StillNeeded
from aggportal.clusters.services.rotating import (
    AlreadyOpen,
    NothingBefore,
    NotProven,
    go_back,
    go_on,
    override,
    say_seen,
    start_rotation,
    stop_rotation,
)
from aggportal.clusters.services.rotation_deeds import act
from aggportal.clusters.services.rotation_moves import Busy, Moved, present_of
from aggportal.clusters.services.rotation_watch import RotationWatcher, watch_rotation
from aggportal.ledger.models import Entry
from aggportal.words import RefusedError
from tests.certs.makers import make_authority, make_certificate
from tests.clusters.conftest import ADA
from tests.clusters.rotating_cluster import API, RotatingCluster, pem_of

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = {"label": "Front proxy two", "common_name": "front-proxy-ca-2"}
PAIR = {"common_name": "front-proxy-client", "profile": "front-proxy-client"}


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


def begun(cluster, kind="front_proxy_ca", **chosen):
    return start_rotation(cluster, kind, chosen, by=ADA, now=timezone.now())


def step_of(rotation):
    present = present_of(Rotation.objects.get(pk=rotation.pk))
    assert present is not None
    return present.row


def do(rotation, chosen=None, *, now=None):
    return act(rotation, step_of(rotation).pk, chosen or {}, by=ADA, now=now or timezone.now())


def on(rotation, *, now=None):
    """Say all that is asked, and go on."""
    now = now or timezone.now()
    watch_rotation(rotation.pk, now=now)
    row = step_of(rotation)
    if row.asks:
        keys = frozenset(ask["key"] for ask in row.asks)
        say_seen(rotation, row.pk, keys, by=ADA, now=now - dt.timedelta(minutes=2))
    go_on(rotation, row.pk, by=ADA, now=now)


def new_of(rotation):
    return Rotation.objects.get(pk=rotation.pk).new_authority


def to_overlap(cluster):
    rotation = begun(cluster)
    do(rotation, NAMES)
    on(rotation)
    return rotation


def to_pair(cluster, fake_cluster, old):
    rotation = to_overlap(cluster)
    fake_cluster.install(pem_of(old, new_of(rotation)))
    on(rotation)
    return rotation


def to_drop(cluster, fake_cluster, old):
    rotation = to_pair(cluster, fake_cluster, old)
    do(rotation, PAIR)
    on(rotation)
    on(rotation)
    fake_cluster.file = pem_of(new_of(rotation))
    on(rotation)
    return rotation


def finish(rotation):
    """The rebuilt ConfigMap is seen, and a minute later still the same."""
    watch_rotation(rotation.pk, now=timezone.now())
    on(rotation, now=timezone.now() + REPUBLISHED)


def test_the_whole_way_ends_with_the_new_ca_alone(cluster, fake_cluster, old):
    rotation = to_drop(cluster, fake_cluster, old)
    do(rotation)
    finish(rotation)
    rotation.refresh_from_db()
    assert rotation.state == "done"
    published = fake_cluster.published["data"]["requestheader-client-ca-file"]
    assert published == pem_of(rotation.new_authority)
    assert [row.state for row in rotation.steps.all()] == ["proven"] * 6
    actions = set(Entry.objects.values_list("action", flat=True))
    assert {"rotation.started", "rotation.deed", "rotation.step_passed", "rotation.done"} <= actions


def test_the_new_authority_has_a_name_of_its_own_and_takes_the_place_of_the_old(cluster, old):
    made = new_of(to_overlap(cluster))
    assert made.common_name == "front-proxy-ca-2"
    assert made.subject != old.subject
    assert made.predecessor == old


def test_no_step_is_passed_without_its_proof(cluster, old):
    rotation = to_overlap(cluster)
    watch_rotation(rotation.pk, now=timezone.now())
    row = step_of(rotation)
    with pytest.raises(NotProven, match="does not hold"):
        go_on(rotation, row.pk, by=ADA, now=timezone.now())
    assert step_of(rotation).key == "overlap"


def test_what_only_a_person_sees_has_to_be_said(cluster, fake_cluster, old):
    rotation = to_overlap(cluster)
    fake_cluster.install(pem_of(old, new_of(rotation)))
    with pytest.raises(NotProven, match="only you can see"):
        go_on(rotation, step_of(rotation).pk, by=ADA, now=timezone.now())


def test_each_master_that_can_be_seen_is_asked_for(cluster, fake_cluster, old):
    nodes = [{"metadata": {"name": name}} for name in ("m-2", "m-1")]
    fake_cluster.objects["/api/v1/nodes"] = {"metadata": {}, "items": nodes}
    rotation = to_overlap(cluster)
    watch_rotation(rotation.pk, now=timezone.now())
    asked = [str(ask["sentence"]) for ask in step_of(rotation).asked]
    assert [text.split()[1] for text in asked] == ["m-1", "m-2"]


def test_an_administrator_may_pass_with_a_reason_that_stays(cluster, old):
    rotation = to_overlap(cluster)
    override(rotation, step_of(rotation).pk, "the API is away", by=ADA, now=timezone.now())
    past = rotation.steps.get(key="overlap")
    assert (past.state, past.reason, past.ended_by) == ("overridden", "the API is away", "ada")
    entry = Entry.objects.filter(action="rotation.step_overridden").get()
    assert entry.detail["reason"] == "the API is away"


def test_going_back_makes_the_step_anew_and_keeps_what_was(cluster, fake_cluster, old):
    rotation = to_pair(cluster, fake_cluster, old)
    go_back(rotation, step_of(rotation).pk, by=ADA, now=timezone.now())
    rows = [(row.key, row.state) for row in rotation.steps.all()]
    assert rows == [
        ("make", "proven"),
        ("overlap", "undone"),
        ("client", "undone"),
        ("overlap", "current"),
    ]
    assert rotation.steps.filter(key="overlap").first().seen
    on(rotation)
    assert step_of(rotation).key == "client"


def test_there_is_nothing_before_the_first_step(cluster, old):
    rotation = begun(cluster)
    with pytest.raises(NothingBefore):
        go_back(rotation, step_of(rotation).pk, by=ADA, now=timezone.now())


def test_a_second_click_goes_one_step_only(cluster, old):
    rotation = begun(cluster)
    do(rotation, NAMES)
    first = step_of(rotation).pk
    go_on(rotation, first, by=ADA, now=timezone.now())
    go_on(rotation, first, by=ADA, now=timezone.now())
    override(rotation, first, "twice", by=ADA, now=timezone.now())
    assert step_of(rotation).key == "overlap"
    assert rotation.steps.count() == 2


def test_a_page_that_is_behind_moves_nothing(cluster, fake_cluster, old):
    rotation = to_pair(cluster, fake_cluster, old)
    behind = rotation.steps.get(key="overlap").pk
    with pytest.raises(Moved):
        go_back(rotation, behind, by=ADA, now=timezone.now())
    with pytest.raises(Moved):
        act(rotation, behind, {}, by=ADA, now=timezone.now())


def test_of_many_who_go_on_at_once_one_does(cluster, old):
    rotation = begun(cluster)
    do(rotation, NAMES)
    row, failed = step_of(rotation).pk, []

    def click():
        try:
            go_on(rotation, row, by=ADA, now=timezone.now())
        except Moved as moved:
            failed.append(moved)
        finally:
            database.close()

    clicks = [threading.Thread(target=click) for _ in range(4)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()
    assert rotation.steps.count() == 2
    assert Entry.objects.filter(action="rotation.step_passed").count() == 1


def test_two_of_the_same_are_not_begun(cluster, old):
    begun(cluster)
    with pytest.raises(AlreadyOpen):
        begun(cluster)
    assert Rotation.objects.count() == 1


def test_a_deed_that_is_under_way_is_not_done_twice(cluster, old):
    rotation = begun(cluster)
    RotationStep.objects.update(busy_since=timezone.now())
    with pytest.raises(Busy):
        do(rotation, NAMES)
    later = timezone.now() + dt.timedelta(minutes=1)
    do(rotation, NAMES, now=later)
    assert Authority.objects.count() == 2


def test_cut_off_after_making_the_authority_it_is_found_again(cluster, old, monkeypatch):
    rotation = begun(cluster)
    do(rotation, NAMES)
    Rotation.objects.update(new_authority=None)
    do(rotation, NAMES)
    assert Authority.objects.count() == 2
    assert new_of(rotation).predecessor == old


def test_cut_off_after_issuing_the_certificate_is_found_again(cluster, fake_cluster, old):
    rotation = to_pair(cluster, fake_cluster, old)
    do(rotation, PAIR)
    Rotation.objects.update(new_certificate=None)
    do(rotation, PAIR)
    assert Certificate.objects.filter(common_name="front-proxy-client").count() == 1


def test_the_certificate_renews_the_one_before_under_the_same_name(cluster, fake_cluster, old):
    before = make_certificate(old, "front-proxy-client", profile="front-proxy-client")
    rotation = to_pair(cluster, fake_cluster, old)
    do(rotation, PAIR)
    made = Rotation.objects.get().new_certificate
    assert made is not None
    assert (made.predecessor, made.common_name) == (before, before.common_name)
    assert made.authority == new_of(rotation)


def test_another_name_than_the_cluster_lets_pass_is_refused(cluster, fake_cluster, old):
    rotation = to_pair(cluster, fake_cluster, old)
    with pytest.raises(RefusedError, match="accepts only these names") as refused:
        do(rotation, {**PAIR, "common_name": "somebody"})
    assert refused.value.field == "common_name"
    assert not Certificate.objects.filter(common_name="somebody").exists()


def test_requests_that_fail_hold_the_rotation_up(cluster, fake_cluster, old):
    rotation = to_pair(cluster, fake_cluster, old)
    do(rotation, PAIR)
    on(rotation)
    fake_cluster.works = False
    with pytest.raises(NotProven, match=API):
        on(rotation)


def test_what_failed_before_hinders_nothing_and_proves_nothing(cluster, fake_cluster, old):
    fake_cluster.works = False
    rotation = to_pair(cluster, fake_cluster, old)
    do(rotation, PAIR)
    on(rotation)
    with pytest.raises(NotProven, match="No aggregated API"):
        on(rotation)


def test_the_configmap_is_not_deleted_while_it_lacks_the_new_ca(cluster, fake_cluster, old):
    rotation = to_drop(cluster, fake_cluster, old)
    fake_cluster.published = None
    fake_cluster.file = pem_of(old)
    fake_cluster.publish()
    with pytest.raises(StillNeeded):
        do(rotation)
    assert fake_cluster.deleted == []


def test_a_master_that_kept_the_old_ca_is_noticed(cluster, fake_cluster, old):
    rotation = to_drop(cluster, fake_cluster, old)
    do(rotation)
    fake_cluster.install(pem_of(old, new_of(rotation)))
    with pytest.raises(NotProven, match="is back"):
        on(rotation, now=timezone.now() + REPUBLISHED)
    fake_cluster.file = pem_of(new_of(rotation))
    do(rotation)
    finish(rotation)
    assert Rotation.objects.get().state == "done"


def test_a_deletion_by_hand_is_noticed(cluster, fake_cluster, old):
    rotation = to_drop(cluster, fake_cluster, old)
    watch_rotation(rotation.pk, now=timezone.now())
    fake_cluster.published = None
    fake_cluster.publish()
    finish(rotation)
    assert Rotation.objects.get().state == "done"


def test_the_old_authority_that_was_chosen_for_the_cluster_gives_way(cluster, fake_cluster, old):
    cluster.front_proxy = old
    cluster.save()
    rotation = to_drop(cluster, fake_cluster, old)
    do(rotation)
    cluster.refresh_from_db()
    assert cluster.front_proxy == new_of(rotation)


def test_stopped_and_begun_anew_it_finds_what_was_made(cluster, fake_cluster, old):
    rotation = to_pair(cluster, fake_cluster, old)
    stop_rotation(rotation, "tomorrow", by=ADA, now=timezone.now())
    again = begun(cluster)
    assert (again.old_authority, again.new_authority) == (old, new_of(rotation))
    on(again)
    on(again)
    assert step_of(again).key == "client"


def test_what_is_stopped_moves_no_more(cluster, old):
    rotation = begun(cluster)
    row = step_of(rotation).pk
    stop_rotation(rotation, "", by=ADA, now=timezone.now())
    with pytest.raises(Moved):
        stop_rotation(rotation, "", by=ADA, now=timezone.now())
    with pytest.raises(Moved):
        override(rotation, row, "late", by=ADA, now=timezone.now())


def test_a_ca_from_elsewhere_needs_its_successor_chosen(cluster, fake_cluster, old):
    foreign = make_authority("elsewhere", lane=Lane.FRONT_PROXY)
    fake_cluster.published = None
    fake_cluster.file = pem_of(foreign)
    fake_cluster.publish()
    Authority.objects.filter(pk=foreign.pk).update(spki_sha256="0" * 64)
    with pytest.raises(Exception, match="none of this portal's"):
        begun(cluster)
    rotation = begun(cluster, successor=old)
    assert (rotation.old_authority, rotation.new_authority) == (None, old)


def test_a_certificate_is_renewed_without_touching_the_ca(cluster, fake_cluster, old):
    before = make_certificate(old, "front-proxy-client", profile="front-proxy-client")
    rotation = begun(cluster, "proxy_client", certificate=before)
    do(rotation, PAIR)
    on(rotation)
    on(rotation)
    rotation.refresh_from_db()
    assert rotation.state == "done"
    assert rotation.new_certificate.predecessor == before
    assert rotation.new_certificate.authority == old


def test_permissions_that_are_missing_are_shown_as_rules(cluster, fake_cluster, old):
    rotation = to_overlap(cluster)
    fake_cluster.refuses.add("configmaps")
    watch_rotation(rotation.pk, now=timezone.now())
    assert '"configmaps"' in step_of(rotation).rules


def test_a_cluster_that_does_not_answer_is_a_proof_that_is_missing(cluster, fake_cluster, old):
    rotation = to_overlap(cluster)
    watch_rotation(rotation.pk, now=timezone.now())
    fake_cluster.token = "another"
    watch_rotation(rotation.pk, now=timezone.now())
    row = step_of(rotation)
    assert not row.proven
    assert row.missing
    assert row.asks


def test_the_version_moves_only_with_what_is_seen(cluster, old):
    rotation = to_overlap(cluster)
    watch_rotation(rotation.pk, now=timezone.now())
    version = Rotation.objects.get().version
    watch_rotation(rotation.pk, now=timezone.now())
    assert Rotation.objects.get().version == version


def test_the_worker_looks_at_what_is_open(cluster, old):
    rotation = to_overlap(cluster)
    watcher = RotationWatcher()
    watcher.go(now=timezone.now())
    watcher.wait(10)
    assert step_of(rotation).looked_at is not None
    assert step_of(rotation).state == StepState.CURRENT


def test_nothing_secret_stands_in_what_is_kept(cluster, fake_cluster, old):
    rotation = to_drop(cluster, fake_cluster, old)
    kept = str(list(Rotation.objects.values())) + str(list(RotationStep.objects.values()))
    told = "".join(str(entry.detail) for entry in Entry.objects.all())
    assert "PRIVATE KEY" not in kept + told
    assert rotation.pk
