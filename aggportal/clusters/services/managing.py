"""What of a cluster's trust is ours: its front-proxy authority, and what that issued."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable, Iterator

from django.db.models import Q, QuerySet

from aggportal.certs.models import Authority, Certificate, Lane
from aggportal.clusters.models import Cluster, Rotation
from aggportal.clusters.models.rotations import RotationKind, RotationState
from aggportal.doctor.authconfig import AuthConfig, parse_auth_config
from aggportal.doctor.evidence import Json, Known, Managed, ProxyClient, Read
from aggportal.pki.errors import PkiError
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.reading import read_certificate, read_certificates

# Certificates that ended longer ago belong to the past.
FORGET = dt.timedelta(days=30)
_CLIENTS = 5
_HIGHEST = 10


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
    if chosen is None:
        return pk, Managed()
    return pk, managed_by(chosen, config, cluster=cluster, now=now)


def recognise(config: AuthConfig) -> Authority | None:
    """The authority of ours whose key stands in the ConfigMap; of several, the newest."""
    keys = {ca.spki_sha256 for ca in config.requestheader_cas}
    return Authority.objects.filter(spki_sha256__in=keys).order_by("-not_before").first()


def managed_by(
    authority: Authority, config: AuthConfig, *, now: dt.datetime, cluster: Cluster | None = None
) -> Managed:
    """The authority with those before and after it, those of them that ought to be trusted no
    longer, and the newest certificate of each CN that can stand behind --proxy-client-cert-file:
    those with an allowed CN, if there are any.
    """
    family = family_of(authority, cluster=cluster)
    former = _former(authority, family, config, cluster)
    issued = (
        Certificate.objects.filter(authority__in=family, kind="leaf", revoked_at=None)
        .filter(successor=None, not_after__gt=now - FORGET)
        .select_related("material", "key", "authority")
        .order_by("-not_before", "-pk")
    )
    newest: dict[str, ProxyClient] = {}
    for row in issued[:50]:
        facts = facts_of(row.material.pem)
        # An authority for everything signs servers as well; one of this lane should not.
        fits = authority.lane == Lane.FRONT_PROXY or _is_client(facts)
        if facts is not None and fits and row.common_name not in newest:
            newest[row.common_name] = _proxy_client(row, facts)
    allowed = [each for name, each in newest.items() if name in config.allowed_names]
    past = {each.pk for each in former}
    present = (each for each in family if each.pk not in past)
    return Managed(
        front_proxy_cas=tuple(_all_facts(each.certificate_pem for each in present)),
        retired_cas=tuple(_all_facts(each.certificate_pem for each in former)),
        proxy_clients=tuple(allowed or newest.values())[:_CLIENTS],
    )


def _proxy_client(row: Certificate, facts: CertificateFacts) -> ProxyClient:
    return ProxyClient(
        certificate=facts,
        label=str(row),
        above=tuple(_above(row)),
        key_spki=row.key.binding if row.key is not None else "",
    )


def _above(row: Certificate) -> Iterator[CertificateFacts]:
    """Those above a certificate, as far as they are known here: its authority first."""
    step = row.authority
    for _height in range(_HIGHEST):
        if step is None:
            break
        yield from _all_facts([step.certificate_pem])
        if step.chain_pem:
            yield from _chain(step.chain_pem)
        step = step.parent
    if row.chain_pem:
        yield from _chain(row.chain_pem)


def _chain(pem: str) -> tuple[CertificateFacts, ...]:
    try:
        return read_certificates(pem)
    except PkiError:
        return ()


def _is_client(facts: CertificateFacts | None) -> bool:
    return facts is not None and "client auth" in facts.extended_usages


def family_of(authority: Authority, *, cluster: Cluster | None = None) -> list[Authority]:
    """It, those before it and those after it: while keys change, two of them are ours. In a
    `cluster` those that a rotation of its front-proxy CA exchanges are of the family too.
    """
    found = {authority.pk: authority}
    step: Authority | None = authority
    while len(found) < _HIGHEST and step is not None and (step := step.predecessor) is not None:
        found.setdefault(step.pk, step)
    step = authority
    while len(found) < _HIGHEST and step is not None:
        step = Authority.objects.filter(predecessor=step).first()
        if step is not None:
            found.setdefault(step.pk, step)
    for rotation in _rotations(cluster).filter(state=RotationState.OPEN):
        for each in (rotation.old_authority, rotation.new_authority):
            if each is not None:
                found.setdefault(each.pk, each)
    return list(found.values())


def _former(
    authority: Authority, family: Iterable[Authority], config: AuthConfig, cluster: Cluster | None
) -> list[Authority]:
    """Ours that ought to be trusted no longer: retired, or replaced by a rotation that is done.
    Those outside of the family count where the cluster still publishes them.
    """
    done = _rotations(cluster).filter(state=RotationState.DONE).exclude(new_authority=None)
    replaced = set(done.values_list("old_authority", flat=True)) - {authority.pk, None}
    keys = {ca.spki_sha256 for ca in config.requestheader_cas}
    over = Q(retired_at__isnull=False) | Q(pk__in=replaced)
    published = Q(spki_sha256__in=keys) | Q(pk__in=[each.pk for each in family])
    return list(Authority.objects.filter(over & published))


def _rotations(cluster: Cluster | None) -> QuerySet[Rotation]:
    kinds = Rotation.objects.filter(kind=RotationKind.FRONT_PROXY_CA, cluster=cluster)
    return kinds.select_related("old_authority", "new_authority")


def _all_facts(pems: Iterable[str]) -> list[CertificateFacts]:
    return [facts for pem in pems if (facts := facts_of(pem)) is not None]


@functools.lru_cache(maxsize=2048)
def facts_of(pem: str) -> CertificateFacts | None:
    """What a certificate of ours says; None for what was never one."""
    try:
        return read_certificate(pem)
    except PkiError:
        return None
