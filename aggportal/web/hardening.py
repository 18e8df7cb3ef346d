"""What a process that may hold keys in memory does at its start: nobody else on the machine reads
its memory, and a crash writes it nowhere. Python itself cannot wipe what it held.
"""

from __future__ import annotations

import ctypes
import logging
import resource
import sys

log = logging.getLogger("aggportal.hardening")

# linux/prctl.h
_PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 3, 4


def harden_process() -> bool:
    """Switch off core dumps and, on Linux, reading by others (ptrace, /proc/PID/mem); tell whether
    all of it held.
    """
    _soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if hard != 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not sys.platform.startswith("linux"):
        return False
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        log.warning("The memory of this process can be read by others of the same user.")
        return False
    return is_hardened()


def is_hardened() -> bool:
    """Tell whether this process leaves no dump of its memory (Linux)."""
    no_cores = resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
    return no_cores and ctypes.CDLL(None).prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) == 0
