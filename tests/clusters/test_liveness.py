"""How fresh a cluster's page says that it is."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from aggportal.clusters.liveness import QUIET_SECONDS, liveness_of
from aggportal.clusters.models import ClusterState, Lease
from aggportal.clusters.models.leases import LEASE_SECONDS
from aggportal.web.told import tell
from aggportal.words import Sentence

NOW = timezone.now()
REFUSED = Sentence(text="%(host)s refuses.", params={"host": "lab"})


def before(seconds):
    return NOW - dt.timedelta(seconds=seconds)


LEASE = Lease(name="worker", holder="one", renewed_at=before(1))


def test_a_cluster_that_was_just_heard_is_live():
    state = ClusterState(connected=True, heard_at=before(4))
    found = liveness_of(state, LEASE, now=NOW)
    assert (found.kind, found.is_live, found.since) == ("live", True, before(4))


def test_a_cluster_that_was_never_heard_is_waited_for():
    assert liveness_of(ClusterState(), LEASE, now=NOW).kind == "waiting"


def test_trouble_makes_it_old_since_then_and_says_why():
    state = ClusterState(trouble=tell(REFUSED), since=before(90), heard_at=before(90))
    found = liveness_of(state, LEASE, now=NOW)
    assert (found.kind, found.since, str(found.why)) == ("old", before(90), "lab refuses.")


def test_silence_makes_it_old():
    state = ClusterState(connected=True, heard_at=before(QUIET_SECONDS + 1))
    found = liveness_of(state, LEASE, now=NOW)
    assert (found.is_old, found.since) == (True, state.heard_at)


def test_without_a_worker_it_is_old_however_well_it_was():
    state = ClusterState(connected=True, heard_at=before(1))
    stale = Lease(name="worker", holder="one", renewed_at=before(LEASE_SECONDS + 1))
    given_back = Lease(name="worker", holder="", renewed_at=before(1))
    for lease in (None, stale, given_back):
        found = liveness_of(state, lease, now=NOW)
        assert found.is_old
        assert "worker" in str(found.why)


def test_a_sign_of_life_that_is_still_to_come_makes_nothing_live():
    state = ClusterState(connected=True, heard_at=before(-3600))
    found = liveness_of(state, LEASE, now=NOW)
    assert (found.is_old, found.since) == (True, None)
    assert "was set back" in str(found.why)


def test_trouble_since_a_moment_that_is_still_to_come_is_told_without_a_moment():
    state = ClusterState(trouble=tell(REFUSED), since=before(-3600), heard_at=before(-3600))
    found = liveness_of(state, LEASE, now=NOW)
    assert (found.since, str(found.why)) == (None, "lab refuses.")


def test_clocks_of_two_machines_may_lie_a_little_apart():
    state = ClusterState(connected=True, heard_at=before(-30))
    lease = Lease(name="worker", holder="one", renewed_at=before(-30))
    assert liveness_of(state, lease, now=NOW).is_live
