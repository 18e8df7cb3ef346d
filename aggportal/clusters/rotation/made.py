"""Which certificates a rotation may take for its own when it finds them made already."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q, QuerySet

from aggportal.certs.models import Certificate, Kind
from aggportal.clusters.models import Rotation, RotationStep

CERTIFICATES = "certificates"


def made_since(rotation: Rotation) -> QuerySet[Certificate]:
    """Leaves that were issued since the rotation began and that may be its own: good, with a key
    that may leave, and of no other rotation. Newest first.
    """
    mine = Certificate.objects.filter(
        issued_at__gte=rotation.started_at,
        kind=Kind.LEAF,
        revoked_at=None,
        key__isnull=False,
        exportable=True,
    )
    return mine.exclude(pk__in=set(_of_others(rotation))).order_by("-pk")


def noted(facts: dict[str, object]) -> dict[str, int]:
    """Ids of certificates by Service, as a rotation or a step keeps them."""
    found = facts.get(CERTIFICATES, {})
    return dict(found) if isinstance(found, dict) else {}


def _of_others(rotation: Rotation) -> Iterator[int]:
    """What rotations have made that were under way at the same time."""
    late = Q(ended_at=None) | Q(ended_at__gte=rotation.started_at)
    others = Rotation.objects.filter(late).exclude(pk=rotation.pk)
    for pk, facts in others.values_list("new_certificate_id", "facts"):
        yield from (pk,) if pk else ()
        yield from noted(facts).values()
    steps = RotationStep.objects.filter(rotation__in=others)
    for facts in steps.values_list("facts", flat=True):
        yield from noted(facts).values()
