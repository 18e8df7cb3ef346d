"""A small reader of DER (X.690): enough to tell what a file is, to count what deriving its key
would cost, and to show it as text. It decides nothing about trust; `cryptography` does.

BER's indefinite lengths are understood too, since PKCS#7 and PKCS#12 files of some programs have
them. Depth and number of values are capped, so that no file costs more than its
size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aggportal.pki.errors import PkiError
from aggportal.words import gettext_noop as _n

MAX_DEPTH = 40
MAX_NODES = 50_000

INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x02, 0x03, 0x04, 0x05, 0x06
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
SEQUENCE, SET = 0x30, 0x31
_SPLIT_OCTETS = 0x24  # an octet string in parts, BER only


class InvalidDer(PkiError):
    """The bytes are not DER, or more of it than we walk."""

    code = "invalid-der"


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One value: `tag` is its identifier octet (high tag numbers keep their first one only),
    `body` its content octets, `children` its parts when it is constructed.
    """

    tag: int
    body: bytes
    children: tuple[Node, ...] = ()

    @property
    def is_constructed(self) -> bool:
        return bool(self.tag & 0x20)

    @property
    def tags(self) -> tuple[int, ...]:
        """The tags of the children: the shape by which a file is told."""
        return tuple(child.tag for child in self.children)


class _Budget:
    """How many values may still be read."""

    def __init__(self) -> None:
        self.left = MAX_NODES

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise InvalidDer(_n("The structure has more parts than are looked at."))


def read_der(data: bytes) -> Node:
    """Read exactly one value with everything in it. Raises `InvalidDer`."""
    node, end = _read(data, 0, depth=0, budget=_Budget())
    if end != len(data):
        raise InvalidDer(_n("There are bytes after the end of the structure."))
    return node


def _read(data: bytes, start: int, *, depth: int, budget: _Budget) -> tuple[Node, int]:
    budget.spend()
    if depth > MAX_DEPTH:
        raise InvalidDer(_n("The structure is nested deeper than is looked at."))
    tag, at = _tag(data, start)
    if tag & 0x20 and _octet(data, at) == 0x80:
        return _read_unmeasured(data, at + 1, tag=tag, depth=depth, budget=budget)
    length, at = _length(data, at)
    end = at + length
    if end > len(data):
        raise InvalidDer(_n("The structure is cut off: it says that it is longer than it is."))
    body = data[at:end]
    children: list[Node] = []
    inner = 0
    while tag & 0x20 and inner < len(body):
        child, inner = _read(body, inner, depth=depth + 1, budget=budget)
        children.append(child)
    return Node(tag=tag, body=body, children=tuple(children)), end


def _read_unmeasured(
    data: bytes, at: int, *, tag: int, depth: int, budget: _Budget
) -> tuple[Node, int]:
    """Read the parts of a value of indefinite length up to its end mark (X.690 section 8.1.3.6)."""
    children: list[Node] = []
    start = at
    while data[at : at + 2] != b"\0\0":
        child, at = _read(data, at, depth=depth + 1, budget=budget)
        children.append(child)
    return Node(tag=tag, body=data[start:at], children=tuple(children)), at + 2


def _tag(data: bytes, at: int) -> tuple[int, int]:
    tag = _octet(data, at)
    at += 1
    if tag & 0x1F == 0x1F:
        while _octet(data, at) & 0x80:
            at += 1
        at += 1
    return tag, at


def _length(data: bytes, at: int) -> tuple[int, int]:
    first = _octet(data, at)
    if first < 0x80:
        return first, at + 1
    count = first & 0x7F
    if not 1 <= count <= 4:
        raise InvalidDer(_n("The structure has a length that cannot be."))
    digits = data[at + 1 : at + 1 + count]
    if len(digits) < count:
        raise InvalidDer(_n("The structure is cut off."))
    return int.from_bytes(digits), at + 1 + count


def _octet(data: bytes, at: int) -> int:
    if at >= len(data):
        raise InvalidDer(_n("The structure is cut off."))
    return data[at]


def dotted(body: bytes) -> str:
    """Return an object identifier's content octets in dotted form."""
    arcs: list[int] = []
    value = 0
    for octet in body[:64]:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(value)
            value = 0
    if not arcs:
        return ""
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def walk(node: Node, *, inside: bool = False, depth: int = 0) -> Iterator[Node]:
    """Yield `node` and everything below it; `inside` also opens octet strings that hold DER."""
    yield node
    below = node.children
    if inside and node.tag in (OCTET_STRING, _SPLIT_OCTETS) and depth < MAX_DEPTH:
        below = held(node)
    for child in below:
        yield from walk(child, inside=inside, depth=depth + 1)


def held(node: Node) -> tuple[Node, ...]:
    """Return the DER value that an octet or bit string wraps, or nothing."""
    body = node.body[1:] if node.tag == BIT_STRING and node.body[:1] == b"\0" else node.body
    if node.tag == _SPLIT_OCTETS:
        body = b"".join(part.body for part in node.children)
    if body[:1] not in (b"\x30", b"\x31", b"\x03", b"\x04", b"\x16"):
        return ()
    try:
        return (read_der(body),)
    except InvalidDer:
        return ()
