"""A token for tests: SoftHSM2, one for each test process, since a PKCS#11 module starts once."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

LABEL, PIN = "portal", "1234"
PLACES = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    *Path("/usr/lib").glob("*/softhsm/libsofthsm2.so"),
)


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The module of a new token `LABEL`."""
    module = next((path for path in PLACES if path.exists()), None)
    if module is None:
        pytest.skip("SoftHSM2 (Debian: softhsm2) is not installed")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    conf = folder / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(conf)
    made = ["softhsm2-util", "--init-token", "--free", "--label", LABEL]
    subprocess.run([*made, "--pin", PIN, "--so-pin", "5678"], check=True, capture_output=True)
    return module


@pytest.fixture
def token(softhsm: Path, settings: Any) -> Any:
    """A portal that may make authorities' keys in the token."""
    settings.PKCS11_MODULE, settings.PKCS11_TOKEN, settings.PKCS11_PIN = str(softhsm), LABEL, PIN
    return settings
