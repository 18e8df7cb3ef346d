"""An installation's keys for tests: a file of its own, or one under a passphrase."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings

from aggportal.vault.handing import make_first_key
from aggportal.vault.keyfiles import make_key_file

SAID = "correct horse battery staple"


def use_key_file(chosen: Any, folder: Path) -> Path:
    """Let the portal run with a new key in a file; return its path."""
    chosen.KEK, chosen.KEY_PROVIDER = "", "file"
    chosen.KEK_FILE = folder / "keys" / "kek"
    make_key_file(chosen.KEK_FILE)
    return folder / "keys" / "kek"


def use_passphrase(chosen: Any, folder: Path) -> None:
    """Let the portal run with a key under `SAID`, sealed."""
    chosen.KEK, chosen.KEY_PROVIDER = "", "passphrase"
    chosen.PASSPHRASE_FILE = folder / "keys" / "kek.json"
    chosen.RUNTIME_DIR = folder / "run"
    chosen.PASSPHRASE_MEMORY_MIB, chosen.PASSPHRASE_PASSES = 1, 1
    assert make_first_key(SAID)
    assert settings.KEY_PROVIDER == "passphrase"
