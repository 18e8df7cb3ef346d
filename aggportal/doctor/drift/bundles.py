"""Each caBundle against the serving authorities of ours that ought to stand in it."""

from __future__ import annotations

from collections.abc import Iterator

from aggportal.doctor.bundles import bundle_of
from aggportal.doctor.drift.ours import OurAuthority, Ours, authorities_told, differences
from aggportal.doctor.drift.rows import Judged, Kind, Row, Stand, judged, unmanaged
from aggportal.doctor.evidence import Evidence
from aggportal.doctor.findings import Deed, Remedy
from aggportal.doctor.told import certificates_told, say
from aggportal.kube.apiservices import APIService
from aggportal.pki.facts import CertificateFacts
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

_WHAT = say(_n("caBundle"))
_PATCH = Remedy(
    sentence=say(_n("Set caBundle to the authority that signed the serving certificate.")),
    deed=Deed.PATCH_BUNDLE,
)


def bundle_rows(evidence: Evidence, ours: Ours) -> Iterator[Row]:
    """One row for each aggregated APIService."""
    for each in evidence.aggregated:
        bundle = bundle_of(each)
        live = bundle if isinstance(bundle, tuple) else ()
        wanted = _wanted(each, ours)
        verdict = _judge(evidence, each, ours=ours, bundle=bundle)
        yield Row(
            kind=Kind.BUNDLE,
            stand=verdict.stand,
            what=_WHAT,
            place=each.name,
            ours=authorities_told(wanted),
            live=certificates_told(live),
            said=verdict.said,
            remedy=_PATCH if verdict.stand is Stand.DIFFERS else None,
            subject=each.name,
        )


def _wanted(each: APIService, ours: Ours) -> tuple[OurAuthority, ...]:
    """Who signed what we issued for its Service; else whoever was chosen for the cluster."""
    issued = ours.by_host.get(_host(each))
    if issued is not None and issued.authority is not None:
        return (issued.authority,)
    return ours.serving_chosen


def _judge(
    evidence: Evidence,
    each: APIService,
    *,
    ours: Ours,
    bundle: tuple[CertificateFacts, ...] | Sentence | None,
) -> Judged:
    issued, wanted = ours.by_host.get(_host(each)), _wanted(each, ours)
    if issued is None and _is_injected(evidence, each):
        return unmanaged(say(_n("cert-manager writes it, from a certificate that is not ours.")))
    if not isinstance(bundle, tuple):
        return _without(each, bundle, host=_host(each) if issued else "", wanted=wanted)
    known = {authority.spki for authority in ours.serving}
    holds_ours = any(ca.spki_sha256 in known for ca in bundle)
    if not wanted and not holds_ours:
        return _not_ours(each)
    required = wanted if issued is not None else ()
    if not required and not holds_ours:
        return judged((_none_of_ours(wanted, bundle),))
    return judged(differences(bundle, required=required, known=ours.serving))


def _without(
    each: APIService,
    odd: Sentence | None,
    *,
    host: str,
    wanted: tuple[OurAuthority, ...],
) -> Judged:
    """No caBundle, or none that can be read. `host` where we issued for it."""
    if odd is not None and wanted:
        return judged((say(_n("It cannot be read: %(why)s"), why=odd),))
    if not host:
        return _not_ours(each)
    if each.insecure_skip_tls_verify:
        return judged((say(_n("TLS is not verified at all, so it is not looked at.")),))
    return judged(
        (say(_n("It is empty, though a certificate for %(host)s was issued here."), host=host),)
    )


def _not_ours(each: APIService) -> Judged:
    return unmanaged(
        say(
            _n("No certificate for %(host)s was issued here, and it holds no authority of ours."),
            host=_host(each),
        )
    )


def _none_of_ours(
    wanted: tuple[OurAuthority, ...], bundle: tuple[CertificateFacts, ...]
) -> Sentence:
    return say(
        _n("None of our serving authorities is in it (%(ours)s); it holds %(live)s."),
        ours=", ".join(each.label for each in wanted),
        live="; ".join(f"{ca.subject} (SHA-256 {ca.sha256[:16]}…)" for ca in bundle[:8]),
    )


def _host(each: APIService) -> str:
    return each.service.tls_name.lower() if each.service else ""


def _is_injected(evidence: Evidence, each: APIService) -> bool:
    injected = evidence.injected.get(each.name)
    return injected is not None and bool(injected.source)
