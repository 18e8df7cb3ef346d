"""The online certificate status protocol (RFC 6960), as responders for many clients speak it
(RFC 5019): one certificate a question, answered by a responder that the authority appointed.
"""

from __future__ import annotations

import binascii
import datetime as dt
import hashlib
from base64 import b64decode
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp

from aggportal.pki.errors import PkiError
from aggportal.pki.issuers import encode_name
from aggportal.pki.keys import (
    PrivateKey,
    PublicKey,
    hash_algorithm,
    key_spec_of,
    require_allowed_key,
    signature_hash_for,
)
from aggportal.pki.revocations import Revocation
from aggportal.words import gettext_noop as _n

QUESTION_TYPE = "application/ocsp-request"
ANSWER_TYPE = "application/ocsp-response"
# A question about one certificate has some 110 bytes, signed ones with their chain a few thousand.
MAX_QUESTION = 10_000
# RFC 9654 section 2.1: a nonce has 1 to 128 octets.
MAX_NONCE = 128
_STATUSES = ocsp.OCSPResponseStatus
_LIBRARY_ERRORS = (
    ValueError,
    TypeError,
    OverflowError,
    RuntimeError,  # several questions in one
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


class MalformedQuestion(PkiError):
    """These bytes are not one question about one certificate."""

    code = "malformed-question"


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What a client asks (RFC 6960 section 4.1): the status of `serial` under the issuer that is
    named by hashes. `nonce` is to be echoed; None where the client sent none.
    """

    algorithm: hashes.HashAlgorithm
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial: int
    nonce: bytes | None = None

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of what is asked, without the nonce: equal for equal questions."""
        parts = (
            self.algorithm.name.encode(),
            self.issuer_name_hash,
            self.issuer_key_hash,
            f"{self.serial:x}".encode(),
        )
        return hashlib.sha256(b"\0".join(part.hex().encode() for part in parts)).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What is said: good where `known` and not revoked, revoked, or unknown (section 2.2)."""

    known: bool
    this_update: dt.datetime
    next_update: dt.datetime
    revocation: Revocation | None = None


def decode_question(text: str) -> bytes:
    """Return the question that stands in an address: base64, already unquoted (RFC 6960 A.1).

    Raises `MalformedQuestion`. Padding may be left out, as some clients do.
    """
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _malformed() from error


def parse_question(der: bytes) -> Question:
    """Read one question. Raises `MalformedQuestion`, also for several at once, as RFC 5019 section
    2.1.1 allows; a signature around it is not looked at, since anybody may ask.
    """
    if not der or len(der) > MAX_QUESTION:
        raise _malformed()
    try:
        request = ocsp.load_der_ocsp_request(der)
        question = Question(
            algorithm=request.hash_algorithm,
            issuer_name_hash=request.issuer_name_hash,
            issuer_key_hash=request.issuer_key_hash,
            serial=request.serial_number,
            nonce=_nonce(request.extensions),
        )
        if question.serial < 0:
            raise _malformed()
    except _LIBRARY_ERRORS as error:
        raise _malformed() from error
    except BaseException as error:
        # The library's Rust may panic on odd input; a panic is no Exception.
        if type(error).__module__ == "pyo3_runtime":
            raise _malformed() from error
        raise
    return question


def asks_about(question: Question, issuer: x509.Certificate) -> bool:
    """Tell whether the question is about a certificate of `issuer`: both hashes must be its own."""
    key = require_allowed_key(issuer.public_key())
    return question.issuer_name_hash == _hashed(
        question.algorithm, encode_name(issuer.subject)
    ) and question.issuer_key_hash == _hashed(question.algorithm, _key_bits(key))


def sign_answer(
    question: Question, answer: Answer, *, responder: x509.Certificate, responder_key: PrivateKey
) -> bytes:
    """Sign one answer; DER. The responder's certificate goes with it, the nonce comes back."""
    revocation = answer.revocation
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response_by_hash(
            issuer_name_hash=question.issuer_name_hash,
            issuer_key_hash=question.issuer_key_hash,
            serial_number=question.serial,
            algorithm=question.algorithm,
            cert_status=_status(answer),
            this_update=_second(answer.this_update),
            next_update=_second(answer.next_update),
            revocation_time=_second(revocation.revoked_at) if revocation else None,
            revocation_reason=revocation.flag if revocation else None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, responder)
        .certificates([responder])
    )
    if question.nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(question.nonce), critical=False)
    spec = key_spec_of(responder_key.public_key())
    signed = builder.sign(responder_key, hash_algorithm(signature_hash_for(spec)))
    return signed.public_bytes(Encoding.DER)


def malformed_answer() -> bytes:
    """Return the unsigned answer to what is no question (section 2.3)."""
    return _unsuccessful(_STATUSES.MALFORMED_REQUEST)


def unauthorized_answer() -> bytes:
    """Return the unsigned answer about certificates of others (RFC 5019 section 2.2.3)."""
    return _unsuccessful(_STATUSES.UNAUTHORIZED)


def later_answer() -> bytes:
    """Return the unsigned answer of a responder that cannot answer just now."""
    return _unsuccessful(_STATUSES.TRY_LATER)


def _unsuccessful(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)


def _status(answer: Answer) -> ocsp.OCSPCertStatus:
    if answer.revocation is not None:
        return ocsp.OCSPCertStatus.REVOKED
    return ocsp.OCSPCertStatus.GOOD if answer.known else ocsp.OCSPCertStatus.UNKNOWN


def _nonce(extensions: x509.Extensions) -> bytes | None:
    """Return the nonce. What else is in a question may be passed over, unless it is critical."""
    nonce = None
    for extension in extensions:
        if isinstance(extension.value, x509.OCSPNonce):
            nonce = extension.value.nonce
            if not 1 <= len(nonce) <= MAX_NONCE:
                raise ValueError("nonce")
        elif extension.critical:
            raise ValueError("critical")
    return nonce


def _hashed(algorithm: hashes.HashAlgorithm, data: bytes) -> bytes:
    digest = hashes.Hash(algorithm)
    digest.update(data)
    return digest.finalize()


def _key_bits(key: PublicKey) -> bytes:
    """Return the key as it stands in the bit string of its SubjectPublicKeyInfo."""
    match key:
        case ed25519.Ed25519PublicKey():
            return key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        case ec.EllipticCurvePublicKey():
            return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)


def _second(when: dt.datetime) -> dt.datetime:
    return when.astimezone(dt.UTC).replace(microsecond=0, tzinfo=None)


def _malformed() -> MalformedQuestion:
    return MalformedQuestion(_n("This is not one OCSP question about one certificate."))
