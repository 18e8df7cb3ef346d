"""DER written by hand, so that any part of it can be wrong on purpose."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7


def tlv(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(octets)]) + octets + body


def sequence(*parts: bytes) -> bytes:
    return tlv(0x30, *parts)


def integer(value: int) -> bytes:
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, signed=True))


def octets(body: bytes) -> bytes:
    return tlv(0x04, body)


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    body = bytearray()
    for arc in (first * 40 + second, *rest):
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(arc & 0x7F | 0x80)
        body += bytes(reversed(digits))
    return tlv(0x06, bytes(body))


PBKDF2, PBES2, SCRYPT = "1.2.840.113549.1.5.12", "1.2.840.113549.1.5.13", "1.3.6.1.4.1.11591.4.11"
AES_256_CBC = "2.16.840.1.101.3.4.1.42"
PBE_3DES = "1.2.840.113549.1.12.1.3"
DATA, SHA1 = "1.2.840.113549.1.7.1", "1.3.14.3.2.26"
ENCRYPTED_DATA = "1.2.840.113549.1.7.6"
SHROUDED_KEY_BAG = "1.2.840.113549.1.12.10.1.2"


def pbes2(kdf: bytes) -> bytes:
    cipher = sequence(oid(AES_256_CBC), octets(bytes(16)))
    return sequence(oid(PBES2), sequence(kdf, cipher))


def pbkdf2(rounds: int) -> bytes:
    return sequence(oid(PBKDF2), sequence(octets(bytes(8)), integer(rounds)))


def scrypt(cost: int, block: int, parallel: int) -> bytes:
    numbers = map(integer, (cost, block, parallel))
    return sequence(oid(SCRYPT), sequence(octets(bytes(8)), *numbers))


def encrypted_key(algorithm: bytes) -> bytes:
    """EncryptedPrivateKeyInfo."""
    return sequence(algorithm, octets(bytes(64)))


def pkcs12(*, mac_rounds: int = 2048, key_rounds: int = 2048) -> bytes:
    """A PFX whose key bag and MAC ask for so many rounds."""
    pbe = sequence(oid(PBE_3DES), sequence(octets(bytes(8)), integer(key_rounds)))
    bag = sequence(oid(SHROUDED_KEY_BAG), tlv(0xA0, encrypted_key(pbe)))
    contents = octets(sequence(bag))
    safe = sequence(sequence(oid(DATA), tlv(0xA0, contents)))
    digest = sequence(sequence(oid(SHA1), tlv(0x05)), octets(bytes(20)))
    mac = sequence(digest, octets(bytes(8)), integer(mac_rounds))
    return sequence(integer(3), sequence(oid(DATA), tlv(0xA0, octets(safe))), mac)


def hidden_bomb(passphrase: bytes, *, key_rounds: int = 2**31 - 1) -> bytes:
    """A PFX whose key bag lies inside an encrypted part, so that its rounds cannot be counted."""
    pbe = sequence(oid(PBE_3DES), sequence(octets(bytes(8)), integer(key_rounds)))
    bag = sequence(oid(SHROUDED_KEY_BAG), tlv(0xA0, encrypted_key(pbe)))
    key = hashlib.pbkdf2_hmac("sha1", passphrase, bytes(8), 2048, 32)
    encryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor()
    padder = PKCS7(128).padder()
    plain = padder.update(sequence(bag)) + padder.finalize()
    hidden = encryptor.update(plain) + encryptor.finalize()
    content = sequence(oid(DATA), pbes2(pbkdf2(2048)), tlv(0x80, hidden))
    safe = sequence(sequence(oid(ENCRYPTED_DATA), tlv(0xA0, sequence(integer(0), content))))
    return sequence(integer(3), sequence(oid(DATA), tlv(0xA0, octets(safe))))
