"""What `check --deploy` says of keys: each fault is found, and a right installation passes."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.checks import CheckMessage

from aggportal.vault import checks
from aggportal.vault.keyfiles import make_key_file


@pytest.fixture
def keys(settings, tmp_path: Path) -> Path:
    """Three key files as they should be; the database is elsewhere and on no disk yet."""
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    settings.KEK = settings.LEDGER_KEY = ""
    settings.KEYS_DIR, settings.DATABASE_DIR = folder, tmp_path / "database"
    settings.KEK_FILE, settings.LEDGER_KEY_FILE = folder / "kek", folder / "ledger"
    for name in ("kek", "ledger", "secret_key"):
        make_key_file(folder / name)
    return folder


def found() -> list[CheckMessage]:
    return [
        *checks.key_files_are_ours_alone(),
        *checks.the_keys_are_apart_from_the_database(),
        *checks.keys_are_not_in_the_environment(),
    ]


def test_a_right_installation_passes(keys: Path) -> None:
    assert found() == []


@pytest.mark.parametrize("name", ["kek", "ledger", "secret_key"])
def test_a_key_file_that_others_read_is_an_error(keys: Path, name: str) -> None:
    (keys / name).chmod(0o640)
    [message] = found()
    assert (message.id, message.hint) == ("vault.E001", f"chmod 600 {keys / name}")


def test_a_folder_of_keys_that_others_list_is_told_of(keys: Path) -> None:
    keys.chmod(0o755)
    assert {message.id for message in found()} == {"vault.W001"}


def test_a_key_beside_the_database_is_an_error(settings, keys: Path) -> None:
    settings.DATABASE_DIR = keys.parent
    assert [message.id for message in found()] == ["vault.E002", "vault.E002"]


def test_a_key_on_the_database_s_disk_is_told_of(settings, keys: Path) -> None:
    settings.DATABASE_DIR.mkdir()
    assert [message.id for message in found()] == ["vault.W002", "vault.W002"]


def test_keys_in_the_environment_are_told_of_without_showing_them(settings, keys: Path) -> None:
    settings.KEK = "c2VjcmV0"
    [message] = found()
    assert message.id == "vault.W003"
    assert "c2VjcmV0" not in str(message)
