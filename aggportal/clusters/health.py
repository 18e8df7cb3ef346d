"""How well a cluster is, as the doctor found it: its worst open finding that nobody muted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Count

from aggportal.clusters.models import Finding, Harm

_TONES = {
    Harm.CRITICAL: ("bad", "x-circle-fill"),
    Harm.ERROR: ("bad", "x-circle-fill"),
    Harm.WARNING: ("warn", "exclamation-triangle-fill"),
    Harm.INFO: ("old", "info-circle"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Worst:
    """The worst harm, how many findings do as much, and how many there are."""

    harm: Harm
    count: int
    total: int

    @property
    def tone(self) -> str:
        """bad, warn or old, as the pills are called."""
        return tone_of(self.harm)

    @property
    def symbol(self) -> str:
        return symbol_of(self.harm)


def tone_of(harm: int) -> str:
    """bad, warn or old, as the pills are called."""
    return _TONES[Harm(harm)][0]


def symbol_of(harm: int) -> str:
    """The icon beside the word."""
    return _TONES[Harm(harm)][1]


def worst_by_cluster(*, now: dt.datetime) -> dict[int, Worst]:
    """The worst of each cluster that has something; one query."""
    counted = Finding.objects.loud(now=now).order_by().values("cluster", "harm")
    counts: dict[int, dict[int, int]] = {}
    for row in counted.annotate(count=Count("pk")):
        counts.setdefault(row["cluster"], {})[row["harm"]] = row["count"]
    return {cluster: _worst(found) for cluster, found in counts.items()}


def worst_of(findings: Iterable[Finding]) -> Worst | None:
    """The worst of `findings`, None where there are none."""
    counts: dict[int, int] = {}
    for finding in findings:
        counts[finding.harm] = counts.get(finding.harm, 0) + 1
    return _worst(counts) if counts else None


def _worst(counts: Mapping[int, int]) -> Worst:
    harm = min(counts)
    return Worst(harm=Harm(harm), count=counts[harm], total=sum(counts.values()))
