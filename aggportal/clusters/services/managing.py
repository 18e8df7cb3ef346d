"""What of a cluster's trust is ours: its front-proxy authority, and what that issued."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Collection, Iterable

from aggportal.certs.models import Authority, Certificate, Lane
from aggportal.clusters.models import Cluster
from aggportal.doctor.authconfig import AuthConfig, parse_auth_config
from aggportal.doctor.evidence import Json, Known, Managed, ProxyClient, Read
from aggportal.pki.errors import PkiError
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.reading import read_certificate

# Certificates that ended longer ago belong to the past.
FORGET = dt.timedelta(days=30)
_CLIENTS = 5


def managed_in(
    cluster: Cluster, trust: Read[Json], *, now: dt.datetime
) -> tuple[int | None, Managed]:
    """The id of the authority whose key the cluster publishes, and what we manage for it.

    What an administrator chose for the cluster counts; else the one that is recognised.
    """
    config = parse_auth_config(trust.value) if isinstance(trust, Known) else AuthConfig()
    recognised = recognise(config)
    chosen = cluster.front_proxy or recognised
    pk = recognised.pk if recognised else None
    return pk, managed_by(chosen, config.allowed_names, now=now) if chosen else Managed()


def recognise(config: AuthConfig) -> Authority | None:
    """The authority of ours whose key stands in the ConfigMap; of several, the newest."""
    keys = {ca.spki_sha256 for ca in config.requestheader_cas}
    return Authority.objects.filter(spki_sha256__in=keys).order_by("-not_before").first()


def managed_by(
    authority: Authority, allowed_names: Collection[str], *, now: dt.datetime
) -> Managed:
    """The authority with those before and after it, and the newest certificate of each CN that can
    stand behind --proxy-client-cert-file: those with an allowed CN, if there are any.
    """
    family = family_of(authority)
    issued = (
        Certificate.objects.filter(authority__in=family, kind="leaf", revoked_at=None)
        .filter(successor=None, not_after__gt=now - FORGET)
        .select_related("material")
        .order_by("-not_before", "-pk")
    )
    newest: dict[str, ProxyClient] = {}
    for row in issued[:50]:
        facts = facts_of(row.material.pem)
        # An authority for everything signs servers as well; one of this lane should not.
        fits = authority.lane == Lane.FRONT_PROXY or _is_client(facts)
        if facts is not None and fits:
            newest.setdefault(row.common_name, ProxyClient(certificate=facts, label=str(row)))
    allowed = [each for name, each in newest.items() if name in allowed_names]
    return Managed(
        front_proxy_cas=tuple(_all_facts(each.certificate_pem for each in family)),
        proxy_clients=tuple(allowed or newest.values())[:_CLIENTS],
    )


def _is_client(facts: CertificateFacts | None) -> bool:
    return facts is not None and "client auth" in facts.extended_usages


def family_of(authority: Authority) -> list[Authority]:
    """It, and those before and after it: while keys change, two of them are ours."""
    found = [authority]
    if authority.predecessor is not None:
        found.append(authority.predecessor)
    found.extend(Authority.objects.filter(predecessor=authority))
    return found


def _all_facts(pems: Iterable[str]) -> list[CertificateFacts]:
    return [facts for pem in pems if (facts := facts_of(pem)) is not None]


@functools.lru_cache(maxsize=2048)
def facts_of(pem: str) -> CertificateFacts | None:
    """What a certificate of ours says; None for what was never one."""
    try:
        return read_certificate(pem)
    except PkiError:
        return None
