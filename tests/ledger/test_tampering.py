"""Six ways to change the ledger behind its back: each is found, some only against an anchor."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from aggportal.ledger.checkpointing import Broken, make_checkpoint
from aggportal.ledger.models import Checkpoint, Entry, Head
from aggportal.ledger.verifying import verify_chain
from aggportal.vault.errors import NoKey
from tests.ledger.written import rewrite_from, write

pytestmark = pytest.mark.django_db


def checkpoint() -> Checkpoint:
    made = make_checkpoint(now=timezone.now(), at_once=True)
    assert made is not None
    return made


def edit() -> None:
    Entry.objects.filter(seq=3).update(actor_name="eve")


def delete() -> None:
    Entry.objects.filter(seq=3).delete()


def reorder() -> None:
    first, second = Entry.objects.get(seq=3), Entry.objects.get(seq=4)
    for entry, other in ((first, second), (second, first)):
        Entry.objects.filter(seq=entry.seq).update(canonical=other.canonical, detail=other.detail)


def truncate() -> None:
    """The end and its checkpoint go, and the head follows: the chain that is left is whole."""
    Entry.objects.filter(seq__gt=8).delete()
    Checkpoint.objects.filter(size__gt=8).delete()
    left = Entry.objects.get(seq=8)
    Head.objects.update(size=8, digest=left.digest)


def rewrite() -> None:
    Entry.objects.filter(seq=3).update(actor_name="eve")
    rewrite_from(3)
    Checkpoint.objects.all().delete()


def roll_back() -> None:
    """An older copy of the database comes back, and other things are done in it."""
    truncate()
    write(3)


def verify(*arguments: str) -> str:
    out = StringIO()
    call_command("ledger_verify", *arguments, stdout=out)
    return out.getvalue()


def test_what_is_untouched_holds_and_says_what_it_fits(tmp_path: Path) -> None:
    write(10)
    (tmp_path / "anchored").write_text(checkpoint().note)
    told = verify("--against", str(tmp_path / "anchored"))
    assert told == (
        "The ledger holds: 10 entries, each fits the one before. It fits 1 anchored checkpoints.\n"
    )


@pytest.mark.parametrize("change", [edit, delete, reorder, truncate, rewrite, roll_back])
def test_each_of_six_changes_is_found_against_an_anchor(
    change: Callable[[], None], tmp_path: Path
) -> None:
    write(10)
    (tmp_path / "anchored").write_text(checkpoint().note)
    change()
    with pytest.raises(CommandError, match="does not hold") as caught:
        verify("--against", str(tmp_path / "anchored"))
    assert caught.value.returncode == 1


@pytest.mark.parametrize("change", [edit, delete, reorder, rewrite])
def test_four_of_them_are_found_without_one(change: Callable[[], None]) -> None:
    write(10)
    change()
    assert verify_chain().broken_at == 3


def test_a_forger_who_takes_the_macs_away_is_found() -> None:
    write(5)
    edit()
    rewrite_from(1, mac="")
    assert verify_chain().broken_at == 1
    Head.objects.update(keyed_from=6, keyed_mark="")
    assert verify_chain().broken_at is not None


def test_a_ledger_without_any_mac_does_not_pass() -> None:
    write(5)
    rewrite_from(1, mac="")
    Head.objects.update(keyed_from=None, keyed_mark="")
    with pytest.raises(CommandError, match="no entry has a MAC"):
        verify()


def test_entries_from_before_the_key_are_told_of() -> None:
    write(3)
    rewrite_from(1, mac="")
    Head.objects.update(keyed_from=None, keyed_mark="")
    write(2)
    assert "Entries before 4 are older than the ledger's key" in verify()


def test_nothing_is_signed_beyond_a_broken_entry() -> None:
    write(5)
    edit()
    with pytest.raises(Broken, match="entry 3"):
        checkpoint()
    assert not Checkpoint.objects.exists()


def test_without_the_key_nothing_is_recorded_and_nothing_told(settings, tmp_path: Path) -> None:
    write(2)
    settings.LEDGER_KEY, settings.LEDGER_KEY_FILE = "", tmp_path / "none"
    with pytest.raises(NoKey, match="no key in the file none"), transaction.atomic():
        write(1)
    assert Entry.objects.count() == 2
    state = verify_chain()
    assert (state.broken_at, state.authenticated) == (None, False)
    with pytest.raises(CommandError, match="cannot be told") as caught:
        verify()
    assert caught.value.returncode == 2


def test_a_file_that_holds_no_checkpoints_cannot_be_told(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("hello")
    with pytest.raises(CommandError, match="cannot be told") as caught:
        verify("--against", str(tmp_path / "other"))
    assert caught.value.returncode == 2
