"""Who else still leans on a CA that is about to be dropped."""

from __future__ import annotations

from aggportal.clusters.models import Cluster, Rotation, SeenCertificate
from aggportal.clusters.rotation.bundles import old_cas
from aggportal.doctor.told import say
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

_MOST = 8


def still_using(rotation: Rotation) -> tuple[Sentence, ...]:
    """Good certificates of the old authority, and other clusters that publish its CA."""
    return (*_certificates(rotation), *_clusters(rotation))


def _certificates(rotation: Rotation) -> tuple[Sentence, ...]:
    old = rotation.old_authority
    if old is None:
        return ()
    mine = (rotation.old_certificate_id, rotation.new_certificate_id)
    good = old.certificates.filter(revoked_at=None, kind="leaf", successor=None)
    names = list(
        good.filter(not_after__gt=rotation.started_at)
        .exclude(pk__in=[pk for pk in mine if pk])
        .order_by("common_name")
        .values_list("common_name", flat=True)[: _MOST + 1]
    )
    if not names:
        return ()
    text = _n("Certificates of the old authority that are still valid: %(names)s.")
    return (say(text, names=_listed(names)),)


def _clusters(rotation: Rotation) -> tuple[Sentence, ...]:
    digests = [ca.sha256 for ca in old_cas(rotation)]
    seen = SeenCertificate.objects.filter(fingerprint_sha256__in=digests)
    others = Cluster.objects.filter(pk__in=seen.values("cluster")).exclude(pk=rotation.cluster_id)
    names = list(others.values_list("name", flat=True)[: _MOST + 1])
    if not names:
        return ()
    return (say(_n("Other clusters that trust the old CA too: %(names)s."), names=_listed(names)),)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_MOST]) + (", …" if len(names) > _MOST else "")
