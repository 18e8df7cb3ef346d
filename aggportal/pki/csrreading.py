"""The one strict door through which foreign signing requests (PKCS#10, RFC 2986) come in.

Nothing but `PkiError` leaves it, whatever the bytes. Strict means: exactly one object and nothing
around it, one canonical form, every lazily decoded property touched once, sizes capped, the key of
a kind and strength that we certify, and the request's own signature made by that key.
"""

from __future__ import annotations

import base64
import binascii
import re

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from aggportal.pki.csrfacts import CsrFacts, csr_facts
from aggportal.pki.errors import InvalidRequest
from aggportal.pki.facts import LIBRARY_ERRORS
from aggportal.pki.reading import PrivateKeyFound
from aggportal.pki.weakkeys import require_strong_key
from aggportal.words import gettext_noop as _n

__all__ = ["MAX_CSR_BYTES", "MAX_CSR_INPUT", "CsrFacts", "load_csr", "read_csr"]

MAX_CSR_BYTES = 16 * 1024  # DER; honest ones are 0.3 to 2 KiB
MAX_CSR_INPUT = 32 * 1024
# Both labels that cfssl takes (its error 9300 refuses others).
LABELS = (b"CERTIFICATE REQUEST", b"NEW CERTIFICATE REQUEST")
_BLOCK = re.compile(
    rb"\s*-----BEGIN (?P<label>[A-Z0-9 #]{1,64})-----"
    rb"(?P<body>[^-]*)"
    rb"-----END (?P<end>[A-Z0-9 #]{1,64})-----\s*"
)
# With MD5 and SHA-1 two requests with the same signature can be made.
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


def read_csr(data: bytes | str, *, field: str = "csr") -> CsrFacts:
    """Read exactly one request: DER, or one PEM block with only white space around it.

    Raises `InvalidRequest`, `PrivateKeyFound`, `InvalidKey` and `WeakKey`, on `field`.
    """
    der = _der_of(data, field=field)
    try:
        csr = x509.load_der_x509_csr(der)
        canonical = csr.public_bytes(Encoding.DER) == der
        digest = csr.signature_hash_algorithm
        facts = csr_facts(csr)
    except LIBRARY_ERRORS as error:
        raise _unreadable(error, field=field) from error
    if not canonical:
        raise InvalidRequest(
            _n(
                "The request reads differently when it is written again, so programs may disagree "
                "about it."
            ),
            field=field,
        )
    _require_each_attribute_once(csr, field=field)
    # Cheap rules before the signature, which costs.
    require_strong_key(facts.public_key, field=field)
    _require_strong_hash(digest, field=field)
    _require_own_signature(csr, field=field)
    return facts


def load_csr(facts: CsrFacts) -> x509.CertificateSigningRequest:
    """Return the library's own object of a request that was read before."""
    return x509.load_der_x509_csr(facts.der)


def _der_of(data: bytes | str, *, field: str) -> bytes:
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else bytes(data)
    if not raw.strip():
        raise InvalidRequest(
            _n("There is no signing request. Paste it as PEM, or give a PEM or DER file."),
            field=field,
        )
    if len(raw) > MAX_CSR_INPUT:
        raise _too_large(len(raw), MAX_CSR_INPUT, field=field)
    der = raw if raw[:1] == b"\x30" else _armoured(raw, field=field)
    if len(der) > MAX_CSR_BYTES:
        raise _too_large(len(der), MAX_CSR_BYTES, field=field)
    return der


def _too_large(size: int, limit: int, *, field: str) -> InvalidRequest:
    return InvalidRequest(
        _n("This is %(size)d bytes long, and a signing request of at most %(limit)d is read."),
        field=field,
        size=size,
        limit=limit,
    )


def _armoured(raw: bytes, *, field: str) -> bytes:
    """Return the DER of the one PEM block (RFC 7468)."""
    if b"PRIVATE KEY-----" in raw:
        raise PrivateKeyFound(
            _n(
                "There is a private key beside the signing request. It was not kept; but if this "
                "text was shared, make a new key: whoever has it can act as the certificate's "
                "owner."
            ),
            field=field,
        )
    block = _BLOCK.fullmatch(raw)
    if block is None:
        raise InvalidRequest(_shape_problem(raw), field=field)
    if block["label"] not in LABELS or block["end"] != block["label"]:
        raise InvalidRequest(
            _n("The block is marked “%(label)s”, and a “CERTIFICATE REQUEST” is wanted here."),
            field=field,
            label=block["label"].decode("ascii"),
        )
    try:
        return base64.b64decode(b"".join(block["body"].split()), validate=True)
    except binascii.Error as error:
        raise InvalidRequest(
            _n("The PEM block is damaged: its text is not base64. Copy the request again, whole."),
            field=field,
        ) from error


def _shape_problem(raw: bytes) -> str:
    if raw.count(b"-----BEGIN ") > 1:
        return _n(
            "There are several blocks, and exactly one signing request is wanted here: which one "
            "is meant?"
        )
    if b"-----BEGIN " in raw and b"-----END " in raw:
        return _n(
            "There is other text around the signing request. Give the PEM block alone, so that "
            "nothing is overlooked."
        )
    return _n(
        "This is not PEM: it must begin with “-----BEGIN CERTIFICATE REQUEST-----” and end with "
        "“-----END CERTIFICATE REQUEST-----”."
    )


def _require_each_attribute_once(csr: x509.CertificateSigningRequest, *, field: str) -> None:
    """An attribute's kind may stand once (X.501 section 8.2): of two lists of extensions some
    programs read the first, some the last.
    """
    kinds = [attribute.oid for attribute in csr.attributes]
    if len(kinds) != len(set(kinds)):
        raise InvalidRequest(
            _n(
                "The request carries the same attribute twice, so programs may disagree about "
                "what it asks for. Make it again with another program."
            ),
            field=field,
        )


def _require_strong_hash(digest: hashes.HashAlgorithm | None, *, field: str) -> None:
    if digest is None or isinstance(digest, _HASHES):
        return
    raise InvalidRequest(
        _n(
            "The request is signed with %(hash)s, which proves nothing any more. Make it again "
            "with SHA-256 (openssl req -sha256)."
        ),
        field=field,
        hash=digest.name.upper(),
    )


def _require_own_signature(csr: x509.CertificateSigningRequest, *, field: str) -> None:
    try:
        valid = csr.is_signature_valid
    except LIBRARY_ERRORS as error:
        raise _unreadable(error, field=field) from error
    if not valid:
        raise InvalidRequest(
            _n(
                "The request's signature is not of its own key: it was changed after it was "
                "signed, or whoever sends it does not hold the key."
            ),
            field=field,
        )


def _unreadable(error: Exception, *, field: str) -> InvalidRequest:
    reason = str(error).rstrip(".")
    if "asn1" in reason.lower() or not reason:  # the parser's own diagnosis is for programmers
        return InvalidRequest(
            _n(
                "This is not a signing request: its structure is broken. It may be cut off, "
                "changed, or another kind of file."
            ),
            field=field,
        )
    return InvalidRequest(
        _n("This signing request cannot be read: %(reason)s."), field=field, reason=reason[:200]
    )
