#!/usr/bin/env python3
"""Check an export of AggPortal's ledger with nothing but Python's standard library.

    python3 offline.py EXPORT.jsonl [--key KEY] [--against CHECKPOINTS]

EXPORT is what `manage.py ledger_export` or the audit page gives: a JSON object a line with `seq`,
`canonical` (the exact text that was hashed), `previous`, `digest`; the newest checkpoint last.
KEY is what `manage.py ledger_key` prints; keep it where the portal's administrators cannot write.
CHECKPOINTS is a file of anchored checkpoints (signed notes, an empty line between them).

Exit status: 0 all fits, 1 something was changed, 2 it cannot be told.

The portal itself computes with the functions of this file. The tree is RFC 6962's (leaf prefix
0x00, node prefix 0x01), a checkpoint is a note as golang.org/x/mod/sumdb/note and C2SP's
tlog-checkpoint write it, its signature Ed25519 (RFC 8032).
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

START = "0" * 64


def digest_of(canonical: str, *, previous: str) -> str:
    """Return SHA-256(0x00 ‖ previous digest ‖ canonical bytes) in hex."""
    return hashlib.sha256(b"\x00" + bytes.fromhex(previous) + canonical.encode("ascii")).hexdigest()


class Tree:
    """A Merkle tree that only grows: the roots of its whole subtrees, largest first (RFC 6962
    section 2.1). `size` is the number of leaves.
    """

    def __init__(self, size: int = 0, subtrees: Iterable[str] = ()) -> None:
        self.size = size
        self._subtrees = [bytes.fromhex(each) for each in subtrees]

    @property
    def subtrees(self) -> list[str]:
        """What is needed to go on later, in hex."""
        return [each.hex() for each in self._subtrees]

    def append(self, leaf: bytes) -> None:
        """Add an entry's bytes."""
        self._subtrees.append(hashlib.sha256(b"\x00" + leaf).digest())
        whole = self.size
        while whole & 1:
            right, left = self._subtrees.pop(), self._subtrees.pop()
            self._subtrees.append(hashlib.sha256(b"\x01" + left + right).digest())
            whole >>= 1
        self.size += 1

    def root(self) -> bytes:
        """Return the tree's head; of no leaves the hash of nothing."""
        if not self._subtrees:
            return hashlib.sha256(b"").digest()
        root = self._subtrees[-1]
        for left in reversed(self._subtrees[:-1]):
            root = hashlib.sha256(b"\x01" + left + root).digest()
        return root


class BadNote(ValueError):
    """This is no signed checkpoint."""


class Note:
    """A signed checkpoint: `origin`, `size` in entries, `root` (32 bytes), and its signatures."""

    def __init__(self, text: str) -> None:
        body, found, tail = text.rstrip("\n").rpartition("\n\n")
        lines = body.split("\n")
        if not found or len(lines) < 3 or not lines[1].isdecimal():
            raise BadNote("this is no checkpoint: origin, size, root, an empty line, a signature")
        self.body = f"{body}\n"
        self.origin, self.size = lines[0], int(lines[1])
        self.root = _decoded(lines[2])
        self.signatures = [_signature(line) for line in tail.split("\n")]

    def is_signed_by(self, key: Key) -> bool:
        """Whether one of its signatures is of `key`."""
        return any(
            name == key.name
            and blob[:4] == key.hash
            and verify_ed25519(key.public, self.body.encode(), blob[4:])
            for name, blob in self.signatures
        )


class Key:
    """A verifier key as `NAME+HASH+BASE64`, the form that sumdb/note uses."""

    def __init__(self, text: str) -> None:
        name, _, rest = text.strip().partition("+")
        short, _, blob = rest.partition("+")
        material = _decoded(blob)
        if len(material) != 33 or material[0] != 1:
            raise BadNote("this is no Ed25519 key: NAME+HASH+BASE64")
        self.name, self.public = name, material[1:]
        self.hash = key_hash(name, self.public)
        if self.hash.hex() != short:
            raise BadNote("the key does not have the hash that it names")


def key_hash(name: str, public: bytes) -> bytes:
    """Return the four bytes that name an Ed25519 key in a signature."""
    return hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]


def notes_in(text: str) -> list[Note]:
    """Take a file of notes apart; each ends with its signature lines and an empty line."""
    notes, body = [], ""
    for part in text.strip("\n").split("\n\n"):
        if body and part.startswith("\u2014 "):
            notes.append(Note(f"{body}\n\n{part}\n"))
            body = ""
        elif body:
            raise BadNote("a checkpoint lacks its signature")
        else:
            body = part.strip("\n")
    if body:
        raise BadNote("a checkpoint lacks its signature")
    return notes


def _signature(line: str) -> tuple[str, bytes]:
    dash, _, rest = line.partition(" ")
    name, _, blob = rest.partition(" ")
    if dash != "\u2014" or not name or not blob:
        raise BadNote("a signature line is not as it should be")
    return name, _decoded(blob)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise BadNote("this is no base64") from exc


# Ed25519 (RFC 8032 section 5.1), to verify only: nothing secret passes here.
_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_I = pow(2, (_P - 1) // 4, _P)
_Point = tuple[int, int, int, int]


def _add(p: _Point, q: _Point) -> _Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % _P, (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = 2 * p[3] * q[3] * _D % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(number: int, point: _Point) -> _Point:
    found: _Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            found = _add(found, point)
        point, number = _add(point, point), number >> 1
    return found


def _point(blob: bytes) -> _Point | None:
    y = int.from_bytes(blob, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _I % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


_BASE = _point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))


def verify_ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether `signature` (64 bytes) over `message` is of the key `public` (32 bytes)."""
    if len(public) != 32 or len(signature) != 64 or _BASE is None:
        return False
    key, nonce = _point(public), _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or nonce is None or scalar >= _L:
        return False
    hashed = hashlib.sha512(signature[:32] + public + message).digest()
    left = _times(scalar, _BASE)
    right = _add(nonce, _times(int.from_bytes(hashed, "little") % _L, key))
    return not (
        (left[0] * right[2] - right[0] * left[2]) % _P
        or (left[1] * right[2] - right[1] * left[2]) % _P
    )


# The file by itself


class Broken(Exception):
    """Something was changed, moved or removed."""


class Unreadable(Exception):
    """What was given does not suffice to tell."""


def check(
    lines: Iterable[str], *, key: Key | None = None, anchored: Sequence[Note] = ()
) -> tuple[int, int]:
    """Check an export. Returns how many entries it has and how many checkpoints they fit.

    Raises Broken, Unreadable, BadNote.
    """
    tree, previous = Tree(), START
    roots: dict[int, bytes] = {}
    wanted = {note.size for note in anchored}
    own: list[Note] = []
    for document in _documents(lines):
        if "checkpoint" in document:
            own.append(Note(str(document["checkpoint"])))
            roots.setdefault(tree.size, tree.root())
            continue
        previous = _follow(document, after=tree.size, previous=previous)
        tree.append(str(document["canonical"]).encode("ascii"))
        if tree.size in wanted:
            roots[tree.size] = tree.root()
    for note in [*anchored, *own]:
        if key is not None and not note.is_signed_by(key):
            raise Broken(f"the checkpoint of {note.size} entries is not signed by this key")
        if note.size > tree.size:
            raise Broken(f"entries {tree.size + 1} to {note.size} were anchored and are missing")
        if note.size and roots.get(note.size) != note.root:
            raise Broken(f"the first {note.size} entries are not those that were anchored")
    return tree.size, len({note.size for note in [*anchored, *own]})


def _documents(lines: Iterable[str]) -> Iterator[Mapping[str, object]]:
    for number, line in enumerate(lines, start=1):
        try:
            document = json.loads(line)
        except ValueError as exc:
            raise Unreadable(f"line {number} is no JSON") from exc
        if not isinstance(document, dict):
            raise Unreadable(f"line {number} is no JSON object")
        yield document


def _follow(document: Mapping[str, object], *, after: int, previous: str) -> str:
    seq, text = document.get("seq"), document.get("canonical")
    if after == 0 and seq != 1:
        raise Unreadable("the export does not begin with entry 1; export the whole ledger")
    if seq != after + 1:
        raise Broken(f"entry {after + 1} is missing or moved")
    if not isinstance(text, str) or not text.isascii() or not text.endswith(f'"seq":{seq}}}'):
        raise Broken(f"entry {seq} was changed")
    digest = digest_of(text, previous=previous)
    if document.get("previous") != previous or document.get("digest") != digest:
        raise Broken(f"entry {seq} was changed")
    return digest


def main(arguments: list[str] | None = None) -> int:
    """Say in one line what was found."""
    parser = argparse.ArgumentParser(description="Check an export of AggPortal's ledger.")
    parser.add_argument("export", type=Path)
    parser.add_argument("--key", help="what `manage.py ledger_key` prints")
    parser.add_argument("--against", type=Path, help="a file of anchored checkpoints")
    given = parser.parse_args(arguments)
    try:
        key = Key(given.key) if given.key else None
        anchored = notes_in(given.against.read_text("utf-8")) if given.against else []
        with given.export.open(encoding="utf-8") as lines:
            entries, checkpoints = check(lines, key=key, anchored=anchored)
    except Broken as exc:
        sys.stdout.write(f"The ledger does not hold: {exc}.\n")
        return 1
    except (Unreadable, BadNote, OSError, UnicodeDecodeError) as exc:
        sys.stdout.write(f"This cannot be told: {exc}.\n")
        return 2
    unsigned = "" if key else "; without --key nobody knows who signed them"
    sys.stdout.write(
        f"The ledger holds: {entries} entries, each fits the one before; "
        f"they fit {checkpoints} checkpoints{unsigned}.\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
