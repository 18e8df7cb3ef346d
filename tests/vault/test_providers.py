"""The key-encryption key is taken only from where nobody else can read it."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from aggportal.vault.errors import NoKey
from aggportal.vault.keyfiles import make_key_file
from aggportal.vault.providers import key_from_file, key_from_text


def test_a_made_key_file_is_private_and_usable(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "kek"
    assert make_key_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(key_from_file(path).key) == 32


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "kek"
    make_key_file(path)
    before = path.read_bytes()
    assert not make_key_file(path)
    assert path.read_bytes() == before


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kek"
    make_key_file(path)
    path.chmod(0o640)
    with pytest.raises(NoKey, match="chmod 600"):
        key_from_file(path)


def test_a_missing_key_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoKey, match="no key in the file kek"):
        key_from_file(tmp_path / "kek")


@pytest.mark.parametrize(
    "text",
    ["", "not base64!", base64.b64encode(b"short").decode(), base64.b64encode(b"k" * 33).decode()],
)
def test_a_malformed_key_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(NoKey) as caught:
        key_from_text(text)
    assert not text or text not in str(caught.value)
