"""When a checkpoint is made, and by whom of several."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from django.db import connection

from aggportal.ledger.checkpointing import ENTRIES, PATIENCE, make_checkpoint
from aggportal.ledger.keys import derive, ledger_key
from aggportal.ledger.models import Checkpoint
from aggportal.ledger.offline import Key, Note
from tests.ledger.written import write

NOW = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)


@pytest.mark.django_db
def test_one_is_made_of_the_first_entry_and_then_a_minute_later() -> None:
    assert make_checkpoint(now=NOW) is None
    write(1)
    first = make_checkpoint(now=NOW)
    assert first is not None
    assert first.size == 1
    write(1)
    assert make_checkpoint(now=NOW + PATIENCE / 2) is None
    second = make_checkpoint(now=NOW + PATIENCE)
    assert second is not None
    assert second.size == 2
    assert make_checkpoint(now=NOW + 5 * PATIENCE) is None


@pytest.mark.django_db
def test_many_entries_do_not_wait() -> None:
    write(1)
    make_checkpoint(now=NOW)
    write(ENTRIES)
    made = make_checkpoint(now=NOW + dt.timedelta(seconds=1))
    assert made is not None
    assert made.size == ENTRIES + 1


@pytest.mark.django_db
def test_a_checkpoint_grows_out_of_the_one_before() -> None:
    for count in (1, 2, 4, 6):
        write(count)
        make_checkpoint(now=NOW, at_once=True)
    grown = Checkpoint.objects.first()
    assert grown is not None
    Checkpoint.objects.all().delete()
    whole = make_checkpoint(now=NOW)
    assert whole is not None
    assert (grown.size, grown.root, grown.subtrees) == (13, whole.root, whole.subtrees)


@pytest.mark.django_db
def test_its_note_says_origin_size_root_and_time_and_is_signed() -> None:
    write(2)
    made = make_checkpoint(now=NOW)
    assert made is not None
    note = Note(made.note)
    assert (note.origin, note.size, note.root.hex()) == (ledger_key().origin, 2, made.root)
    assert "2026-05-01T12:00:00+00:00" in note.body
    assert note.is_signed_by(Key(ledger_key().verifier))
    assert not note.is_signed_by(Key(derive(bytes(32)).verifier))


def test_a_key_shows_nothing_of_itself() -> None:
    key = derive(bytes(range(32)))
    assert repr(key) == "LedgerKey()"
    assert key.mac_of("00" * 32) != derive(bytes(32)).mac_of("00" * 32)


@pytest.mark.django_db(transaction=True)
def test_of_several_who_make_one_at_once_one_does() -> None:
    write(5)
    made: list[object] = []

    def make() -> None:
        try:
            made.append(make_checkpoint(now=NOW))
        finally:
            connection.close()

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(made) == 4
    assert sum(each is not None for each in made) == 1
    assert Checkpoint.objects.count() == 1
