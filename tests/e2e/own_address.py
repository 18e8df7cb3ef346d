"""An address of the tests' own outside loopback: Kubernetes refuses Endpoints on loopback.

It is of a range for documentation (RFC 5737) and stands on a veth pair of this machine, so that
nothing sent to it leaves the machine.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

# Suites that run side by side have one each.
ADDRESS = f"198.51.100.{17 + os.getpid() % 200}"
_VETH = f"aggp{os.getpid()}"


@contextlib.contextmanager
def own_address() -> Iterator[str]:
    """Add the address meanwhile; skips, with the reason, where that is not allowed."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("adding a network address needs root and Debian's iproute2")
    _remove()  # of a run that was killed
    _ip("link", "add", _VETH, "type", "veth", "peer", "name", f"{_VETH}p")
    try:
        _ip("address", "add", f"{ADDRESS}/32", "dev", _VETH)
        _ip("link", "set", _VETH, "up")
        yield ADDRESS
    finally:
        _remove()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _remove() -> None:
    subprocess.run(["ip", "link", "delete", _VETH], check=False, capture_output=True)
