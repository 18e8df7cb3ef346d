"""Work that comes round."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import OperationalError
from django.utils import timezone

import aggportal.clusters.jobs  # noqa: F401 - registers the work
from aggportal.clusters.models import ConnectionDraft, Silence, Transition
from aggportal.clusters.services.drafts import keep_draft
from aggportal.web.periodic import Job, Schedule

NOW = timezone.now()
MINUTE = dt.timedelta(minutes=1)


def test_a_job_is_done_when_it_is_due_and_not_before():
    done: list[dt.datetime] = []
    schedule = Schedule(jobs={"a": Job(name="a", every=MINUTE, work=done.append)})
    for seconds in (0, 30, 60, 61, 120):
        schedule.run_due(now=NOW + dt.timedelta(seconds=seconds))
    assert [int((at - NOW).total_seconds()) for at in done] == [0, 60, 120]


@pytest.mark.parametrize("fault", [OperationalError("away"), ValueError("a fault of ours")])
def test_a_job_that_fails_holds_up_no_other_and_comes_round_again(fault):
    done: list[dt.datetime] = []

    def fail(now: dt.datetime) -> None:
        done.append(now)
        raise fault

    jobs = {
        "a": Job(name="a", every=MINUTE, work=fail),
        "b": Job(name="b", every=MINUTE, work=done.append),
    }
    schedule = Schedule(jobs=jobs)
    schedule.run_due(now=NOW)
    schedule.run_due(now=NOW + MINUTE)
    assert len(done) == 4


@pytest.mark.django_db
def test_expired_drafts_and_old_history_are_dropped(administrator, cluster, settings):
    settings.HISTORY_DAYS = 20
    keep_draft({"a": "b"}, user=administrator, session="s", now=NOW - dt.timedelta(hours=1))
    for age in (dt.timedelta(days=20) - MINUTE, dt.timedelta(days=20) + MINUTE):
        Transition.objects.create(cluster=cluster, name="v1.a", at=NOW - age)
        Silence.objects.create(cluster=cluster, began=NOW - age - MINUTE, ended=NOW - age)
    Schedule().run_due(now=NOW)
    assert (ConnectionDraft.objects.count(), Transition.objects.count()) == (0, 1)
    assert Silence.objects.count() == 1
