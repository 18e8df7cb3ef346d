"""In how many namespaces something is scaled by which metrics API, as the doctor last saw it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aggportal.clusters.models import Examination, Finding
from aggportal.doctor.impact import SCALED

# The check that looks at HorizontalPodAutoscalers; what it tells stands with what it found, or
# among what passed.
CHECK = "I02"

Scaled = Mapping[tuple[int, str], int]


def read_scaled(clusters: Iterable[int]) -> Scaled:
    """Namespaces by cluster (id) and API group; two queries."""
    ids = list(clusters)
    looked = Examination.objects.filter(cluster__in=ids).values_list("cluster", "standing")
    told: list[tuple[int, Any]] = [
        (cluster, entry.get("evidence", ()))
        for cluster, standing in looked
        for entry in standing
        if entry.get("code") == CHECK
    ]
    open_ones = Finding.objects.filter(cluster__in=ids, code=CHECK, resolved_at=None)
    told += open_ones.values_list("cluster", "evidence")
    return {
        (cluster, group): count for cluster, evidence in told for group, count in _counted(evidence)
    }


def _counted(evidence: Iterable[dict[str, Any] | None]) -> Iterator[tuple[str, int]]:
    for sentence in evidence:
        if not sentence or sentence.get("text") != SCALED:
            continue
        params = sentence["params"]
        group, count = params.get("group"), params.get("namespaces")
        if isinstance(group, str) and isinstance(count, int):
            yield group, count
