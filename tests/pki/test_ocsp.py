"""Reading OCSP questions and signing answers."""

from __future__ import annotations

import datetime as dt
import random
from base64 import b64encode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from aggportal.pki.keys import KeySpec
from aggportal.pki.linting import lint_answer
from aggportal.pki.ocsp import (
    MAX_QUESTION,
    Answer,
    MalformedQuestion,
    asks_about,
    decode_question,
    later_answer,
    malformed_answer,
    parse_question,
    sign_answer,
    unauthorized_answer,
)
from aggportal.pki.revocations import Revocation
from tests.pki.test_crls import CA, KEY, NOW, authority

HOUR = dt.timedelta(hours=1)
DER = Encoding.DER


def builder(algorithm: hashes.HashAlgorithm | None = None) -> ocsp.OCSPRequestBuilder:
    return ocsp.OCSPRequestBuilder().add_certificate(CA, CA, algorithm or hashes.SHA256())


def question(algorithm: hashes.HashAlgorithm | None = None) -> bytes:
    return builder(algorithm).build().public_bytes(DER)


@pytest.mark.parametrize(
    "spec",
    [KeySpec(), KeySpec(size=521), KeySpec(algo="rsa", size=2048), KeySpec(algo="ed25519")],
    ids=str,
)
def test_a_question_is_about_the_issuer_whose_hashes_it_has(spec) -> None:
    certificate, _key = authority(spec)
    for algorithm in (hashes.SHA1(), hashes.SHA256(), hashes.SHA384()):  # noqa: S303  # RFC 5019
        asked = ocsp.OCSPRequestBuilder().add_certificate(certificate, certificate, algorithm)
        read = parse_question(asked.build().public_bytes(DER))
        assert asks_about(read, certificate)
        assert not asks_about(read, CA)


def test_equal_questions_have_one_digest_whatever_their_nonce() -> None:
    plain = parse_question(question())
    nonce = builder().add_extension(x509.OCSPNonce(b"n" * 16), critical=False).build()
    with_nonce = parse_question(nonce.public_bytes(DER))
    assert (with_nonce.nonce, plain.nonce) == (b"n" * 16, None)
    assert with_nonce.digest == plain.digest
    assert parse_question(question(hashes.SHA512())).digest != plain.digest


def test_an_answer_says_what_is_known() -> None:
    read = parse_question(question())
    revocation = Revocation(serial=read.serial, revoked_at=NOW, reason="keyCompromise")
    for known, revoked, status in (
        (True, None, ocsp.OCSPCertStatus.GOOD),
        (False, None, ocsp.OCSPCertStatus.UNKNOWN),
        (True, revocation, ocsp.OCSPCertStatus.REVOKED),
    ):
        answer = Answer(known=known, this_update=NOW, next_update=NOW + HOUR, revocation=revoked)
        der = sign_answer(read, answer, responder=CA, responder_key=KEY)
        assert not [one for one in lint_answer(der) if one.is_fault]
        said = ocsp.load_der_ocsp_response(der)
        assert said.certificate_status == status
        assert said.next_update_utc == (NOW + HOUR).replace(microsecond=0)


def test_refusals_of_the_protocol_are_unsigned() -> None:
    status = ocsp.OCSPResponseStatus
    for der, expected in (
        (malformed_answer(), status.MALFORMED_REQUEST),
        (unauthorized_answer(), status.UNAUTHORIZED),
        (later_answer(), status.TRY_LATER),
    ):
        assert ocsp.load_der_ocsp_response(der).response_status == expected


def test_an_unknown_critical_extension_and_a_huge_question_are_malformed() -> None:
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    critical = builder().add_extension(odd, critical=True).build().public_bytes(DER)
    harmless = builder().add_extension(odd, critical=False).build().public_bytes(DER)
    assert parse_question(harmless).nonce is None
    for der in (critical, b"0" * (MAX_QUESTION + 1), b""):
        with pytest.raises(MalformedQuestion):
            parse_question(der)


def test_addresses_carry_questions_with_and_without_padding() -> None:
    der = question()
    text = b64encode(der).decode()
    assert decode_question(text) == decode_question(text.rstrip("=")) == der
    for odd in ("a b", "ä", "-_-_", "a"):
        with pytest.raises(MalformedQuestion):
            decode_question(odd)


def test_damaged_questions_are_refused_in_words_and_never_crash() -> None:
    dice, der = random.Random(1), question()  # noqa: S311  # the same damage each time
    refused = 0
    for number in range(3000):
        damaged = bytearray(der)
        damaged[dice.randrange(len(der))] = dice.randrange(256)
        try:
            asks_about(parse_question(bytes(damaged[: -number % len(der) or None])), CA)
        except MalformedQuestion:
            refused += 1
    assert refused > 1000
