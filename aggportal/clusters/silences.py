"""The times in which nothing was heard of a cluster."""

from __future__ import annotations

from aggportal.clusters.history import GAP, Span
from aggportal.clusters.models import Cluster


def silences_of(cluster: Cluster, span: Span) -> list[Span]:
    """Those within `span`, in order, with the one that lasts still; one query.

    `cluster` comes with its state.
    """
    rows = cluster.silences.within(span.start, span.end)
    found = [Span(start=began, end=ended) for began, ended in rows.values_list("began", "ended")]
    heard = cluster.state.heard_at
    if heard is not None and span.end - heard > GAP:
        found.append(Span(start=heard, end=span.end))
    return found
