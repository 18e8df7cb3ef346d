"""On what a role must be held for a page of a cluster: the cluster that its address names."""

from __future__ import annotations

from django.shortcuts import get_object_or_404

from aggportal.accounts.rights import Scope
from aggportal.clusters.models import Cluster


def of_cluster(slug: str = "", **_rest: object) -> Scope | None:
    """For `role_required(…, on=…)`; None where a page goes with a cluster and without one."""
    return get_object_or_404(Cluster.objects.only("pk"), slug=slug).scope if slug else None
