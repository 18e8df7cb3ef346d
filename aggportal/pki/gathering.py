"""From files and pasted text to what can be kept: certificates, private keys, cfssl's JSON.

Archives are opened, PKCS#7 and PKCS#12 too, keys decrypted. A piece that cannot be taken says why
and the others stand. What opening locked things may cost together is limited.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key, pkcs7

from aggportal.pki.archives import archive_members, is_archive
from aggportal.pki.armour import MAX_INPUT_BYTES, Piece, pieces_of
from aggportal.pki.errors import PkiError
from aggportal.pki.facts import LIBRARY_ERRORS, CertificateFacts
from aggportal.pki.inspecting import Given, UnreadableBag
from aggportal.pki.keys import PrivateKey, require_allowed_key, spki_sha256
from aggportal.pki.pkcs12 import open_pkcs12
from aggportal.pki.privatekeys import open_private_key, require_own_halves, shape_of_piece
from aggportal.pki.reading import read_certificate
from aggportal.pki.shapes import Shape
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

MAX_PIECES = 1000
MAX_LOCKED_SECONDS = 15.0
LABELS_OF_NO_USE = (Shape.PARAMETERS, Shape.PUBLIC_KEY)


class TooMuchLocked(PkiError):
    """The encrypted things took as long as is given."""

    code = "too-much-locked"


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundCertificate:
    """One certificate and the names of the files that it was found in (empty for pasted text)."""

    facts: CertificateFacts
    sources: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundKey:
    """One private key, `spki` its public half's SHA-256, and the file that it was found in."""

    key: PrivateKey = field(repr=False)
    spki: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundText:
    """A JSON document that lay beside them."""

    text: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """Something that was not taken. `refused` is None where it is of no use here and no fault."""

    source: str
    sentence: Sentence
    refused: PkiError | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """Everything that was found; certificates and keys once each."""

    certificates: tuple[FoundCertificate, ...] = ()
    keys: tuple[FoundKey, ...] = ()
    documents: tuple[FoundText, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    def key_of(self, facts: CertificateFacts) -> FoundKey | None:
        """Return the private key of a certificate, told by its public half."""
        return next((key for key in self.keys if key.spki == facts.spki_sha256), None)

    @property
    def strangers(self) -> tuple[FoundKey, ...]:
        """Keys that belong to none of the certificates."""
        known = {found.facts.spki_sha256 for found in self.certificates}
        return tuple(key for key in self.keys if key.spki not in known)

    @property
    def first_fault(self) -> PkiError | None:
        """The first thing that was refused, where something was."""
        return next((item.refused for item in self.left_out if item.refused), None)


def gather(given: Iterable[Given], *, passphrase: str = "") -> Gathered:
    """Take apart everything that was given. Nothing is raised: what is refused is in `left_out`."""
    gathering = _Gathering(passphrase=passphrase)
    for one in given:
        gathering.take(one)
    return gathering.result()


class _Gathering:
    """What was found so far, each thing once."""

    def __init__(self, *, passphrase: str) -> None:
        self._passphrase = passphrase
        self._certificates: dict[str, FoundCertificate] = {}
        self._keys: dict[str, FoundKey] = {}
        self._documents: list[FoundText] = []
        self._left_out: list[LeftOut] = []
        self._locked_seconds = 0.0

    def result(self) -> Gathered:
        return Gathered(
            certificates=tuple(self._certificates.values()),
            keys=tuple(self._keys.values()),
            documents=tuple(self._documents),
            left_out=tuple(self._left_out),
        )

    def take(self, given: Given) -> None:
        try:
            if not is_archive(given.data):
                self._take_file(given)
                return
            for member in archive_members(given.data):
                if member.refused:
                    self._leave(member.name, member.refused)
                elif member.data.strip():
                    self._take_file(Given(data=member.data, name=member.name))
        except PkiError as refused:
            self._refuse(given.name, refused)

    def _take_file(self, given: Given) -> None:
        if given.data.lstrip()[:1] == b"{":
            text = given.data[:MAX_INPUT_BYTES].decode("utf-8", "replace")
            self._documents.append(FoundText(text=text, source=given.name))
            return
        try:
            pieces = pieces_of(given.data, most=MAX_PIECES)
        except PkiError as refused:
            self._refuse(given.name, refused)
            return
        for piece in pieces:
            try:
                self._take_piece(piece, source=given.name)
            except PkiError as refused:
                self._refuse(given.name, refused)

    def _take_piece(self, piece: Piece, *, source: str) -> None:
        shape = shape_of_piece(piece)
        if shape is Shape.PRIVATE_KEY:
            with self._timed():
                key = open_private_key(piece, passphrase=self._passphrase)
            self._add_key(key, source)
        elif shape is Shape.PKCS12:
            self._take_pkcs12(piece.der, source)
        elif shape is Shape.PKCS7:
            for der in _bag(piece.der):
                self._add_certificate(der, source)
        elif shape in (Shape.REQUEST, Shape.REVOCATIONS, *LABELS_OF_NO_USE):
            if shape is not Shape.PARAMETERS:
                self._leave(source, Sentence(text=_OF_NO_USE[shape]))
        elif shape is Shape.NOT_READ:
            text = _n("“%(label)s” is not among the things that are read here.")
            self._leave(source, Sentence(text=text, params={"label": piece.label}))
        else:
            self._add_certificate(b"" if piece.is_damaged else piece.der, source)

    def _take_pkcs12(self, der: bytes, source: str) -> None:
        with self._timed():
            opened = open_pkcs12(der, passphrase=self._passphrase, with_key=True)
        if opened.key:
            self._add_key(_key_of_store(opened.key), source)
        for _name, certificate in opened.certificates:
            self._add_certificate(certificate, source)

    def _timed(self) -> _Stopwatch:
        if self._locked_seconds > MAX_LOCKED_SECONDS:
            raise TooMuchLocked(
                _n(
                    "Opening what is encrypted took as long as is given here. Give fewer such "
                    "files at once."
                )
            )
        return _Stopwatch(self)

    def spend(self, seconds: float) -> None:
        """Count what opening something took."""
        self._locked_seconds += seconds

    def _add_certificate(self, der: bytes, source: str) -> None:
        facts = read_certificate(der)
        before = self._certificates.get(facts.sha256)
        sources = (*before.sources, source) if before else (source,)
        found = FoundCertificate(facts=facts, sources=tuple(dict.fromkeys(sources)))
        self._certificates[facts.sha256] = found

    def _add_key(self, key: PrivateKey, source: str) -> None:
        spki = spki_sha256(key.public_key())
        self._keys.setdefault(spki, FoundKey(key=key, spki=spki, source=source))

    def _refuse(self, source: str, refused: PkiError) -> None:
        self._left_out.append(LeftOut(source=source, sentence=refused.sentence, refused=refused))

    def _leave(self, source: str, sentence: Sentence) -> None:
        self._left_out.append(LeftOut(source=source, sentence=sentence))


class _Stopwatch:
    """Counts the time of its block against what is given for locked things."""

    def __init__(self, gathering: _Gathering) -> None:
        self._gathering = gathering
        self._begun = 0.0

    def __enter__(self) -> None:
        self._begun = time.monotonic()

    def __exit__(self, *_why: object) -> None:
        self._gathering.spend(time.monotonic() - self._begun)


_OF_NO_USE = {
    Shape.REQUEST: _n("A signing request: not needed, the certificate is what counts."),
    Shape.REVOCATIONS: _n("A revocation list: not read here."),
    Shape.PUBLIC_KEY: _n("A public key without a certificate: nothing to watch."),
}


def _bag(der: bytes) -> Iterator[bytes]:
    try:
        found = pkcs7.load_der_pkcs7_certificates(der)
        yield from (certificate.public_bytes(Encoding.DER) for certificate in found[:MAX_PIECES])
    except LIBRARY_ERRORS as error:
        raise UnreadableBag(
            _n("This PKCS#7 file is damaged, or holds no certificates (only those are read).")
        ) from error


def _key_of_store(der: bytes) -> PrivateKey:
    """Load what the limited process took out of a PKCS#12 and found sound."""
    key = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    require_allowed_key(key.public_key())
    return require_own_halves(key)  # type: ignore[arg-type]  # the line above refused other kinds
