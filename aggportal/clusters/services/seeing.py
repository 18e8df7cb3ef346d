"""Keeping the certificates that a cluster publishes: they end whether somebody looks or not."""

from __future__ import annotations

from collections.abc import Iterable

from aggportal.clusters.models import Cluster, Place, SeenCertificate
from aggportal.doctor.authconfig import AuthConfig
from aggportal.pki.facts import CertificateFacts
from aggportal.web.told import storable


def write_seen(cluster: Cluster, trust: AuthConfig) -> None:
    """Make the rows equal to what the cluster holds now. The caller holds the transaction."""
    wanted = {(place, facts.sha256): facts for place, found in _places(trust) for facts in found}
    kept = set()
    for row in SeenCertificate.objects.filter(cluster=cluster):
        key = (row.place, row.fingerprint_sha256)
        if key in wanted:
            kept.add(key)
        else:
            row.delete()
    SeenCertificate.objects.bulk_create(
        [
            SeenCertificate(
                cluster=cluster,
                place=place,
                subject=storable(facts.subject),
                fingerprint_sha256=facts.sha256,
                not_after=facts.not_after,
            )
            for (place, _), facts in wanted.items()
            if (place, facts.sha256) not in kept
        ],
        ignore_conflicts=True,
    )


def _places(trust: AuthConfig) -> Iterable[tuple[str, tuple[CertificateFacts, ...]]]:
    return (
        (Place.FRONT_PROXY.value, trust.requestheader_cas),
        (Place.CLIENT.value, trust.client_cas),
    )
