"""What is this? Anything of X.509, told apart by what it holds and explained in words.

Nothing is kept. Of private keys only the public half is told. Whatever the bytes, the answer is
an `Inspection` or a `PkiError`; a piece that cannot be read says so and the others stand.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from aggportal.pki.armour import MAX_INPUT_BYTES, NothingFound, Piece, pieces_of
from aggportal.pki.asn1 import read_der
from aggportal.pki.errors import PkiError
from aggportal.pki.facts import LIBRARY_ERRORS
from aggportal.pki.inspected import Inspection, Kind, Pairing, Thing, Value
from aggportal.pki.pkcs12 import open_pkcs12
from aggportal.pki.shapes import Shape, shape_of, shape_of_label
from aggportal.pki.thing_keys import (
    inspect_private_key,
    inspect_public_key,
    require_affordable_key,
)
from aggportal.pki.things import (
    inspect_certificate,
    inspect_request,
    inspect_revocations,
    unread,
)
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

__all__ = ["MAX_FILES", "MAX_INPUT_BYTES", "MAX_THINGS", "Given", "inspect"]

MAX_FILES = 10
MAX_THINGS = 50


class UnreadableBag(PkiError):
    """A PKCS#7 file cannot be read."""

    code = "unreadable-pkcs7"


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """One text or file that a person gives; `name` is the file's, empty for pasted text."""

    data: bytes = field(repr=False)
    name: str = ""


def inspect(given: Iterable[Given], *, passphrase: str = "", now: dt.datetime) -> Inspection:
    """Tell and explain everything in `given`.

    Raises `NothingFound` when there is nothing at all, or too much.
    """
    things: list[Thing] = []
    for one in given:
        for thing in _things_of(one, passphrase=passphrase, now=now):
            if len(things) == MAX_THINGS:
                raise NothingFound(
                    _n("There are more than %(limit)d things in it. Give fewer at once."),
                    limit=MAX_THINGS,
                )
            things.append(thing)
    if not things:
        raise NothingFound(_n("Paste something, or choose a file."))
    return Inspection(things=tuple(things), pairings=_pairings(things))


def _things_of(given: Given, *, passphrase: str, now: dt.datetime) -> Iterator[Thing]:
    try:
        pieces = pieces_of(given.data)
    except NothingFound as refused:
        yield unread(Kind.UNREAD, refused.sentence, source=given.name)
        return
    for piece in pieces:
        try:
            yield from _explained(piece, source=given.name, passphrase=passphrase, now=now)
        except PkiError as refused:
            kind = _KINDS.get(_shape(piece), Kind.UNREAD)
            yield unread(kind, refused.sentence, source=given.name)


def _shape(piece: Piece) -> Shape:
    if piece.label:
        return shape_of_label(piece.label)
    try:
        return shape_of(read_der(piece.der))
    except PkiError:
        return Shape.UNKNOWN


_KINDS = {
    Shape.CERTIFICATE: Kind.CERTIFICATE,
    Shape.REQUEST: Kind.REQUEST,
    Shape.REVOCATIONS: Kind.REVOCATIONS,
    Shape.PRIVATE_KEY: Kind.PRIVATE_KEY,
    Shape.PUBLIC_KEY: Kind.PUBLIC_KEY,
}
_Explain = Callable[..., Thing]
_SIGNED: dict[Shape, _Explain] = {
    Shape.CERTIFICATE: inspect_certificate,
    Shape.REQUEST: inspect_request,
    Shape.REVOCATIONS: inspect_revocations,
}


def _explained(
    piece: Piece, *, source: Value, passphrase: str, now: dt.datetime
) -> Iterator[Thing]:
    shape = _shape(piece)
    if shape is Shape.NOT_READ:
        text = _n("“%(label)s” is not among the things that are read here.")
        params = {"label": piece.label}
        yield unread(Kind.UNREAD, Sentence(text=text, params=params), source=source)
    elif shape is Shape.PRIVATE_KEY:
        yield _private_key(piece, passphrase=passphrase, source=source)
    elif piece.is_damaged:
        text = _n("The PEM block is damaged: its text is not base64, or its end is another's.")
        yield unread(_KINDS.get(shape, Kind.UNREAD), Sentence(text=text), source=source)
    elif shape in _SIGNED:
        yield _SIGNED[shape](piece.der, source=source, now=now)
    elif shape is Shape.PUBLIC_KEY:
        yield inspect_public_key(piece.der, source=source)
    elif shape is Shape.PKCS12:
        yield from _pkcs12(piece.der, passphrase=passphrase, source=source, now=now)
    elif shape is Shape.PKCS7:
        yield from _pkcs7(piece.der, source=source, now=now)
    elif shape is Shape.UNKNOWN:
        _require_structure(piece.der)
        text = _n("It is DER, but neither certificate, request, list, key, PKCS#7 nor PKCS#12.")
        yield unread(Kind.UNREAD, Sentence(text=text), source=source)


def _require_structure(der: bytes) -> None:
    """Let a broken structure say for itself what is broken. Raises `InvalidDer`."""
    read_der(der)


def _private_key(piece: Piece, *, passphrase: str, source: Value) -> Thing:
    if not piece.is_damaged and not piece.block.count(b"Proc-Type:"):
        require_affordable_key(piece.der)
    # cfssl's own label for Ed25519, which no library reads; inside is PKCS#8.
    armoured = bool(piece.label) and piece.label != "Ed25519 PRIVATE KEY"
    return inspect_private_key(
        piece.block if armoured else piece.der,
        label=piece.label if armoured else "",
        passphrase=passphrase,
        source=source,
    )


def _pkcs12(der: bytes, *, passphrase: str, source: Value, now: dt.datetime) -> Iterator[Thing]:
    opened = open_pkcs12(der, passphrase=passphrase)
    if opened.spki:
        half = inspect_public_key(opened.spki, source=source)
        yield _as_private(half)
    for name, certificate in opened.certificates:
        yield inspect_certificate(certificate, source=name or source, now=now)
    if not opened.spki and not opened.certificates:
        text = _n("This PKCS#12 file opens, but neither key nor certificate is in it.")
        yield unread(Kind.UNREAD, Sentence(text=text), source=source)


def _as_private(half: Thing) -> Thing:
    """Show the public half of a key that the file holds whole."""
    return Thing(
        kind=Kind.PRIVATE_KEY,
        title=half.title,
        source=half.source,
        rows=half.rows,
        fingerprints=half.fingerprints,
        spki_sha256=half.spki_sha256,
        pem=half.pem,
        text=half.text,
    )


def _pkcs7(der: bytes, *, source: Value, now: dt.datetime) -> Iterator[Thing]:
    try:
        found = [
            certificate.public_bytes(Encoding.DER)
            for certificate in pkcs7.load_der_pkcs7_certificates(der)
        ]
    except LIBRARY_ERRORS as error:
        raise UnreadableBag(
            _n("This PKCS#7 file is damaged, or holds no certificates (only those are read).")
        ) from error
    if not found:
        raise UnreadableBag(_n("This PKCS#7 file opens, but no certificate is in it."))
    for certificate in found:
        yield inspect_certificate(certificate, source=source, now=now)


_PAIRED = (Kind.CERTIFICATE, Kind.REQUEST)


def _pairings(things: list[Thing]) -> tuple[Pairing, ...]:
    keys = [thing for thing in things if thing.kind is Kind.PRIVATE_KEY and thing.spki_sha256]
    others = [thing for thing in things if thing.kind in _PAIRED and thing.spki_sha256]
    return tuple(pairing for key in keys for pairing in _pairings_of(key, others))


def _pairings_of(key: Thing, others: list[Thing]) -> list[Pairing]:
    """Pair a key with what it fits; only where it fits nothing, with what it does not fit.

    A chain holds certificates of other keys too, and that is as it should be.
    """
    compared = [
        Pairing(key=key, other=other, fits=key.spki_sha256 == other.spki_sha256) for other in others
    ]
    return [pairing for pairing in compared if pairing.fits] or compared
