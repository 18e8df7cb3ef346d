"""How fresh a cluster's page is: live, not yet heard, or out of reach since when and why."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from aggportal.clusters.models import ClusterState, Lease
from aggportal.clusters.models.leases import is_ahead
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

# The worker asks an open watch for a sign of life every 5 s; three may go missing.
QUIET_SECONDS = 20.0

Kind = Literal["live", "waiting", "old"]

_NO_WORKER = Sentence(text=_n("The portal's worker does not run, so nobody follows this cluster."))
_START_WORKER = Sentence(
    text=_n("Start the worker: it comes with `make run`, or `manage.py worker`.")
)
_QUIET = Sentence(text=_n("Nothing was heard of the API server lately."))
_ASKED_AGAIN = Sentence(
    text=_n("It is asked every few seconds; if this stays, look at the log of the portal's worker.")
)
_SET_BACK = Sentence(
    text=_n("The clock of the portal's machine was set back, so nobody can tell how old this is.")
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Liveness:
    """`since` is when the present state began, as far as known; `why` belongs to `old`.

    `mark` is what a page has shown: it differs wherever the words differ.
    """

    kind: Kind
    mark: str
    since: dt.datetime | None = None
    why: Sentence | None = None
    remedy: Sentence | None = None

    @property
    def is_live(self) -> bool:
        return self.kind == "live"

    @property
    def is_old(self) -> bool:
        return self.kind == "old"


def liveness_of(state: ClusterState, lease: Lease | None, *, now: dt.datetime) -> Liveness:
    """Tell how fresh `state` is, given who leads among the workers."""
    if lease is not None and (
        lease.is_ahead(now=now) or (state.connected and state.is_ahead(now=now))
    ):
        return Liveness(kind="old", mark="clock", why=_SET_BACK, remedy=_ASKED_AGAIN)
    if lease is None or not lease.is_held(now=now):
        return Liveness(
            kind="old",
            mark="no-worker",
            since=state.heard_at,
            why=_NO_WORKER,
            remedy=_START_WORKER,
        )
    if state.connected and state.is_heard_within(QUIET_SECONDS, now=now):
        return Liveness(kind="live", mark="live", since=state.heard_at)
    if state.trouble_sentence is not None:
        return Liveness(
            kind="old",
            mark="old",
            since=None if is_ahead(state.since, now=now) else state.since,
            why=state.trouble_sentence,
            remedy=state.remedy_sentence,
        )
    if state.heard_at is None:
        return Liveness(kind="waiting", mark="waiting")
    return Liveness(kind="old", mark="quiet", since=state.heard_at, why=_QUIET, remedy=_ASKED_AGAIN)
