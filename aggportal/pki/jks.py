"""Java's old keystore JKS, for programs that read nothing newer.

The format has no specification but its source, OpenJDK's sun.security.provider.JavaKeyStore and
KeyProtector; all numbers are big-endian:

    0xFEEDFEED, version 2, count of entries
    entry: tag (1 key, 2 trusted), alias, time (ms since 1970)
           key: length, EncryptedPrivateKeyInfo; count of certificates, certificates
           trusted: one certificate
    certificate: type ("X.509"), length, DER
    SHA-1 over the passphrase (UTF-16BE), "Mighty Aphrodite" and all bytes above

Texts are modified UTF-8 behind a length of two octets. Aliases are looked up in lower case. The key
is hidden by an XOR with SHA-1 blocks of passphrase and salt, which a machine guesses billions of
times a second: PKCS#12 is better everywhere, and Java reads it since 8.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import struct
from collections.abc import Iterator

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from aggportal.pki.facts import CertificateFacts
from aggportal.pki.keys import load_private_key

_MAGIC, _VERSION = 0xFEEDFEED, 2
_KEY, _TRUSTED = 1, 2
_WHITENER = b"Mighty Aphrodite"
_SALT = 20
# AlgorithmIdentifier 1.3.6.1.4.1.42.2.17.1.1 (Sun's key protector) with NULL parameters.
_PROTECTOR = bytes.fromhex("300e060a2b060104012a021101010500")


def jks_keystore(
    alias: str,
    *,
    key_pem: str,
    certificates: tuple[CertificateFacts, ...],
    passphrase: str,
    now: dt.datetime,
) -> bytes:
    """Return a store with one private key and its certificates, the key's own first. Key and store
    have the same passphrase, as Java's programs expect.
    """
    key = load_private_key(key_pem)
    plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    hidden = _hidden(plain, passphrase)
    entry = b"".join(
        (
            _head(_KEY, alias, now),
            _block(hidden),
            struct.pack(">I", len(certificates)),
            *(_certificate(one) for one in certificates),
        )
    )
    return _store([entry], passphrase)


def jks_truststore(
    aliases: dict[str, CertificateFacts], *, passphrase: str, now: dt.datetime
) -> bytes:
    """Return a store that trusts each certificate under its alias."""
    entries = [
        _head(_TRUSTED, alias, now) + _certificate(trusted) for alias, trusted in aliases.items()
    ]
    return _store(entries, passphrase)


def _store(entries: list[bytes], passphrase: str) -> bytes:
    body = struct.pack(">III", _MAGIC, _VERSION, len(entries)) + b"".join(entries)
    return body + _sha1(_password(passphrase), _WHITENER, body)


def _head(tag: int, alias: str, now: dt.datetime) -> bytes:
    milliseconds = int(now.timestamp() * 1000)
    return struct.pack(">I", tag) + _text(alias.lower()) + struct.pack(">Q", milliseconds)


def _certificate(certificate: CertificateFacts) -> bytes:
    return _text("X.509") + _block(certificate.der)


def _block(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def _text(text: str) -> bytes:
    """Write modified UTF-8: what lies beyond 0xFFFF as two surrogates of three octets each."""
    units = text.encode("utf-16-be", "surrogatepass")
    encoded = b"".join(
        chr(unit).encode("utf-8", "surrogatepass") for (unit,) in struct.iter_unpack(">H", units)
    )
    return struct.pack(">H", len(encoded)) + encoded


def _hidden(plain: bytes, passphrase: str) -> bytes:
    """Hide a PKCS#8 key as KeyProtector does; an EncryptedPrivateKeyInfo."""
    password, salt = _password(passphrase), secrets.token_bytes(_SALT)
    stream = _stream(password, salt)
    masked = bytes(octet ^ next(stream) for octet in plain)
    hidden = salt + masked + _sha1(password, plain)
    return _der(0x30, _PROTECTOR + _der(0x04, hidden))


def _stream(password: bytes, salt: bytes) -> Iterator[int]:
    block = salt
    while True:
        block = _sha1(password, block)
        yield from block


def _password(passphrase: str) -> bytes:
    return passphrase.encode("utf-16-be")


def _sha1(*parts: bytes) -> bytes:
    return hashlib.sha1(b"".join(parts), usedforsecurity=False).digest()


def _der(tag: int, content: bytes) -> bytes:
    """Write one DER value of at most 65,535 octets; a private key is far shorter."""
    size = len(content)
    if size < 0x80:
        length = bytes([size])
    elif size < 0x100:
        length = bytes([0x81, size])
    else:
        length = b"\x82" + struct.pack(">H", size)
    return bytes([tag]) + length + content
