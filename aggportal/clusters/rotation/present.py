"""Which authority of ours stands behind a cluster's front proxy now, and what it issued for it."""

from __future__ import annotations

from collections.abc import Collection

from aggportal.certs.models import Authority, Certificate, Kind
from aggportal.clusters.models import Cluster
from aggportal.doctor.authconfig import AuthConfig


def present_authority(cluster: Cluster, config: AuthConfig) -> Authority | None:
    """The one of ours whose key the cluster publishes. Of several the one that was chosen for the
    cluster, else the oldest: while keys change, that is the one to be replaced.
    """
    keys = {ca.spki_sha256 for ca in config.requestheader_cas}
    found = list(Authority.objects.filter(spki_sha256__in=keys).order_by("not_before", "pk"))
    replaced = {each.predecessor_id for each in found}
    chosen = [each for each in found if each.pk in replaced] or [
        each for each in found if each.pk == cluster.front_proxy_id
    ]
    return next(iter((*chosen, *found)), None)


def clients_of(authority: Authority, names: Collection[str]) -> list[Certificate]:
    """What it issued that can stand behind --proxy-client-cert-file, newest first; of the allowed
    `names` where there are any.
    """
    issued = Certificate.objects.filter(
        authority=authority, kind=Kind.LEAF, revoked_at=None, successor=None
    )
    if names:
        issued = issued.filter(common_name__in=list(names))
    return list(issued.order_by("-not_before", "-pk")[:20])
