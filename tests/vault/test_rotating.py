"""Rotating the key: from wherever the command was killed, it goes on and loses nothing."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from aggportal.certs.models import Certificate, SealedKey
from aggportal.certs.services.keys import open_key
from aggportal.clusters.models import ConnectionDraft, SealedConnection
from aggportal.ledger.models import Entry, Outcome
from aggportal.vault import handing, rotating
from aggportal.vault.configured import key_places, provider
from aggportal.vault.errors import NoKey
from aggportal.vault.models import SealedRecord
from aggportal.vault.passphrases import WrongPassphrase
from aggportal.vault.rotating import OldKeyInUse, rotate
from aggportal.web.actors import system_actor
from tests.certs.makers import make_authority, make_certificate
from tests.vault.installed import SAID, use_key_file, use_passphrase

pytestmark = pytest.mark.django_db
TEST = system_actor("test")


@pytest.fixture
def certificates(settings: Any, tmp_path: Path) -> list[Certificate]:
    """Two certificates under a key in a file."""
    use_key_file(settings, tmp_path)
    authority = make_authority()
    return [make_certificate(authority, name) for name in ("one", "two")]


def rotated(passphrase: str = "") -> None:
    rotate(by=TEST, grace=0, passphrase=passphrase, say=lambda told: None)


def require_all_new(old: str, certificates: list[Certificate]) -> None:
    """Everything opens, and nothing is under the key `old`, which is gone."""
    assert old not in provider().kek_ids
    assert not SealedKey.objects.filter(kek_id=old).exists()
    for certificate in certificates:
        row = SealedKey.objects.get(certificate=certificate)
        assert open_key(row, spki=certificate.spki_sha256)
    make_certificate(certificates[0].authority, "afterwards")  # type: ignore[arg-type]  # has one


def test_everything_is_put_under_a_new_key_and_the_old_one_goes(
    certificates: list[Certificate],
) -> None:
    old, ciphertexts = provider().kek_id, set(SealedKey.objects.values_list("ciphertext"))
    rotated()
    require_all_new(old, certificates)
    assert not key_places().next.exists()
    assert not key_places().previous.exists()
    assert key_places().present.stat().st_mode & 0o777 == 0o600
    assert ciphertexts < set(SealedKey.objects.values_list("ciphertext"))
    told = Entry.objects.filter(action="keys.rotated").order_by("seq")
    assert [entry.outcome for entry in told] == [Outcome.INTENDED, Outcome.DONE]
    assert told[1].object_id == provider().kek_id != old


def killed_before_a_row() -> None:
    handing.make_next_key()


def killed_between_rows() -> None:
    handing.make_next_key()
    row = SealedKey.objects.first()
    assert row is not None
    kek_id, wrapped = row.rewrapped(provider())
    SealedKey.objects.filter(pk=row.pk).update(kek_id=kek_id, wrapped_key=wrapped)


def killed_while_keys_change_places() -> None:
    killed_between_rows()
    os.link(key_places().present, key_places().previous)


def killed_before_the_old_key_is_dropped() -> None:
    killed_between_rows()
    handing.put_next_in_place()


@pytest.mark.parametrize(
    "killed",
    [
        killed_before_a_row,
        killed_between_rows,
        killed_while_keys_change_places,
        killed_before_the_old_key_is_dropped,
    ],
)
def test_a_killed_rotation_loses_nothing_and_is_gone_on_with(
    certificates: list[Certificate], killed: Any
) -> None:
    old = provider().kek_id
    killed()
    meanwhile = make_certificate(certificates[0].authority, "meanwhile")  # type: ignore[arg-type]
    rotated()
    require_all_new(old, [*certificates, meanwhile])


def test_what_was_sealed_late_under_the_old_key_is_found_before_it_goes(
    certificates: list[Certificate],
) -> None:
    old = provider()
    handing.make_next_key()
    handing.put_next_in_place()
    row = SealedKey.objects.first()
    assert row is not None
    assert row.kek_id == old.kek_id
    rotated()
    require_all_new(old.kek_id, certificates)


def test_a_row_that_does_not_open_keeps_the_old_key(certificates: list[Certificate]) -> None:
    old = provider().kek_id
    broken = SealedKey.objects.get(certificate=certificates[0])
    SealedKey.objects.filter(pk=broken.pk).update(wrapped_key=b"x" * 60)
    with pytest.raises(OldKeyInUse, match=str(broken.pk)):
        rotated()
    assert old in provider().kek_ids
    assert SealedKey.objects.filter(kek_id=old).count() == 1
    SealedKey.objects.filter(pk=broken.pk).update(wrapped_key=broken.wrapped_key)
    rotated()
    require_all_new(old, certificates)


def test_every_table_of_secrets_is_gone_through() -> None:
    found = rotating.sealed_models()
    assert {SealedKey, SealedConnection, ConnectionDraft} < set(found)
    pending = list(SealedRecord.__subclasses__())
    assert {model for model in pending if not model._meta.abstract} == set(found)


def test_a_key_under_a_passphrase_is_exchanged_with_it(settings: Any, tmp_path: Path) -> None:
    use_passphrase(settings, tmp_path)
    _told, opened = handing.open_keys(SAID)
    handing.hand_over(opened)
    certificate = make_certificate(make_authority())
    old = provider().kek_id
    rotated("another passphrase")
    require_all_new(old, [certificate])
    handing.seal_again()
    with pytest.raises(WrongPassphrase):
        handing.open_keys(SAID)
    told, opened = handing.open_keys("another passphrase")
    handing.hand_over(opened)
    assert provider().kek_ids == set(told.kek_ids)


def test_a_rotation_that_a_sealing_cut_off_goes_on_after_both_passphrases(
    settings: Any, tmp_path: Path
) -> None:
    use_passphrase(settings, tmp_path)
    handing.hand_over(handing.open_keys(SAID)[1])
    certificate, old = make_certificate(make_authority()), provider().kek_id
    handing.make_next_key("another passphrase")
    handing.seal_again()
    told, opened = handing.open_keys(SAID)
    handing.hand_over(opened)
    assert told.still_sealed == ("kek.json.next",)
    with pytest.raises(NoKey, match="sealed still"):
        rotated()
    handing.hand_over(handing.open_keys("another passphrase")[1])
    rotated()
    require_all_new(old, [certificate])


def test_a_key_from_the_environment_is_not_exchanged(settings: Any) -> None:
    assert settings.KEK
    with pytest.raises(CommandError, match="AGGPORTAL_KEK_FILE"):
        call_command("rotate_kek")


def test_the_status_counts_by_table_and_key(certificates: list[Certificate]) -> None:
    out = io.StringIO()
    call_command("rotate_kek", "--status", stdout=out)
    assert f"certs.SealedKey {provider().kek_id} 3" in out.getvalue()
    assert "under other keys: 0" in out.getvalue()
    call_command("rotate_kek", "--grace", "0", stdout=out)
    assert "the old key is dropped" in out.getvalue()
