"""What came back against what was asked: a certificate that another CA made of our request."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TypeVar

from cryptography import x509

from aggportal.pki.constraints import constraints_of, dump_constraints
from aggportal.pki.errors import InvalidCertificate
from aggportal.pki.facts import LIBRARY_ERRORS, CertificateFacts, extension_of, san_pairs
from aggportal.pki.names import format_subject
from aggportal.pki.reading import load_certificate
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

ExtensionT = TypeVar("ExtensionT", bound=x509.ExtensionType)


def differences(csr_pem: str, facts: CertificateFacts) -> tuple[Sentence, ...]:
    """Tell what the certificate says otherwise than our own request asked."""
    try:
        csr = x509.load_pem_x509_csr(csr_pem.encode())
        asked = csr.extensions
        return tuple(_differences(csr, asked, facts))
    except (*LIBRARY_ERRORS, InvalidCertificate):
        return (Sentence(text=_n("What was asked cannot be read any more.")),)


def _differences(
    csr: x509.CertificateSigningRequest, asked: x509.Extensions, facts: CertificateFacts
) -> Iterator[Sentence]:
    subject = format_subject(csr.subject)
    if subject != facts.subject:
        yield _say(
            _n("The subject came back as “%(got)s”; asked was “%(asked)s”."),
            got=facts.subject,
            asked=subject,
        )
    wanted = san_pairs(_of(asked, x509.SubjectAlternativeName))
    missing = [f"{kind} {value}" for kind, value in wanted if (kind, value) not in facts.sans]
    added = [f"{kind} {value}" for kind, value in facts.sans if (kind, value) not in wanted]
    if missing:
        yield _say(_n("Names that were asked are missing: %(names)s."), names=_listed(missing))
    if added:
        yield _say(_n("Names that were not asked came with it: %(names)s."), names=_listed(added))
    constraints = _of(asked, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        return
    if facts.path_length != constraints.path_length:
        yield _say(
            _n("The path length came back as %(got)s; asked was %(asked)s."),
            got="∞" if facts.path_length is None else facts.path_length,
            asked="∞" if constraints.path_length is None else constraints.path_length,
        )
    limits = constraints_of(load_certificate(facts))
    came = extension_of(load_certificate(facts), x509.NameConstraints)
    if came != _of(asked, x509.NameConstraints):
        told = [one for ones in dump_constraints(limits).values() for one in ones]
        yield _say(
            _n("The name constraints came back otherwise than asked: %(constraints)s."),
            constraints=_listed(told) or "–",
        )


def doubts(facts: CertificateFacts, *, now: dt.datetime) -> tuple[Sentence, ...]:
    """Tell what makes the certificate useless at the moment."""
    if now > facts.not_after:
        text = _n("It expired on %(until)s already.")
        return (_say(text, until=f"{facts.not_after:%Y-%m-%d %H:%M} UTC"),)
    if now < facts.not_before:
        text = _n("It is valid only from %(since)s.")
        return (_say(text, since=f"{facts.not_before:%Y-%m-%d %H:%M} UTC"),)
    return ()


def _say(text: str, **params: object) -> Sentence:
    return Sentence(text=text, params=params)


def _listed(texts: list[str]) -> str:
    shown = ", ".join(texts[:10])
    return f"{shown} …" if len(texts) > 10 else shown


def _of(extensions: x509.Extensions, kind: type[ExtensionT]) -> ExtensionT | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
