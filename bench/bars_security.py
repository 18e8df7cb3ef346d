"""The bars that security stands on, B1 to B30: a table with counts, exit 1 where one fails.

Run: make bars-security [LONG=1] [ONLY="B16 B18"]. The short form is for CI: what the suites prove
anyway is only counted there. The long form runs everything, for hours where a bar wants it.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
import time
import traceback
from collections.abc import Iterator

from bench.bars import Bar, State, not_run
from bench.bars_pytest import TITLES, pytest_bars

MODULES = ("bench.bars_durability", "bench.bars_keys", "bench.bars_hostile")
REASONS = {"B29": "there is no JSON API to describe; pip-audit needs advisories from the network"}
# What a measurement may stumble over; it fails its bar and no other.
STUMBLES = (RuntimeError, OSError, ValueError, LookupError, AssertionError, TypeError)


def main() -> int:
    arguments = _arguments()
    only = set(arguments.only)
    failed, seen = 0, set()
    begun = time.monotonic()
    for bar in _measured(only, long=arguments.long):
        seen.add(bar.id)
        failed += bar.state is State.FAIL
        print(bar, flush=True)
    for id, what in TITLES.items():
        if id not in seen and (not only or id in only):
            print(not_run(id, what, REASONS.get(id, "nothing here measures it")))
    form = "long" if arguments.long else "short"
    took = time.monotonic() - begun
    print(f"{len(seen)} of {len(TITLES)} bars, {form} form, {failed} failed, {took:.0f} s")
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="measure all, however long it takes")
    parser.add_argument("only", nargs="*", metavar="ID", help="only these bars, as in B18")
    return parser.parse_args()


def _measured(only: set[str], *, long: bool) -> Iterator[Bar]:
    for name in MODULES:
        if importlib.util.find_spec(name) is None:
            continue
        try:
            module = importlib.import_module(name)
            for bar in module.bars(long=long):
                if not only or bar.id in only:
                    yield bar
        except STUMBLES as exc:
            traceback.print_exc()
            detail = f"{type(exc).__name__}: {exc}"
            yield Bar(id=name[-12:], what=name, count=0, state=State.FAIL, detail=detail[:300])
    yield from pytest_bars(only, long=long)


if __name__ == "__main__":
    sys.exit(main())
