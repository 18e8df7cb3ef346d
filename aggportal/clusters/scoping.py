"""On what a role must be held for a page of a cluster: the cluster that its address names, and the
authority that signs in a rotation of it.
"""

from __future__ import annotations

from django.shortcuts import get_object_or_404

from aggportal.accounts.rights import PORTAL, Role, Scope
from aggportal.certs.scoping import scope_of
from aggportal.clusters.models import Cluster, Rotation
from aggportal.clusters.rotation.steps import Deed


def of_cluster(slug: str = "", **_rest: object) -> Scope | None:
    """For `role_required(…, on=…)`; None where a page goes with a cluster and without one."""
    return get_object_or_404(Cluster.objects.only("pk"), slug=slug).scope if slug else None


def of_signer(rotation: Rotation) -> Scope:
    """The authority under which the rotation issues."""
    certificate = rotation.new_certificate or rotation.old_certificate
    under = certificate.authority if certificate else None
    return scope_of(rotation.new_authority or under or rotation.old_authority)


def of_deed(rotation: Rotation, deed: Deed) -> Scope:
    """Where the role must be held that the deed needs."""
    if deed.needs is Role.OPERATOR:
        return rotation.cluster.scope
    return PORTAL if deed.needs is Role.ADMINISTRATOR else of_signer(rotation)
