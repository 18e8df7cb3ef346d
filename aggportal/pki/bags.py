"""Certificates in whatever form a CA sends them back: PEM, DER, PKCS#7, one or a whole chain."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from aggportal.pki.armour import Piece, pieces_of
from aggportal.pki.asn1 import read_der
from aggportal.pki.errors import InvalidCertificate, PkiError
from aggportal.pki.facts import LIBRARY_ERRORS, CertificateFacts
from aggportal.pki.reading import MAX_CERTIFICATES, PrivateKeyFound, read_certificate
from aggportal.pki.shapes import Shape, shape_of, shape_of_label
from aggportal.words import gettext_noop as _n


def read_bag(data: bytes | str, *, field: str = "") -> tuple[CertificateFacts, ...]:
    """Read every certificate in `data`, at least one, in its order; doubles stay.

    Raises `InvalidCertificate` and `PrivateKeyFound`, on `field`.
    """
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else bytes(data)
    try:
        pieces = pieces_of(raw)
        found = tuple(facts for piece in pieces for facts in _certificates(piece, field))
    except PkiError as refused:
        refused.field = field
        raise
    if not found:
        raise InvalidCertificate(_n("There is no certificate in it."), field=field)
    if len(found) > MAX_CERTIFICATES:
        raise InvalidCertificate(
            _n("There are %(count)d certificates, and at most %(limit)d can be read at once."),
            field=field,
            count=len(found),
            limit=MAX_CERTIFICATES,
        )
    return found


def _certificates(piece: Piece, field: str) -> Iterator[CertificateFacts]:
    shape = shape_of_label(piece.label) if piece.label else shape_of(read_der(piece.der))
    if shape is Shape.PRIVATE_KEY:
        raise PrivateKeyFound(
            _n(
                "There is a private key among the certificates. Take it out: it is not needed here."
            ),
            field=field,
        )
    if shape is Shape.REQUEST:
        raise InvalidCertificate(
            _n("This is a signing request. Give the certificate that was made of it."), field=field
        )
    if piece.is_damaged:
        raise InvalidCertificate(
            _n("A PEM block is damaged. Copy the certificate again, whole."), field=field
        )
    if shape is Shape.CERTIFICATE:
        yield read_certificate(piece.der, field=field)
    elif shape is Shape.PKCS7:
        yield from _of_pkcs7(piece.der, field)
    elif shape is not Shape.PARAMETERS:
        raise InvalidCertificate(
            _n("Read are certificates in PEM or DER and PKCS#7; this is something else."),
            field=field,
        )


def _of_pkcs7(der: bytes, field: str) -> Iterator[CertificateFacts]:
    try:
        held = pkcs7.load_der_pkcs7_certificates(der)
        found = [certificate.public_bytes(Encoding.DER) for certificate in held]
    except LIBRARY_ERRORS as error:
        raise InvalidCertificate(
            _n("This PKCS#7 file is damaged, or holds no certificates."), field=field
        ) from error
    for certificate in found:
        yield read_certificate(certificate, field=field)
