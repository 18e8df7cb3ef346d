"""What can be told from the bytes themselves, where the TLS library keeps silent.

That is: what speaks there when it is not TLS, and the signature scheme of a handshake before
TLS 1.3, whose messages travel in the open (RFC 5246 section 7.4.3, RFC 8422 section 5.4).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

_ALERT, _HANDSHAKE, _CHANGE_CIPHER = 21, 22, 20
_SERVER_KEY_EXCHANGE = 12
_NAMED_CURVE = 3
_FIRST_WITH_SCHEMES = 0x0303
# TLS SignatureScheme and, before RFC 8446, its (hash, signature) pairs of the same numbers.
SCHEMES = {
    0x0201: "rsa_pkcs1_sha1",
    0x0202: "dsa_sha1",
    0x0203: "ecdsa_sha1",
    0x0301: "rsa_pkcs1_sha224",
    0x0303: "ecdsa_sha224",
    0x0401: "rsa_pkcs1_sha256",
    0x0403: "ecdsa_secp256r1_sha256",
    0x0501: "rsa_pkcs1_sha384",
    0x0503: "ecdsa_secp384r1_sha384",
    0x0601: "rsa_pkcs1_sha512",
    0x0603: "ecdsa_secp521r1_sha512",
    0x0804: "rsa_pss_rsae_sha256",
    0x0805: "rsa_pss_rsae_sha384",
    0x0806: "rsa_pss_rsae_sha512",
    0x0807: "ed25519",
    0x0808: "ed448",
    0x0809: "rsa_pss_pss_sha256",
    0x080A: "rsa_pss_pss_sha384",
    0x080B: "rsa_pss_pss_sha512",
}
# Named curves as OpenSSL calls them (RFC 8422 section 5.1.1).
GROUPS = {23: "secp256r1", 24: "secp384r1", 25: "secp521r1", 29: "x25519", 30: "x448"}
# RFC 8446 section 6.
ALERTS = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    22: "record_overflow",
    40: "handshake_failure",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    109: "missing_extension",
    110: "unsupported_extension",
    112: "unrecognized_name",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyExchange:
    """How the keys of a connection were agreed upon: the group, and what the server signed with."""

    group: str = ""
    scheme: str = ""


def is_tls(received: bytes) -> bool:
    """Whether an answer begins as a server's first TLS record does: an alert or a handshake."""
    return received[:1] in (bytes([_ALERT]), bytes([_HANDSHAKE])) and received[1:2] in (b"", b"\3")


def speaks(received: bytes) -> Sentence:
    """Say what speaks there instead of TLS. The bytes themselves are not shown."""
    if received.startswith(b"HTTP/"):
        return Sentence(text=_n("It speaks plain HTTP there, not TLS."))
    if received.startswith(b"SSH-"):
        return Sentence(text=_n("It speaks SSH there, not TLS."))
    if received[:4] in (b"220 ", b"220-"):
        text = _n("A mail or file server greets there in the open; STARTTLS is not scanned.")
        return Sentence(text=text)
    return Sentence(text=_n("What answers there does not speak TLS."))


def key_exchange(received: bytes, *, cipher: str, version: int) -> KeyExchange:
    """Read the ServerKeyExchange among the server's bytes; `cipher` is OpenSSL's name of the suite,
    `version` is 0x0301 to 0x0303. Empty texts where there is none, as with RSA key transport.
    """
    for kind, body in _messages(_in_the_open(received)):
        if kind == _SERVER_KEY_EXCHANGE:
            on_curve = cipher.startswith("ECDHE")
            group = _group(body, on_curve=on_curve)
            if version < _FIRST_WITH_SCHEMES:  # RFC 4346 section 7.4.3, RFC 4492 section 5.4
                return KeyExchange(
                    group=group, scheme="ecdsa_sha1" if "ECDSA" in cipher else "rsa_md5_sha1"
                )
            after = _after_curve(body) if on_curve else _after_group(body)
            number = int.from_bytes(after[:2], "big")
            return KeyExchange(group=group, scheme=SCHEMES.get(number, f"0x{number:04x}"))
    return KeyExchange()


def _group(body: bytes, *, on_curve: bool) -> str:
    if not on_curve:
        return f"dhe-{8 * int.from_bytes(body[:2], 'big')}"
    number = int.from_bytes(body[1:3], "big")
    return GROUPS.get(number, f"0x{number:04x}")


def _in_the_open(received: bytes) -> bytes:
    """Join the handshake records that come before encryption begins."""
    found, at = bytearray(), 0
    while at + 5 <= len(received) and received[at] != _CHANGE_CIPHER:
        length = int.from_bytes(received[at + 3 : at + 5], "big")
        if received[at] == _HANDSHAKE:
            found += received[at + 5 : at + 5 + length]
        at += 5 + length
    return bytes(found)


def _messages(handshake: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(handshake):
        length = int.from_bytes(handshake[at + 1 : at + 4], "big")
        yield handshake[at], handshake[at + 4 : at + 4 + length]
        at += 4 + length


def _after_curve(body: bytes) -> bytes:
    """What follows a named curve and its point."""
    if body[:1] != bytes([_NAMED_CURVE]):
        return b""
    return body[4 + int.from_bytes(body[3:4], "big") :]


def _after_group(body: bytes) -> bytes:
    """What follows p, g and the public value of a finite-field exchange."""
    for _ in range(3):
        body = body[2 + int.from_bytes(body[:2], "big") :]
    return body
