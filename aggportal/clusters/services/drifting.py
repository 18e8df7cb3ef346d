"""What we manage for a cluster, gathered to be compared with what is live; and the comparison."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping

from aggportal.certs.models import Authority, Certificate, CertificateName, Lane
from aggportal.certs.models.certificates import Kind
from aggportal.clusters.drift_rows import dump_rows
from aggportal.clusters.models import Cluster, Drift
from aggportal.clusters.services.managing import facts_of, family_of
from aggportal.doctor.bundles import bundle_of
from aggportal.doctor.drift import Comparison, OurAuthority, OurCertificate, Ours, Stand
from aggportal.doctor.evidence import Evidence, Known
from aggportal.doctor.told import say
from aggportal.kube.flags import FlagsError, FrontProxy
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

# As many certificates are looked at for the names of a cluster's Services, the newest first.
_MOST = 3000
_HIGHEST = 10


def ours_in(
    cluster: Cluster, recognised: int | None, evidence: Evidence, *, now: dt.datetime
) -> Ours:
    """What we manage; `evidence` says which names, digests and authorities matter."""
    known = Authority.objects.filter(pk=recognised).first() if recognised is not None else None
    authority = cluster.front_proxy or known
    names = _allowed_names(authority, evidence)
    by_host = _by_host(evidence, now=now)
    chosen = list(cluster.serving_authorities.filter(retired_at=None))
    return Ours(
        front_proxy=_authorities(family_of(authority, cluster=cluster)) if authority else (),
        allowed_names=names,
        serving=_authorities(_serving(chosen, by_host.values(), evidence)),
        serving_chosen=_authorities(chosen),
        by_host={host: _ours(row, now=now) for host, row in by_host.items()},
        by_digest=_by_digest(evidence, now=now),
        flags=_flags(authority, names, evidence) if authority else None,
    )


def write_drift(cluster: Cluster, found: Comparison, *, at: dt.datetime) -> bool:
    """Keep a comparison; tell if the numbers on the cluster's page would differ."""
    counts = Counter(row.stand for row in found.rows)
    numbers = {
        "same": counts[Stand.SAME],
        "differs": counts[Stand.DIFFERS],
        "unknown": counts[Stand.UNKNOWN],
    }
    before = Drift.objects.filter(cluster=cluster).values(*numbers).first()
    secrets = ["/".join(each) for each in found.secrets]
    values = {"at": at, "rows": dump_rows(found.rows), "secrets": secrets, **numbers}
    Drift.objects.update_or_create(cluster=cluster, defaults=values)
    return bool(before != numbers)


def _authorities(rows: Iterable[Authority]) -> tuple[OurAuthority, ...]:
    found = []
    for row in rows:
        facts = facts_of(row.certificate_pem)
        if facts is not None:
            retired = row.retired_at is not None
            above = tuple(each.spki_sha256 for each in _above(row))
            ours = OurAuthority(label=row.label, certificate=facts, retired=retired, above=above)
            found.append(ours)
    return tuple(found)


def _above(authority: Authority) -> list[Authority]:
    """Those of ours that signed it, up to the root."""
    found: list[Authority] = []
    step = authority.parent
    while step is not None and len(found) < _HIGHEST:
        found.append(step)
        step = step.parent
    return found


def _allowed_names(authority: Authority | None, evidence: Evidence) -> tuple[str, ...]:
    """What --requestheader-allowed-names is to hold: as the authority says, or as its certificates
    are called.
    """
    if authority is None:
        return ()
    clients = evidence.managed.proxy_clients
    issued = dict.fromkeys(each.certificate.common_name for each in clients)
    return authority.proxy_names or tuple(name for name in issued if name)


def _flags(authority: Authority, names: tuple[str, ...], evidence: Evidence) -> FrontProxy | None:
    """What the page Flags renders for the newest proxy client certificate."""
    digests = [each.certificate.sha256 for each in evidence.managed.proxy_clients]
    rows = Certificate.objects.filter(fingerprint_sha256__in=digests)
    row = rows.order_by("-not_before", "-pk").first()
    if row is None:
        return None
    # It may be from the one before or after.
    signed_by = row.authority or authority
    try:
        return FrontProxy(
            client_ca_file=f"{signed_by.file_base}.pem",
            proxy_client_cert_file=f"{row.file_base}.pem",
            proxy_client_key_file=f"{row.file_base}-key.pem",
            allowed_names=names,
        )
    except FlagsError:
        return None


def _by_host(evidence: Evidence, *, now: dt.datetime) -> dict[str, Certificate]:
    """The newest good serving certificate for each Service behind an APIService."""
    hosts = {each.service.tls_name.lower() for each in evidence.aggregated if each.service}
    wanted = {host: (host, f"*.{host.partition('.')[2]}") for host in hosts}
    values = {value for pair in wanted.values() for value in pair}
    entries = CertificateName.objects.filter(kind="dns", value__in=values)
    good = (
        Certificate.objects.good(now=now)
        .filter(kind=Kind.LEAF, authority__isnull=False, successor=None)
        .filter(authority__lane__in=[Lane.SERVING, Lane.GENERAL])
        .filter(pk__in=entries.values("certificate"))
        .select_related("authority__parent", "material")
        .order_by("-not_before", "-pk")[:_MOST]
    )
    newest: dict[str, Certificate] = {}
    for row in good:
        for name in {host.lower() for host in row.hosts} & values:
            if name not in newest and _serves(row):
                newest[name] = row
    best = ((host, _newer(pair, newest)) for host, pair in wanted.items())
    return {host: row for host, row in best if row is not None}


def _newer(names: tuple[str, str], newest: Mapping[str, Certificate]) -> Certificate | None:
    found = [newest[name] for name in names if name in newest]
    return max(found, key=lambda row: (row.not_before, row.pk), default=None)


def _serves(row: Certificate) -> bool:
    facts = facts_of(row.material.pem)
    return facts is not None and "server auth" in facts.extended_usages


def _by_digest(evidence: Evidence, *, now: dt.datetime) -> dict[str, OurCertificate]:
    """Every certificate of ours that was seen live."""
    chains = [read.value.chain for read in evidence.secrets.values() if isinstance(read, Known)]
    chains += [probed.chain for probed in evidence.probes.values()]
    digests = {chain[0].sha256 for chain in chains if chain}
    rows = Certificate.objects.filter(fingerprint_sha256__in=digests, authority__isnull=False)
    found = rows.select_related("authority__parent", "material", "successor")
    return {row.fingerprint_sha256: _ours(row, now=now) for row in found}


def _ours(row: Certificate, *, now: dt.datetime) -> OurCertificate:
    facts = facts_of(row.material.pem)
    assert facts is not None  # noqa: S101 - it was read when it was stored
    authority = _authorities([row.authority]) if row.authority else ()
    return OurCertificate(
        key=str(row.pk),
        label=str(row),
        certificate=facts,
        authority=authority[0] if authority else None,
        ended=_ended(row, now=now),
    )


def _ended(row: Certificate, *, now: dt.datetime) -> Sentence | None:
    """Why it is not to be used any longer."""
    successor: Certificate | None = getattr(row, "successor", None)
    if row.revoked_at is not None:
        return say(_n("It was revoked on %(date)s."), date=f"{row.revoked_at:%Y-%m-%d %H:%M}")
    if successor is not None:
        return say(
            _n("It was renewed on %(date)s; the newer one is not in use here."),
            date=f"{successor.issued_at:%Y-%m-%d %H:%M}",
        )
    if row.not_after < now:
        return say(_n("It expired on %(date)s."), date=f"{row.not_after:%Y-%m-%d %H:%M}")
    return None


def _serving(
    chosen: list[Authority], issued: Iterable[Certificate], evidence: Evidence
) -> list[Authority]:
    """Those that may stand in a caBundle: chosen, or of what was issued, or found in one; with
    those before and after them, and those above.
    """
    bundles = (bundle_of(each) for each in evidence.aggregated)
    keys = {ca.spki_sha256 for found in bundles if isinstance(found, tuple) for ca in found}
    lanes = [Lane.SERVING, Lane.GENERAL]
    seen = Authority.objects.filter(spki_sha256__in=keys, lane__in=lanes)
    signers = [row.authority for row in issued if row.authority is not None]
    found: dict[int, Authority] = {}
    for authority in {each.pk: each for each in (*chosen, *signers, *seen)}.values():
        for each in family_of(authority):
            found.setdefault(each.pk, each)
            found.update({above.pk: above for above in _above(each)})
    return list(found.values())
