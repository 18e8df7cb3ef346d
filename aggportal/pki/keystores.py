"""A certificate in the forms that other programs want: DER, chain, bundles, key and trust stores.

Java reads PKCS#12 as a keystore since 8 and writes it by default since 9 (JEP 229); JKS is for what
is older. A truststore marks its certificates as trusted (Java's attribute
2.16.840.1.113894.746875.1.1); without that mark Java shows none of them.
"""

from __future__ import annotations

import datetime as dt
import enum

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    KeySerializationEncryption,
    PrivateFormat,
    pkcs12,
)

from aggportal.pki import jks
from aggportal.pki.errors import InvalidField
from aggportal.pki.exports import (
    KEY_MODE,
    ExportedFile,
    intermediates,
    pem_of,
    require_base_name,
    require_takeable_key,
)
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.keys import load_private_key
from aggportal.pki.reading import load_certificate
from aggportal.words import gettext_noop as _n

# OpenSSL's own default is 2,048; keytool writes 10,000. The MAC's rounds are the library's 2,048.
MODERN_ROUNDS = 100_000
LEGACY_ROUNDS = 10_000
MIN_PASSPHRASE = 8  # keytool refuses below 6
MAX_PASSPHRASE = 200
MAX_ALIAS = 100


class Encryption(enum.StrEnum):
    """How a store is written and encrypted.

    MODERN and LEGACY are PKCS#12, JKS is Java's old format. MODERN is PBES2 with AES-256 and
    SHA-256: OpenSSL 1.1, Java 8u301, Windows 10 1709 and newer. LEGACY is 3DES with SHA-1, for what
    is older; FIPS builds refuse it.
    """

    MODERN = "modern"
    LEGACY = "legacy"
    JKS = "jks"

    @property
    def suffix(self) -> str:
        """How the file's name ends."""
        return ".jks" if self is Encryption.JKS else ".p12"


def certificate_forms(
    base: str, *, certificate: CertificateFacts, chain: tuple[CertificateFacts, ...]
) -> tuple[ExportedFile, ...]:
    """Return BASE.der and, as far as `chain` (the authorities above, upwards) is known:

    BASE-chain.pem, the chain; BASE-bundle.pem, the certificate and the intermediates as a server
    sends them; BASE-root.pem; BASE-full-bundle.pem, the certificate and all of the chain. The names
    of bundle and root are cfssljson's, and so is what is in them.

    Raises `InvalidField` on `base`.
    """
    require_base_name(base)
    der = ExportedFile(name=f"{base}.der", body=certificate.der)
    if not chain:
        return (der,)
    parts = {
        "chain": chain,
        "bundle": (certificate, *intermediates(chain)),
        "root": tuple(facts for facts in chain if facts.self_signed)[-1:],
        "full-bundle": (certificate, *chain),
    }
    return (
        der,
        *(
            ExportedFile(name=f"{base}-{name}.pem", body=pem_of(part).encode())
            for name, part in parts.items()
            if part
        ),
    )


def keystore(
    base: str,
    *,
    certificate: CertificateFacts,
    key_pem: str,
    chain: tuple[CertificateFacts, ...],
    lock: Lock,
) -> ExportedFile:
    """Return BASE.p12 (or BASE.jks) with key, certificate and the whole chain.

    Raises `InvalidField`, `KeyMismatch`, and `AuthorityKeyStays` for the key of an authority.
    """
    require_base_name(base)
    require_takeable_key(key_pem, certificate=certificate)
    if lock.kind is Encryption.JKS:
        body = lock.jks_keystore(key_pem, (certificate, *chain))
    else:
        body = pkcs12.serialize_key_and_certificates(
            lock.alias.encode(),
            load_private_key(key_pem),
            load_certificate(certificate),
            [load_certificate(authority) for authority in chain],
            lock.encryption(),
        )
    return ExportedFile(name=f"{base}{lock.kind.suffix}", body=body, mode=KEY_MODE)


def truststore(base: str, *, authorities: tuple[CertificateFacts, ...], lock: Lock) -> ExportedFile:
    """Return BASE-truststore.p12 (or .jks), in which Java trusts `authorities`.

    Raises `InvalidField`.
    """
    require_base_name(base)
    named = {_numbered(lock.alias, at): facts for at, facts in enumerate(authorities)}
    if lock.kind is Encryption.JKS:
        body = lock.jks_truststore(named)
    else:
        trusted = [
            pkcs12.PKCS12Certificate(load_certificate(facts), name.encode())
            for name, facts in named.items()
        ]
        body = pkcs12.serialize_java_truststore(trusted, lock.encryption())
    return ExportedFile(name=f"{base}-truststore{lock.kind.suffix}", body=body)


def _numbered(alias: str, at: int) -> str:
    """Name each entry once: in Java a second one of the same name replaces the first."""
    return f"{alias}-{at + 1}" if at else alias


class Lock:
    """How a store is closed: its friendly name (Java's alias), encryption and passphrase.

    Not a dataclass, so that no repr or comparison ever holds the passphrase.
    """

    __slots__ = ("_now", "_passphrase", "alias", "kind")

    def __init__(
        self, *, alias: str, passphrase: str, encryption: Encryption, now: dt.datetime
    ) -> None:
        """Raise `InvalidField` on `alias` or `passphrase`. A JKS carries `now`."""
        self.alias = _require_alias(alias)
        self._passphrase = _require_passphrase(passphrase)
        self.kind = encryption
        self._now = now

    def jks_keystore(self, key_pem: str, certificates: tuple[CertificateFacts, ...]) -> bytes:
        """Return a JKS closed with this."""
        return jks.jks_keystore(
            self.alias,
            key_pem=key_pem,
            certificates=certificates,
            passphrase=self._passphrase,
            now=self._now,
        )

    def jks_truststore(self, named: dict[str, CertificateFacts]) -> bytes:
        """Return a JKS that trusts what is named, closed with this."""
        return jks.jks_truststore(named, passphrase=self._passphrase, now=self._now)

    def encryption(self) -> KeySerializationEncryption:
        """Return the library's own description of a PKCS#12 closed with this."""
        builder = PrivateFormat.PKCS12.encryption_builder()
        if self.kind is Encryption.MODERN:
            algorithm, rounds = pkcs12.PBES.PBESv2SHA256AndAES256CBC, MODERN_ROUNDS
            digest: hashes.HashAlgorithm = hashes.SHA256()
        else:
            algorithm, rounds = pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC, LEGACY_ROUNDS
            digest = hashes.SHA1()  # noqa: S303  # what old readers know; chosen knowingly
        builder = builder.kdf_rounds(rounds).key_cert_algorithm(algorithm).hmac_hash(digest)
        return builder.build(self._passphrase.encode())


def _require_alias(alias: str) -> str:
    if not 0 < len(alias) <= MAX_ALIAS or not alias.isprintable() or alias != alias.strip():
        raise InvalidField(
            _n(
                "The name inside the store must be 1 to %(limit)d visible characters, without "
                "spaces around it."
            ),
            field="alias",
            limit=MAX_ALIAS,
        )
    return alias


def _require_passphrase(passphrase: str) -> str:
    if not MIN_PASSPHRASE <= len(passphrase) <= MAX_PASSPHRASE:
        raise InvalidField(
            _n("The passphrase must have %(least)d to %(most)d characters."),
            field="passphrase",
            least=MIN_PASSPHRASE,
            most=MAX_PASSPHRASE,
        )
    if not passphrase.isascii() or not passphrase.isprintable():
        raise InvalidField(
            _n(
                "Use letters, digits and signs of ASCII only: programs disagree about how any "
                "other character of a passphrase is encoded, and the store would not open."
            ),
            field="passphrase",
        )
    return passphrase
