"""The bars of what is signed: serial numbers, the linter, other programs' opinions, lists."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from bench.bars import Bar, judged
from bench.bars_pytest import TITLES
from bench.installation import Installation

BITS = 159
# A fair bit strays so far (in standard deviations) once in two billion.
_STRAYS = 6.0


def signed_bars(made: Installation, *, long: bool) -> Iterator[Bar]:
    """Yield B12, B13, B26 over what is issued there."""
    certificates, lists = (1000, 100) if long else (15, 5)
    told = _looked_at(made, certificates, lists)
    count = certificates + lists
    yield judged("B12", TITLES["B12"], count=count, wrong=told["lint"])
    said = f"openssl verify and cryptography: {told['agreed']} of {certificates} taken by both"
    yield judged("B13", TITLES["B13"], count=certificates, wrong=told["verify"], told=said)
    said = f"slowest {told['slowest']:.2f} s; least share of a list's life left {told['share']:.2f}"
    yield judged("B26", TITLES["B26"], count=lists, wrong=told["served"], told=said)


def serials_bar(count: int) -> Bar:
    """Draw so many serial numbers and look at each bit."""
    from aggportal.pki.issuing import new_serial

    serials = [new_serial() for _ in range(count)]
    wrong = [] if len(set(serials)) == count else ["a serial came twice"]
    wrong += ["not positive in 20 bytes"] * any(not 0 < each < 1 << BITS for each in serials)
    strays = _STRAYS * math.sqrt(count) / 2
    ones = [sum(serial >> bit & 1 for serial in serials) for bit in range(BITS)]
    odd = [bit for bit, each in enumerate(ones) if abs(each - count / 2) > strays]
    wrong += [f"bit {bit} is not balanced" for bit in odd]
    return judged("B15", TITLES["B15"], count=count, wrong=wrong, told=f"{BITS} bits")


def _looked_at(made: Installation, certificates: int, lists: int) -> dict[str, Any]:
    process = made.module("bench.looking", str(certificates), str(lists))
    out, err = process.communicate()
    if process.returncode:
        raise RuntimeError(err[-1000:])
    found: dict[str, Any] = json.loads(out)
    return found
