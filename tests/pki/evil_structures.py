"""More of the hostile signing requests: odd names, broken structures; and all of them together.

`GENEROUS` are honest ones that ask for more than a profile gives: they are signed without it.
"""

from __future__ import annotations

import base64

from tests.pki.csrs_made import csr, pem
from tests.pki.der_made import integer, oid, sequence, tlv
from tests.pki.evil_requests import (
    FIELDS,
    HOST,
    KEY_BESIDE,
    KEYS,
    MASTERS,
    REFUSED,
    SIGNATURES,
    SUBJECTS,
    Case,
    Made,
)
from tests.pki.requests_by_hand import (
    BASIC,
    CHALLENGE,
    EXTENDED,
    NAME_CONSTRAINTS,
    NULL,
    RSA,
    USAGE,
    O,
    alternatives,
    dns,
    extension,
    name,
    request,
    spki,
    value,
    wanted,
)

_TRUE, _NOT_QUITE_TRUE = tlv(0x01, b"\xff"), tlv(0x01, b"\x01")
_USER_PRINCIPAL = "1.3.6.1.4.1.311.20.2.3"


def armour(der: bytes, label: str = "CERTIFICATE REQUEST") -> bytes:
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n".encode()


def _sans(*general: bytes) -> bytes:
    return request(wanted(alternatives(*general)))


def _ip(*octets_given: int) -> bytes:
    return tlv(0x87, bytes(octets_given))


NAMES: dict[str, Case] = {
    "10,000 names": (REFUSED, lambda: _sans(*(dns(f"h{i}.example") for i in range(10_000)))),
    "1,000 names": (HOST, lambda: _sans(*(dns(f"h{i}") for i in range(1_000)))),
    "101 names": (HOST, lambda: _sans(*(dns(f"h{i}.example") for i in range(101)))),
    "DNS empty": (FIELDS, lambda: _sans(dns(""))),
    "DNS with NUL": (FIELDS, lambda: _sans(dns("a.example\0.evil.example"))),
    "DNS with line break": (FIELDS, lambda: _sans(dns("a.example\r\nb"))),
    "DNS with bidi": (FIELDS, lambda: _sans(dns("a\u202eb.example"))),
    "DNS homoglyph": (FIELDS, lambda: _sans(dns("\u0430pple.example"))),
    "DNS Latin-1": (REFUSED, lambda: _sans(dns(b"\xe9.example"))),
    "DNS an asterisk": (FIELDS, lambda: _sans(dns("*"))),
    "DNS two asterisks": (FIELDS, lambda: _sans(dns("*.*.example"))),
    "DNS part of a label": (FIELDS, lambda: _sans(dns("a*.example"))),
    "DNS inner asterisk": (FIELDS, lambda: _sans(dns("a.*.example"))),
    "DNS trailing dot": (FIELDS, lambda: _sans(dns("a.example."))),
    "DNS leading dot": (FIELDS, lambda: _sans(dns(".example"))),
    "DNS underscore": (FIELDS, lambda: _sans(dns("_a.example"))),
    "DNS with port": (FIELDS, lambda: _sans(dns("a.example:443"))),
    "DNS an address": (FIELDS, lambda: _sans(dns("10.0.0.1"))),
    "DNS an octal address": (FIELDS, lambda: _sans(dns("127.1"))),
    "DNS a network": (FIELDS, lambda: _sans(dns("0.0.0.0/0"))),
    "DNS a label of 64": (FIELDS, lambda: _sans(dns("x" * 64 + ".example"))),
    "DNS of 300": (FIELDS, lambda: _sans(dns(".".join(["x" * 50] * 6)))),
    "DNS markup": (FIELDS, lambda: _sans(dns("<script>alert(1)</script>"))),
    "DNS a formula": (FIELDS, lambda: _sans(dns('=cmd|"/C calc"!A0'))),
    "IP of 3": (REFUSED, lambda: _sans(_ip(1, 2, 3))),
    "IP of none": (REFUSED, lambda: _sans(_ip())),
    "IP a network": (FIELDS, lambda: _sans(_ip(10, 0, 0, 0, 255, 0, 0, 0))),
    "IP everything": (FIELDS, lambda: _sans(_ip(*bytes(8)))),
    "IP an odd mask": (REFUSED, lambda: _sans(_ip(10, 0, 0, 0, 255, 0, 255, 0))),
    "URI javascript": (FIELDS, lambda: _sans(tlv(0x86, b"javascript:alert(1)"))),
    "URI file": (FIELDS, lambda: _sans(tlv(0x86, b"file://a.example/etc/passwd"))),
    "URI empty": (FIELDS, lambda: _sans(tlv(0x86))),
    "URI a host": (FIELDS, lambda: _sans(tlv(0x86, b"a.example"))),
    "URI with line break": (FIELDS, lambda: _sans(tlv(0x86, b"spiffe://a/b\r\nc"))),
    "URI broken brackets": (FIELDS, lambda: _sans(tlv(0x86, b"https://[::1/"))),
    "mail two": (FIELDS, lambda: _sans(tlv(0x81, b"a@b.example, c@d.example"))),
    "mail with a name": (FIELDS, lambda: _sans(tlv(0x81, b"Ana <a@b.example>"))),
    "mail without a host": (FIELDS, lambda: _sans(tlv(0x81, b"a@"))),
    "mail with line break": (FIELDS, lambda: _sans(tlv(0x81, b"a@b.example\nBcc: c@d"))),
    "mail a host": (FIELDS, lambda: _sans(tlv(0x81, b"a.example"))),
    "masters as URI": (FIELDS, lambda: _sans(tlv(0x86, b"system:masters"))),
    "an X.400 address": (REFUSED, lambda: _sans(tlv(0xA3, tlv(0x30)))),
    "a broken other name": (REFUSED, lambda: _sans(tlv(0xA0, tlv(0x05)))),
    "an unknown kind of name": (REFUSED, lambda: _sans(tlv(0x89, b"x"))),
}


def _ca(*parts: bytes) -> bytes:
    return request(wanted(extension(BASIC, sequence(*parts), critical=_TRUE)))


_DEEP = 5_000
ONE = alternatives(dns("a.example"))
STRUCTURES: dict[str, Case] = {
    "CA:TRUE": ("wants-authority", lambda: _ca(_TRUE)),
    "CA:TRUE with a path": ("wants-authority", lambda: _ca(_TRUE, integer(0))),
    "CA:TRUE not quite": (REFUSED, lambda: _ca(_NOT_QUITE_TRUE)),
    "path of minus one": (REFUSED, lambda: _ca(_TRUE, integer(-1))),
    "CA:TRUE in the second list": (
        REFUSED,
        lambda: request(*sorted((wanted(ONE), wanted(extension(BASIC, sequence(_TRUE)))))),
    ),
    "names twice": (REFUSED, lambda: request(wanted(ONE, ONE))),
    "attribute twice": (REFUSED, lambda: request(wanted(ONE), wanted(ONE))),
    "attribute without value": (
        REFUSED,
        lambda: request(sequence(oid("1.2.840.113549.1.9.14"), tlv(0x31))),
    ),
    "names of garbage": (REFUSED, lambda: request(wanted(extension("2.5.29.17", b"\xff\xff")))),
    "usage of garbage": (REFUSED, lambda: request(wanted(extension(USAGE, b"hello")))),
    "use of nothing": (REFUSED, lambda: request(wanted(extension(EXTENDED, sequence())))),
    "constraints of garbage": (
        REFUSED,
        lambda: request(wanted(extension(NAME_CONSTRAINTS, b"\x30\x02\xa0\x00"))),
    ),
    "version 1": (REFUSED, lambda: request(version=integer(1))),
    "version -1": (REFUSED, lambda: request(version=integer(-1))),
    "version of 100 octets": (REFUSED, lambda: request(version=integer(1 << 800))),
    "version a text": (REFUSED, lambda: request(version=tlv(0x0C, b"0"))),
    "trailing octet": (REFUSED, lambda: request() + b"\0"),
    "twice in DER": (REFUSED, lambda: request() * 2),
    "cut in half": (REFUSED, lambda: request()[:120]),
    "first octet alone": (REFUSED, lambda: b"\x30"),
    "length of 4 GB": (REFUSED, lambda: b"\x30\x84\xff\xff\xff\xff" + request()),
    "indefinite length": (REFUSED, lambda: b"\x30\x80" + request()[3:] + b"\0\0"),
    "length in BER": (REFUSED, lambda: b"\x30\x82\0" + request()[2:]),
    "nested": (REFUSED, lambda: b"\x30\x80" * _DEEP + b"\0\0" * _DEEP),
    "nested in the key": (
        REFUSED,
        lambda: request(key=spki(sequence(oid(RSA), b"\x30\x80" * _DEEP), b"x")),
    ),
    "10 MB": (REFUSED, lambda: b"\x30\x84\x00\x98\x96\x80" + bytes(10_000_000)),
    "10 MB of armour": (REFUSED, lambda: armour(bytes(7_000_000))),
    "17 kB": (REFUSED, lambda: request(wanted(extension("1.2.3.4", bytes(17_000))))),
    "a certificate's label": (REFUSED, lambda: armour(request(), "CERTIFICATE")),
    "two in PEM": (REFUSED, lambda: armour(request()) * 2),
    "text around": (REFUSED, lambda: b"hello\n" + armour(request())),
    "padding inside": (REFUSED, lambda: armour(request()).replace(b"M", b"=", 1)),
    "PEM headers": (
        REFUSED,
        lambda: armour(request()).replace(b"-----\n", b"-----\nProc-Type: 4\n\n", 1),
    ),
    "NUL in PEM": (REFUSED, lambda: armour(request()).replace(b"\n", b"\0", 1)),
    "UTF-16": (REFUSED, lambda: pem(csr()).encode("utf-16")),
    "empty": (REFUSED, lambda: b""),
    "a shell": (REFUSED, lambda: b"#!/bin/sh\ntouch /tmp/x\n"),
    "XML": (REFUSED, lambda: b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'),
    "a private key beside": (
        KEY_BESIDE,
        lambda: armour(request()) + b"-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----",
    ),
}
EVIL = {
    "keys": KEYS,
    "signatures": SIGNATURES,
    "subjects": SUBJECTS,
    "names": NAMES,
    "structures": STRUCTURES,
}
GENEROUS: dict[str, Made] = {
    "no names in the list": lambda: _sans(),
    "no extensions in the list": lambda: request(wanted()),
    "unknown critical extension": lambda: request(
        wanted(ONE, extension("1.3.6.1.4.1.99999.7", NULL, critical=_TRUE))
    ),
    "any use": lambda: request(wanted(ONE, extension(EXTENDED, sequence(oid("2.5.29.37.0"))))),
    "certificate signing": lambda: request(wanted(ONE, extension(USAGE, tlv(0x03, b"\1\6")))),
    "a challenge password": lambda: request(
        sequence(oid(CHALLENGE), tlv(0x31, tlv(0x0C, b"secret"))), wanted(ONE)
    ),
    "other names": lambda: _sans(
        dns("a.example"),
        tlv(0xA0, oid(_USER_PRINCIPAL), tlv(0xA0, tlv(0x0C, b"root@corp.example"))),
        tlv(0xA4, name(value(O, MASTERS))),
        tlv(0x88, oid("1.2.3.4")[2:]),
    ),
    "constraints of its own": lambda: request(
        wanted(ONE, extension(NAME_CONSTRAINTS, sequence(tlv(0xA0, sequence(dns("example"))))))
    ),
}
