"""What an inspection finds, as plain values for a page: things, and rows of words about them."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from aggportal.pki.facts import CertificateFacts
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n


class Kind(enum.StrEnum):
    """What a thing is."""

    CERTIFICATE = "certificate"
    REQUEST = "request"
    REVOCATIONS = "revocations"
    PRIVATE_KEY = "private-key"
    PUBLIC_KEY = "public-key"
    UNREAD = "unread"


KIND_WORDS: dict[Kind, Sentence] = {
    Kind.CERTIFICATE: Sentence(text=_n("Certificate")),
    Kind.REQUEST: Sentence(text=_n("Signing request (CSR)")),
    Kind.REVOCATIONS: Sentence(text=_n("Revocation list (CRL)")),
    Kind.PRIVATE_KEY: Sentence(text=_n("Private key")),
    Kind.PUBLIC_KEY: Sentence(text=_n("Public key")),
    Kind.UNREAD: Sentence(text=_n("Not read")),
}

Value = str | Sentence


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One thing that stands in a file: what it is called, what it says, what that means.

    `values` are texts of the file or sentences; `exact` says that they are to be set as code.
    """

    name: Value
    values: tuple[Value, ...]
    meaning: Sentence | None = None
    exact: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ExtensionWords:
    """One extension. `name` is a sentence, or the bare OID where nobody here knows it."""

    name: Value
    oid: str
    critical: bool
    values: tuple[Value, ...]
    meaning: Sentence | None = None
    known: bool = True

    @property
    def lines(self) -> tuple[tuple[Value, bool], ...]:
        """The values, each with whether it is a sentence rather than what stands in the file."""
        return tuple((value, isinstance(value, Sentence)) for value in self.values)


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    """One certificate, request, list or key, explained.

    `spki_sha256` is its public key's digest (empty for a list); `facts` stand for certificates
    only; `pem` and `text` never hold a private key; `refused` says why it could not be read.
    """

    kind: Kind
    title: str = ""
    source: Value = ""
    rows: tuple[Row, ...] = ()
    extensions: tuple[ExtensionWords, ...] = ()
    fingerprints: tuple[Row, ...] = ()
    facts: CertificateFacts | None = None
    spki_sha256: str = ""
    der: bytes = field(default=b"", repr=False)
    pem: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    refused: Sentence | None = None

    @property
    def kind_words(self) -> Sentence:
        return KIND_WORDS[self.kind]

    @property
    def is_linted(self) -> bool:
        """Whether there are rules to lint it by."""
        return self.is_read and self.kind in (Kind.CERTIFICATE, Kind.REVOCATIONS)

    @property
    def is_read(self) -> bool:
        return self.refused is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Pairing:
    """Whether `thing` and `other`, one of them a private key, belong together."""

    key: Thing
    other: Thing
    fits: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    """Everything that was found, in the order in which it came; `pairings` says of every private
    key what it fits, or that it fits none of the certificates and requests that came with it.
    """

    things: tuple[Thing, ...]
    pairings: tuple[Pairing, ...] = ()

    @property
    def certificates(self) -> tuple[CertificateFacts, ...]:
        return tuple(thing.facts for thing in self.things if thing.facts is not None)
