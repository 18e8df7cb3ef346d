"""The certificate that came back for a key of ours: matched by public key, stored exactly once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cryptography import x509
from django.db import IntegrityError, transaction

from aggportal.certs.models import (
    Authority,
    Certificate,
    CertificateMaterial,
    CertificateName,
    Kind,
    Origin,
    OwnRequest,
    Purpose,
)
from aggportal.certs.services.authority_rows import Papers, Standing, store_signed_authority
from aggportal.certs.services.chains import authority_chain
from aggportal.certs.services.importing import names_of, plain
from aggportal.certs.services.lanes import require_authority_lane
from aggportal.certs.services.own_requests import (
    AlreadyAnswered,
    authority_choices,
    claim_own_request,
    record_own,
)
from aggportal.pki.bags import read_bag
from aggportal.pki.errors import InvalidCertificate, KeyMismatch, NotAnAuthority
from aggportal.pki.existing import require_signing_authority, require_storable
from aggportal.pki.facts import CertificateFacts, is_issued_by
from aggportal.pki.reading import load_certificate
from aggportal.web.actors import Actor
from aggportal.words import gettext_noop as _n

MAX_CHAIN = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A certificate whose key is that of `own`.

    `signer` is our authority that signed it, None where an outside CA did; `above` are the
    certificates above it, upwards, as far as they are known.
    """

    own: OwnRequest
    facts: CertificateFacts
    signer: Authority | None
    above: tuple[CertificateFacts, ...]


def read_answer(data: bytes | str) -> Answer:
    """Find the certificate in `data` (PEM, DER, PKCS#7, alone or with its chain) that belongs to an
    open request of ours.

    Raises `InvalidCertificate`, `KeyMismatch`, `NotAnAuthority`, and `AlreadyAnswered`.
    """
    given = tuple({facts.sha256: facts for facts in read_bag(data, field="answer")}.values())
    rows = OwnRequest.objects.select_related("key").filter(
        spki_sha256__in=[facts.spki_sha256 for facts in given]
    )
    owns = {own.spki_sha256: own for own in rows}
    found = [facts for facts in given if facts.spki_sha256 in owns]
    if not found:
        raise KeyMismatch(_none_fits(given), field="answer", count=len(given))
    waiting = [facts for facts in found if owns[facts.spki_sha256].is_open]
    if not waiting:
        words = _n("The certificate for this key came back before, or the request was dropped.")
        raise AlreadyAnswered(words, field="answer")
    if len(waiting) > 1:
        words = _n("There are certificates of %(count)d requests of ours. Give one at a time.")
        raise InvalidCertificate(words, field="answer", count=len(waiting))
    own, facts = owns[waiting[0].spki_sha256], waiting[0]
    _require_purpose(own, facts)
    signer, above = standing_of(facts, given)
    if own.purpose == Purpose.AUTHORITY and not above:
        raise InvalidCertificate(_NO_CHAIN, field="answer", issuer=facts.issuer)
    return Answer(own=own, facts=facts, signer=signer, above=above)


# Without it the portal would take the authority for a root, and let it renew itself as one.
_NO_CHAIN = _n(
    "It was signed by “%(issuer)s”, whose certificate is missing. Give it too, and what is above "
    "it up to the root, after it."
)


def _none_fits(given: Sequence[CertificateFacts]) -> str:
    keys = [facts.spki_sha256 for facts in given]
    if Certificate.objects.filter(spki_sha256__in=keys).exists():
        return _n(
            "The key is one that we know, but no open request is for it: its certificate is among "
            "those of this portal."
        )
    return _n(
        "No certificate in it is for a key of an open request: it was made of somebody else's "
        "request, or of one that was dropped."
    )


def _require_purpose(own: OwnRequest, facts: CertificateFacts) -> None:
    if own.purpose == Purpose.AUTHORITY and not facts.is_ca:
        words = _n(
            "The request was for an authority, and this is an ordinary certificate (CA:FALSE). Ask "
            "whoever signed it for one that may sign certificates."
        )
        raise NotAnAuthority(words, field="answer")
    if own.purpose == Purpose.CERTIFICATE and facts.is_ca:
        words = _n(
            "This is an authority's certificate (CA:TRUE), and the request was for an ordinary one."
        )
        raise InvalidCertificate(words, field="answer")
    if own.purpose == Purpose.AUTHORITY:
        require_signing_authority(facts)
    require_storable(facts)


def standing_of(
    facts: CertificateFacts, given: Sequence[CertificateFacts]
) -> tuple[Authority | None, tuple[CertificateFacts, ...]]:
    """Return our authority that signed `facts`, if one did, and what is above it, upwards: taken
    from `given`, and from where one of ours is reached from what we hold.
    """
    above: list[CertificateFacts] = []
    step = facts
    for height in range(MAX_CHAIN):
        ours = signer_of(step)
        if ours is not None:
            return (None if height else ours), (*above, *authority_chain(ours))
        issuer = next(
            (c for c in given if c not in (step, facts, *above) and _signed(step, c)), None
        )
        if issuer is None:
            break
        above.append(issuer)
        step = issuer
    return None, tuple(above)


def signer_of(facts: CertificateFacts) -> Authority | None:
    """Return the authority of ours whose key made the signature."""
    named = Authority.objects.select_related("parent").filter(subject=facts.issuer)
    others = named.exclude(fingerprint_sha256=facts.sha256)[:10]
    loaded = load_certificate(facts)
    return next(
        (
            one
            for one in others
            if is_issued_by(loaded, x509.load_pem_x509_certificate(one.certificate_pem.encode()))
        ),
        None,
    )


def _signed(child: CertificateFacts, issuer: CertificateFacts) -> bool:
    named = child.issuer == issuer.subject
    return named and is_issued_by(load_certificate(child), load_certificate(issuer))


def settle(
    answer: Answer, *, override_reason: str = "", by: Actor, now: dt.datetime
) -> Certificate | Authority:
    """Store what came back, exactly once. Raises `AlreadyAnswered`, `LaneMixed`, `KeyMismatch`."""
    try:
        with transaction.atomic():
            claim_own_request(answer.own, by=by, now=now)
            if answer.own.purpose == Purpose.AUTHORITY:
                made: Certificate | Authority = _as_authority(
                    answer, override_reason, by=by, now=now
                )
            else:
                made = _as_certificate(answer, by=by, now=now)
            _record(answer, made, by=by, now=now)
    except IntegrityError as clash:
        words = _n(
            "The portal holds another certificate or authority with this key, serial or short name "
            "already, so this one cannot stand beside it."
        )
        raise KeyMismatch(words, field="answer") from clash
    return made


def _record(answer: Answer, made: Certificate | Authority, *, by: Actor, now: dt.datetime) -> None:
    own, facts = answer.own, answer.facts
    own.certificate = made if isinstance(made, Certificate) else None
    own.authority = made if isinstance(made, Authority) else None
    own.save(update_fields=["certificate", "authority"])
    detail: dict[str, object] = {
        "serial": facts.serial,
        "issuer": facts.issuer,
        "sha256": facts.sha256,
        "not_after": facts.not_after.isoformat(),
        "certificate": own.certificate_id,
        "authority": made.slug if isinstance(made, Authority) else None,
    }
    record_own("answered", own, detail, by=by, now=now)


def _as_certificate(answer: Answer, *, by: Actor, now: dt.datetime) -> Certificate:
    """Store a certificate with its key; one that stands here without key gets it."""
    own = answer.own
    known = Certificate.objects.filter(fingerprint_sha256=answer.facts.sha256).first()
    if known is None:
        return store_returned(answer, kind=Kind.LEAF, by=by, now=now)
    if known.key_id is None:
        known.key, known.exportable = own.key, own.exportable
        known.save(update_fields=["key", "exportable"])
    return known


def _as_authority(
    answer: Answer, override_reason: str, *, by: Actor, now: dt.datetime
) -> Authority:
    own, facts = answer.own, answer.facts
    subject = load_certificate(facts).subject
    passed = require_authority_lane(
        authority_choices(own).lane,
        subject,
        override_reason=override_reason,
        now=now,
        spki_sha256=facts.spki_sha256,
        parent=answer.signer,
    )
    row = None
    if answer.signer is not None:
        row = Certificate.objects.filter(fingerprint_sha256=facts.sha256).first()
        row = row or store_returned(answer, kind=Kind.AUTHORITY, by=by, now=now)
    outside = "" if answer.signer else "".join(above.pem for above in answer.above)
    return store_signed_authority(
        facts,
        replace(authority_choices(own), override_reason=passed.reason),
        Standing(parent=answer.signer, issued_as=row, chain_pem=outside),
        Papers(csr_pem=own.csr_pem, request_spec=own.request_spec, key=own.key),
        by=by,
        now=now,
    )


def store_returned(answer: Answer, *, kind: Kind, by: Actor, now: dt.datetime) -> Certificate:
    """Store the row of a certificate that came back; a leaf's has the key, an authority's none."""
    own, facts = answer.own, answer.facts
    outside = "" if answer.signer else "".join(above.pem for above in answer.above)
    certificate = Certificate.objects.create(
        authority=answer.signer,
        kind=kind,
        origin=Origin.RETURNED,
        issuer_subject=plain(facts.issuer),
        chain_pem=outside,
        serial=facts.serial.zfill(40),
        common_name=plain(facts.common_name)[:200],
        subject=plain(facts.subject),
        names="\n".join(f"{kind_} {plain(value)}" for kind_, value in facts.sans),
        profile="",
        key_text=facts.key,
        file_base=own.file_base,
        not_before=facts.not_before,
        not_after=facts.not_after,
        issued_at=now,
        issued_by=by.name,
        fingerprint_sha256=facts.sha256,
        spki_sha256=facts.spki_sha256,
        key=own.key if kind == Kind.LEAF else None,
        exportable=own.exportable,
    )
    CertificateMaterial.objects.create(
        certificate=certificate,
        pem=facts.pem,
        csr_pem=own.csr_pem,
        request_spec=own.request_spec,
    )
    CertificateName.objects.bulk_create(names_of(certificate, facts))
    return certificate
