"""A DER structure as indented text, one value a line, in our own rendering: what stands in the file
when no words are put around it.
"""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.x509 import ObjectIdentifier

from aggportal.pki.asn1 import (
    BIT_STRING,
    GENERALIZED_TIME,
    INTEGER,
    NULL,
    OCTET_STRING,
    OID,
    SEQUENCE,
    SET,
    UTC_TIME,
    Node,
    dotted,
    held,
)

MAX_LINES = 2000
_BYTES_A_LINE = 32
_MAX_BYTES = 512
_TAGS = {
    0x01: "BOOLEAN",
    INTEGER: "INTEGER",
    BIT_STRING: "BIT STRING",
    OCTET_STRING: "OCTET STRING",
    NULL: "NULL",
    OID: "OBJECT IDENTIFIER",
    0x0A: "ENUMERATED",
    0x0C: "UTF8String",
    0x12: "NumericString",
    0x13: "PrintableString",
    0x14: "TeletexString",
    0x16: "IA5String",
    UTC_TIME: "UTCTime",
    GENERALIZED_TIME: "GeneralizedTime",
    0x1A: "VisibleString",
    0x1C: "UniversalString",
    0x1E: "BMPString",
    SEQUENCE: "SEQUENCE",
    SET: "SET",
}
_TEXTS = {0x0C: "utf-8", 0x14: "latin-1", 0x1C: "utf-32-be", 0x1E: "utf-16-be"}
_ASCII = {0x12, 0x13, 0x16, UTC_TIME, GENERALIZED_TIME, 0x1A}


def structure_text(root: Node) -> str:
    """Render `root`, at most `MAX_LINES` lines."""
    lines: list[str] = []
    for line in _lines(root, depth=0):
        if len(lines) == MAX_LINES:
            lines.append("…")
            break
        lines.append(line)
    return "\n".join(lines)


def oid_name(oid: str) -> str:
    """Return the name by which a dotted identifier is known, or empty."""
    name = ObjectIdentifier(oid)._name
    return "" if name == "Unknown OID" else name


def _lines(node: Node, *, depth: int) -> Iterator[str]:
    indent = "  " * min(depth, 30)
    wrapped = held(node) if node.tag in (OCTET_STRING, BIT_STRING) else ()
    if node.is_constructed or wrapped:
        what = _named(node.tag) + (" holds" if wrapped else "")
        yield f"{indent}{what}"
        for child in wrapped or node.children:
            yield from _lines(child, depth=depth + 1)
        return
    first, *rest = _value(node) or [""]
    yield f"{indent}{_named(node.tag)} {first}".rstrip()
    for line in rest:
        yield f"{indent}  {line}"


def _named(tag: int) -> str:
    if tag in _TAGS:
        return _TAGS[tag]
    kind = {0x40: "APPLICATION ", 0x80: "", 0xC0: "PRIVATE "}.get(tag & 0xC0, "UNIVERSAL ")
    return f"[{kind}{tag & 0x1F}]"


def _value(node: Node) -> list[str]:
    body = node.body
    if node.tag == OID:
        return [_identifier(body)]
    if node.tag == 0x01 and len(body) == 1:
        return ["TRUE" if body[0] else "FALSE"]
    if node.tag in (INTEGER, 0x0A) and len(body) <= 8:
        return [str(int.from_bytes(body, signed=True))]
    if node.tag in _ASCII or node.tag in _TEXTS:
        return [body[:_MAX_BYTES].decode(_TEXTS.get(node.tag, "ascii"), "backslashreplace")]
    if (node.tag & 0xC0) == 0x80 and len(body) > 3 and all(0x20 < octet < 0x7F for octet in body):
        return [body[:_MAX_BYTES].decode("ascii")]
    return list(_hex_lines(body))


def _identifier(body: bytes) -> str:
    oid = dotted(body)
    try:
        name = oid_name(oid)
    except ValueError:
        return body.hex()
    return f"{oid} ({name})" if name else oid


def _hex_lines(body: bytes) -> Iterator[str]:
    shown = body[:_MAX_BYTES]
    for start in range(0, len(shown), _BYTES_A_LINE):
        yield shown[start : start + _BYTES_A_LINE].hex(":")
    if len(body) > _MAX_BYTES:
        yield f"… ({len(body)} bytes)"
