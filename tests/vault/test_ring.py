"""Processes follow the key's files: a rotation, a sealing and a wrong file are seen at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggportal.vault.envelope import seal, unseal
from aggportal.vault.errors import CannotOpen, NoKey
from aggportal.vault.keyfiles import make_key_file, require_apart
from aggportal.vault.providers import key_from_file
from aggportal.vault.ring import FollowedKeys, KeyPlaces
from aggportal.vault.runtime import is_in_memory, runtime_folder


@pytest.fixture
def places(tmp_path: Path) -> KeyPlaces:
    found = KeyPlaces(present=tmp_path / "kek")
    make_key_file(found.present)
    return found


def test_a_key_that_comes_beside_wraps_at_once_and_the_present_one_still_opens(
    places: KeyPlaces,
) -> None:
    keys = FollowedKeys()
    before = seal(b"secret", context="row", provider=keys.ring(places))
    make_key_file(places.next)
    ring = keys.ring(places)
    assert ring.kek_id == key_from_file(places.next).kek_id != before.kek_id
    assert unseal(before, context="row", provider=ring) == b"secret"
    after = seal(b"secret", context="row", provider=ring)
    assert unseal(after, context="row", provider=keys.ring(places)) == b"secret"


def test_a_key_that_was_replaced_opens_until_it_is_taken_away(places: KeyPlaces) -> None:
    keys = FollowedKeys()
    old = seal(b"secret", context="row", provider=keys.ring(places))
    places.present.rename(places.previous)
    make_key_file(places.present)
    assert unseal(old, context="row", provider=keys.ring(places)) == b"secret"
    places.previous.unlink()
    with pytest.raises(CannotOpen, match="sealed under the key"):
        unseal(old, context="row", provider=keys.ring(places))


def test_a_key_whose_file_went_is_forgotten(places: KeyPlaces) -> None:
    keys = FollowedKeys()
    keys.ring(places)
    places.present.unlink()
    with pytest.raises(NoKey):
        keys.ring(places)


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660, 0o644, 0o610])
def test_a_key_file_that_others_reach_is_refused(places: KeyPlaces, mode: int) -> None:
    places.present.chmod(mode)
    with pytest.raises(NoKey, match="chmod 600"):
        FollowedKeys().ring(places)


@pytest.mark.parametrize("mode", [0o400, 0o600])
def test_a_key_file_of_ours_alone_is_taken(places: KeyPlaces, mode: int) -> None:
    places.present.chmod(mode)
    assert FollowedKeys().ring(places).kek_ids


@pytest.mark.parametrize("text", ["", "c2hvcnQ=", "QUFB" * 11 + "QUE=", "not base64"])
def test_a_key_file_of_another_length_is_refused(places: KeyPlaces, text: str) -> None:
    places.present.write_text(text)
    with pytest.raises(NoKey):
        FollowedKeys().ring(places)


def test_a_key_beside_the_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "database").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "database")
    for path in (tmp_path / "database" / "kek", tmp_path / "link" / "kek"):
        with pytest.raises(NoKey, match="beside what it opens"):
            require_apart(path, trees=[tmp_path / "database"])
    require_apart(tmp_path / "keys" / "kek", trees=[tmp_path / "database"])


def test_the_runtime_folder_is_ours_alone(tmp_path: Path) -> None:
    folder = runtime_folder(tmp_path / "run")
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o750)
    with pytest.raises(NoKey, match="AGGPORTAL_RUNTIME_DIR"):
        runtime_folder(tmp_path / "run")


def test_a_runtime_folder_that_others_may_change_is_refused(tmp_path: Path) -> None:
    base = tmp_path / "run"
    base.mkdir()
    base.chmod(0o777)
    with pytest.raises(NoKey, match="AGGPORTAL_RUNTIME_DIR"):
        runtime_folder(base)


def test_memory_and_disk_are_told_apart() -> None:
    assert is_in_memory(Path("/dev/shm"))
    assert not is_in_memory(Path(__file__))
