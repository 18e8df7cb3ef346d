"""What a backend serves at the moment, and whether a caBundle would verify it."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence

from aggportal.clusters.models import Cluster, WatchedAPIService
from aggportal.clusters.services.connections import (
    WHILE_A_PERSON_WAITS,
    client_for,
    egress_policy,
)
from aggportal.doctor.evidence import Probed
from aggportal.doctor.gathering import Looker
from aggportal.doctor.probing import Probe, probe_backend
from aggportal.kube.apiservices import parse_apiservice
from aggportal.kube.errors import KubeError
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.paths import find_paths
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

# A person waits for it, after the questions to the API server.
SECONDS = 4.0


def served_by(cluster: Cluster, row: WatchedAPIService) -> Probed | None:
    """Shake hands with the backend of `row`, directly or through kube-apiserver, as the cluster's
    settings say; None where they do not want that.

    Nothing raises: what was not seen stays unknown, with its reason.
    """
    reference = parse_apiservice(row.raw).service
    if not (cluster.shakes_hands or cluster.forwards_ports) or reference is None:
        return None
    try:
        client = client_for(cluster, timeouts=WHILE_A_PERSON_WAITS)
        client.ends_at = time.monotonic() + SECONDS
        behind = Looker(client=client).service(reference.namespace, reference.name, slices=True)
    except KubeError as error:
        return Probed(address="", trouble=error.sentence)
    client.ends_at = time.monotonic() + SECONDS
    probe = Probe(
        egress=egress_policy(),
        through=client if cluster.forwards_ports else None,
        ends_at=client.ends_at,
    )
    return probe_backend(probe, reference, behind)


def would_not_verify(
    probed: Probed | None, bundle: Sequence[CertificateFacts], *, now: dt.datetime
) -> Sentence | None:
    """Why kube-apiserver would refuse what is served with `bundle`, as far as that was seen."""
    if probed is None or not probed.chain:
        return None
    own = probed.chain[0]
    # Its own dates are another matter; the authorities are judged by a moment when it was valid.
    at = min(max(now, own.not_before), own.not_after)
    ways = find_paths(own, intermediates=probed.chain[1:], roots=bundle, now=at)
    if any(way.is_good for way in ways):
        return None
    return Sentence(
        text=_n(
            "The certificate that is served now at %(address)s was issued by %(issuer)s. This "
            "caBundle would not verify it: requests fail until another one is served."
        ),
        params={"address": probed.address, "issuer": own.issuer},
    )
