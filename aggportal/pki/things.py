"""Certificates, signing requests and revocation lists, put into words.

What the library cannot read becomes a `Thing` that says why and shows its raw structure; nothing is
raised but `PkiError`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from itertools import islice

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AttributeOID, SignatureAlgorithmOID

from aggportal.pki.asn1 import InvalidDer, read_der
from aggportal.pki.asn1text import oid_name, structure_text
from aggportal.pki.extension_values import explain_extensions, reason_words
from aggportal.pki.facts import LIBRARY_ERRORS, CertificateFacts, certificate_facts, signature_name
from aggportal.pki.inspected import Kind, Row, Thing, Value
from aggportal.pki.names import format_subject
from aggportal.pki.thing_keys import key_row, public_key_digest
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

MAX_REVOKED_SHOWN = 100

_EMPTY = Sentence(text=_n("empty"))


def inspect_certificate(der: bytes, *, source: Value, now: dt.datetime) -> Thing:
    """Explain one certificate."""
    return _inspected(der, kind=Kind.CERTIFICATE, source=source, now=now, reader=_certificate)


def inspect_request(der: bytes, *, source: Value, now: dt.datetime) -> Thing:
    """Explain one PKCS#10 signing request (RFC 2986)."""
    return _inspected(der, kind=Kind.REQUEST, source=source, now=now, reader=_request)


def inspect_revocations(der: bytes, *, source: Value, now: dt.datetime) -> Thing:
    """Explain one revocation list (RFC 5280 section 5)."""
    return _inspected(der, kind=Kind.REVOCATIONS, source=source, now=now, reader=_revocations)


def unread(kind: Kind, sentence: Sentence, *, source: Value, der: bytes = b"") -> Thing:
    """Return a thing that could not be read, with its raw structure where it has one and may show
    it.
    """
    return Thing(kind=kind, source=source, refused=sentence, text=_structure(der) if der else "")


_Reader = Callable[[bytes, Value, dt.datetime], Thing]


def _inspected(
    der: bytes, *, kind: Kind, source: Value, now: dt.datetime, reader: _Reader
) -> Thing:
    try:
        return reader(der, source, now)
    except LIBRARY_ERRORS as error:
        return unread(kind, _why(error), source=source, der=der)


def _why(error: Exception) -> Sentence:
    reason = str(error).rstrip(".")[:200]
    if "asn1" in reason.lower() or not reason:  # the parser's own diagnosis is for programmers
        return Sentence(
            text=_n(
                "Its structure is broken, so no program can be expected to read it. It may be cut "
                "off or changed, or made by a faulty program. What there is stands below, raw."
            )
        )
    text = _n("It cannot be put into words: %(reason)s. What there is stands below, raw.")
    return Sentence(text=text, params={"reason": reason})


def _structure(der: bytes) -> str:
    try:
        return structure_text(read_der(der))
    except InvalidDer:
        return ""


def _certificate(der: bytes, source: Value, now: dt.datetime) -> Thing:
    certificate = x509.load_der_x509_certificate(der)
    facts = certificate_facts(certificate)
    rows = [
        Row(name=Sentence(text=_n("Use")), values=(Sentence(text=_use(facts)),)),
        Row(name=Sentence(text=_n("Subject")), values=(facts.subject or _EMPTY,), exact=True),
        Row(
            name=Sentence(text=_n("Issuer")),
            values=(Sentence(text=_n("itself: it is self-signed")),)
            if facts.self_signed
            else (facts.issuer or _EMPTY,),
            exact=not facts.self_signed,
        ),
        validity_row(facts.not_before, facts.not_after, now=now),
        key_row(certificate.public_key()),
        Row(name=Sentence(text=_n("Signature")), values=(facts.signature,)),
        Row(name=Sentence(text=_n("Serial")), values=(facts.serial,), exact=True),
    ]
    if certificate.public_bytes(Encoding.DER) != der:
        odd = _n("It reads differently when it is written again: programs may disagree about it.")
        rows.append(Row(name=Sentence(text=_n("Encoding")), values=(Sentence(text=odd),)))
    return Thing(
        kind=Kind.CERTIFICATE,
        title=facts.common_name or facts.subject,
        source=source,
        rows=tuple(rows),
        extensions=explain_extensions(certificate.extensions),
        fingerprints=fingerprints(der, spki=facts.spki_sha256),
        facts=facts,
        spki_sha256=facts.spki_sha256,
        der=der,
        pem=facts.pem,
        text=_structure(der),
    )


def _use(facts: CertificateFacts) -> str:
    """Say in one sentence what the certificate is for."""
    if facts.is_ca:
        return _n("It is an authority's: it signs other certificates.")
    serves = "server auth" in facts.extended_usages
    signs_in = "client auth" in facts.extended_usages
    if "any" in facts.extended_usages or not facts.extended_usages:
        return _n("It does not say what it is for, so programs may take it for anything.")
    if serves and signs_in:
        return _n("It lets a server prove its names, and a client say who it is.")
    if serves:
        return _n("It lets a server prove its names.")
    if signs_in:
        return _n("It lets a client say who it is.")
    return _n("It neither serves nor signs in as a client; its usages stand below.")


def validity_row(since: dt.datetime, until: dt.datetime, *, now: dt.datetime) -> Row:
    """Say from when to when, and how that stands at `now`."""
    if until < since:
        stands = Sentence(text=_n("It ends before it begins, so it is never valid."))
    elif now < since:
        stands = Sentence(text=_n("It is not valid yet."))
    elif now > until:
        text = _n("It ended %(days)d days ago; programs refuse it.")
        stands = Sentence(text=text, params={"days": (now - until).days})
    else:
        text = _n("It is valid now, for %(days)d more days.")
        stands = Sentence(text=text, params={"days": (until - now).days})
    period = f"{since:%Y-%m-%d %H:%M} → {until:%Y-%m-%d %H:%M} UTC"
    return Row(name=Sentence(text=_n("Valid")), values=(period,), meaning=stands)


def fingerprints(der: bytes, *, spki: str = "") -> tuple[Row, ...]:
    """Return the digests by which people and programs name it."""
    rows = [
        Row(name="SHA-256", values=(hashlib.sha256(der).hexdigest(),), exact=True),
        Row(
            name="SHA-1",
            values=(hashlib.sha1(der, usedforsecurity=False).hexdigest(),),
            meaning=Sentence(text=_n("only to find it in old lists; it proves nothing")),
            exact=True,
        ),
    ]
    if spki:
        rows.append(
            Row(
                name=Sentence(text=_n("Public key, SHA-256")),
                values=(f"sha256:{spki}",),
                meaning=Sentence(text=_n("what kubeadm calls discovery-token-ca-cert-hash")),
                exact=True,
            )
        )
    return tuple(rows)


def _request(der: bytes, source: Value, now: dt.datetime) -> Thing:
    request = x509.load_der_x509_csr(der)
    subject = format_subject(request.subject)
    key = request.public_key()
    spki = public_key_digest(key)
    proof = (
        _n("The signature is right: who made it has the private key.")
        if request.is_signature_valid
        else _n("The signature is wrong: it was changed, or made without the private key.")
    )
    rows = (
        Row(name=Sentence(text=_n("Subject")), values=(subject or _EMPTY,), exact=True),
        key_row(key),
        Row(
            name=Sentence(text=_n("Signature")),
            values=(_algorithm(request),),
            meaning=Sentence(text=proof),
        ),
        *_attributes(request),
    )
    return Thing(
        kind=Kind.REQUEST,
        title=subject,
        source=source,
        rows=rows,
        extensions=explain_extensions(request.extensions),
        fingerprints=fingerprints(der, spki=spki),
        spki_sha256=spki,
        der=der,
        pem=request.public_bytes(Encoding.PEM).decode("ascii"),
        text=_structure(der),
    )


def _algorithm(signed: x509.CertificateSigningRequest | x509.CertificateRevocationList) -> str:
    oid = signed.signature_algorithm_oid
    digest = signed.signature_hash_algorithm if oid == SignatureAlgorithmOID.RSASSA_PSS else None
    return signature_name(oid, digest)


def _attributes(request: x509.CertificateSigningRequest) -> Iterator[Row]:
    """Tell of attributes beside the extensions; a challenge password is a secret and not shown."""
    for attribute in request.attributes:
        oid = attribute.oid
        if oid == AttributeOID.CHALLENGE_PASSWORD:
            said: Value = Sentence(text=_n("a challenge password stands in it; it is not shown"))
            yield Row(name=Sentence(text=_n("Attribute")), values=(said,))
        elif oid.dotted_string != "1.2.840.113549.1.9.14":  # extensionRequest: told as extensions
            name = oid_name(oid.dotted_string)
            values = (f"{name} {oid.dotted_string}".strip(), attribute.value[:256].hex(":"))
            yield Row(name=Sentence(text=_n("Attribute")), values=values, exact=True)


def _revocations(der: bytes, source: Value, now: dt.datetime) -> Thing:
    revoked = x509.load_der_x509_crl(der)
    issuer = format_subject(revoked.issuer)
    rows = (
        Row(name=Sentence(text=_n("Issuer")), values=(issuer or _EMPTY,), exact=True),
        _list_period(revoked, now=now),
        Row(name=Sentence(text=_n("Signature")), values=(_algorithm(revoked),)),
        Row(name=Sentence(text=_n("Revoked")), values=tuple(_revoked(revoked)), exact=True),
    )
    return Thing(
        kind=Kind.REVOCATIONS,
        title=issuer,
        source=source,
        rows=rows,
        extensions=explain_extensions(revoked.extensions),
        fingerprints=fingerprints(der),
        der=der,
        pem=revoked.public_bytes(Encoding.PEM).decode("ascii"),
        text=_structure(der),
    )


def _list_period(revoked: x509.CertificateRevocationList, *, now: dt.datetime) -> Row:
    since, until = revoked.last_update_utc, revoked.next_update_utc
    name = Sentence(text=_n("Holds"))
    if until is None:
        meaning = Sentence(
            text=_n("It does not say when the next one comes (RFC 5280 wants that).")
        )
        return Row(name=name, values=(f"{since:%Y-%m-%d %H:%M} UTC",), meaning=meaning)
    text = (
        _n("A newer list should be there by now; careful programs refuse this one.")
        if now > until
        else _n("It is the newest that can be asked for.")
    )
    period = f"{since:%Y-%m-%d %H:%M} → {until:%Y-%m-%d %H:%M} UTC"
    return Row(name=name, values=(period,), meaning=Sentence(text=text))


def _revoked(revoked: x509.CertificateRevocationList) -> Iterator[Value]:
    count = len(revoked)
    yield Sentence(text=_n("how many: %(count)d"), params={"count": count})
    for entry in islice(revoked, MAX_REVOKED_SHOWN):
        yield _revoked_entry(entry)
    if count > MAX_REVOKED_SHOWN:
        text = _n("… and %(count)d more")
        yield Sentence(text=text, params={"count": count - MAX_REVOKED_SHOWN})


def _revoked_entry(entry: x509.RevokedCertificate) -> Value:
    params: dict[str, object] = {
        "serial": f"{entry.serial_number:x}",
        "when": f"{entry.revocation_date_utc:%Y-%m-%d %H:%M}",
    }
    try:
        reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return Sentence(text=_n("%(serial)s since %(when)s"), params=params)
    text = _n("%(serial)s since %(when)s: %(reason)s")
    return Sentence(text=text, params=params | {"reason": reason_words(reason)})
