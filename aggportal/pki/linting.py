"""A second opinion on what was issued: pkilint's rules for RFC 5280, in process, about 8 ms per
certificate.

pkilint takes half a second to import, so it is imported at first use; where it is absent,
`LinterMissing` says so.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aggportal.pki.errors import InvalidCertificate, PkiError
from aggportal.words import gettext_noop as _n

SOURCE = "pkilint"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_REST = r"(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})"
# These rules want the public DNS and the web's schemes. Inside a cluster `kubernetes` is a proper
# name, in URLs too, and a left-most `*` is what RFC 6125 allows beyond RFC 5280; `spiffe://…` is
# how workloads are named, and RFC 5280 section 4.2.1.6 asks for no more than RFC 3986.
_PROPER_HERE = {
    "pkix.invalid_domain_name_syntax": re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*", re.ASCII),
    "pkix.invalid_uri_syntax": re.compile(
        rf"[A-Za-z][A-Za-z0-9+.-]*://({_LABEL}(\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])(:\d{{1,5}})?"
        rf"([/?]{_REST}*)?",
        re.ASCII,
    ),
}


class LinterMissing(PkiError):
    """pkilint is not installed here."""

    code = "linter-missing"


class LintFault(PkiError):
    """The linter found an error in what was signed; it is not given away."""

    code = "lint-fault"


@dataclass(frozen=True, kw_only=True, slots=True)
class LintFinding:
    """One finding:

    `severity` is debug, info, notice, warning, error or fatal; `path` leads to the ASN.1 node.
    """

    severity: str
    code: str
    path: str
    message: str
    source: str = SOURCE

    @property
    def is_fault(self) -> bool:
        return self.severity in ("error", "fatal")


def lint_certificate(der: bytes) -> tuple[LintFinding, ...]:
    """Lint one certificate by RFC 5280. Raises `LinterMissing`, `InvalidCertificate`."""
    return _linted(der, *_linter())


def require_no_fault(der: bytes) -> None:
    """Refuse a certificate in which the linter finds an error. Raises `LintFault`, and as
    `lint_certificate`.
    """
    faults = [finding for finding in lint_certificate(der) if finding.is_fault]
    if faults:
        words = _n(
            "The linter %(source)s finds errors in what was signed (%(codes)s), so it was thrown "
            "away. Mend the request or the profile, or choose cfssl's exact behaviour."
        )
        codes = ", ".join(sorted({fault.code for fault in faults}))
        raise LintFault(words, field="profile", source=SOURCE, codes=codes)


def lint_revocations(der: bytes) -> tuple[LintFinding, ...]:
    """Lint one revocation list by RFC 5280. Raises `LinterMissing`, `InvalidCertificate`."""
    return _linted(der, *_list_linter())


def lint_answer(der: bytes) -> tuple[LintFinding, ...]:
    """Lint one OCSP response by RFC 6960. Raises `LinterMissing`, `InvalidCertificate`."""
    return _linted(der, *_answer_linter())


def _linted(der: bytes, loader: Any, validator: Any) -> tuple[LintFinding, ...]:
    try:
        document = loader.load_der_document(der)
        return tuple(_findings(validator.validate(document.root)))
    except ValueError as error:
        raise _unreadable() from error
    except BaseException as error:
        # pkilint's decoder in Rust panics on some lists that are odd; a panic is no Exception.
        if type(error).__module__ == "pyo3_runtime":
            raise _unreadable() from error
        raise


def _unreadable() -> InvalidCertificate:
    return InvalidCertificate(_n("The linter pkilint cannot read this, so it was not linted."))


def _findings(results: Any) -> Iterator[LintFinding]:
    for result in results:
        for described in result.finding_descriptions:
            if not _is_allowed(described.finding.code, result.node):
                yield LintFinding(
                    severity=described.finding.severity.name.lower(),
                    code=described.finding.code,
                    path=result.node.path,
                    message=described.message or "",
                )


def _is_allowed(code: str, node: Any) -> bool:
    proper = _PROPER_HERE.get(code)
    return proper is not None and bool(proper.fullmatch(str(node.pdu)))


@functools.cache
def _linter() -> tuple[Any, Any]:
    try:
        from pkilint import loader
        from pkilint.pkix import certificate, extension, name
    except ImportError as error:
        raise LinterMissing(
            _n("The linter pkilint is not installed, so the certificate was not looked at twice.")
        ) from error
    decoding = certificate.create_decoding_validators(
        name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS
    )
    rules = [
        certificate.create_issuer_validator_container([]),
        certificate.create_validity_validator_container(),
        certificate.create_subject_validator_container([]),
        certificate.create_extensions_validator_container([]),
        certificate.create_spki_validator_container([]),
    ]
    validator = certificate.create_pkix_certificate_validator_container(decoding, rules)
    return loader.RFC5280CertificateDocumentLoader(), validator


@functools.cache
def _list_linter() -> tuple[Any, Any]:
    try:
        from pkilint import loader, pkix
        from pkilint.pkix import crl, extension, name
    except ImportError as error:
        raise LinterMissing(
            _n("The linter pkilint is not installed, so the list was not looked at twice.")
        ) from error
    decoding = [
        pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
        pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
    ]
    rules = [
        crl.create_issuer_validator_container([]),
        crl.create_validity_validator_container([]),
        crl.create_extensions_validator_container([]),
    ]
    validator = crl.create_pkix_crl_validator_container(decoding, rules)
    return loader.RFC5280CertificateListDocumentLoader(), validator


@functools.cache
def _answer_linter() -> tuple[Any, Any]:
    try:
        from pkilint import loader, pkix
        from pkilint.pkix import extension, name, ocsp
    except ImportError as error:
        raise LinterMissing(
            _n("The linter pkilint is not installed, so the answer was not looked at twice.")
        ) from error
    decoding = [
        ocsp.create_response_decoder(),
        pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
        pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
    ]
    validator = ocsp.create_pkix_ocsp_response_validator_container(decoding, [])
    return loader.RFC6960OCSPResponseDocumentLoader(), validator
