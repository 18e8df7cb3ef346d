"""A process that holds keys leaves no dump of its memory, and nobody else reads it."""

from __future__ import annotations

import subprocess
import sys

import pytest

SAYS = (
    "import resource\n"
    "from aggportal.web.hardening import harden_process, is_hardened\n"
    "before = is_hardened()\n"
    "print(before, harden_process(), is_hardened(), resource.getrlimit(resource.RLIMIT_CORE))"
)
ENTRIES = {
    "aggportal/wsgi.py": "harden_process()",
    "aggportal/asgi.py": "harden_process()",
    "aggportal/clusters/management/commands/worker.py": "harden_process()",
}


@pytest.mark.skipif(sys.platform != "linux", reason="prctl(2) is Linux's")
def test_a_hardened_process_is_not_dumped() -> None:
    ran = subprocess.run([sys.executable, "-c", SAYS], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False True True (0, 0)"


@pytest.mark.parametrize("path", ENTRIES)
def test_web_and_worker_are_hardened_at_their_start(path: str) -> None:
    with open(path) as file:
        assert ENTRIES[path] in file.read()
