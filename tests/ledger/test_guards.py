"""The database itself refuses to change the ledger, on both engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from aggportal.ledger.apps import _ensure_guards
from aggportal.ledger.checkpointing import make_checkpoint
from aggportal.ledger.guards import drop_guards
from aggportal.ledger.models import Checkpoint, Entry, Head
from tests.ledger.written import write


@pytest.fixture(autouse=True)
def guarded(transactional_db: None) -> Iterator[None]:
    """Three entries and a checkpoint, and the triggers that `migrate` puts in place."""
    write(3)
    make_checkpoint(now=timezone.now(), at_once=True)
    _ensure_guards(using="default")
    yield
    drop_guards(connection)


CHANGES: dict[str, Callable[[], object]] = {
    "edit": lambda: Entry.objects.filter(seq=2).update(actor_name="eve"),
    "edit a MAC": lambda: Entry.objects.filter(seq=2).update(mac=""),
    "delete": lambda: Entry.objects.filter(seq=3).delete(),
    "delete by SQL": lambda: execute("DELETE FROM ledger_entry"),
    "edit a checkpoint": lambda: Checkpoint.objects.update(root="00"),
    "delete checkpoints": lambda: Checkpoint.objects.all().delete(),
    "delete the head": lambda: Head.objects.all().delete(),
    "take the head back": lambda: Head.objects.update(size=1),
    "let the head jump": lambda: Head.objects.update(size=9),
}


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_refused_in_words(change: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        CHANGES[change]()
    assert list(Entry.objects.order_by("seq").values_list("seq", flat=True)) == [1, 2, 3]


@pytest.mark.postgres
@pytest.mark.parametrize("table", ["ledger_entry", "ledger_checkpoint", "ledger_head"])
def test_postgresql_refuses_to_truncate(table: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        execute(f"TRUNCATE {table} CASCADE")


def test_what_is_appended_goes_through() -> None:
    write(2)
    assert make_checkpoint(now=timezone.now(), at_once=True) is not None
    assert Head.objects.get().size == 5


def test_they_are_put_in_place_again_without_harm() -> None:
    _ensure_guards(using="default")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        CHANGES["edit"]()
