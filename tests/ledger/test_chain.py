"""The ledger: every change of what was written is found."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from aggportal.ledger.export import csv_lines
from aggportal.ledger.models import Entry, Head
from aggportal.ledger.services import record
from aggportal.ledger.verifying import verify_chain
from aggportal.web.actors import Actor

pytestmark = pytest.mark.django_db

ANA = Actor(id=1, name="ana", address="192.0.2.7", request_id="r1")


def write(count: int) -> None:
    for number in range(count):
        record("certificate.issued", actor=ANA, subject=("certificate", number, f"c{number}"))


def test_an_untouched_chain_holds() -> None:
    write(5)
    state = verify_chain()
    assert (state.size, state.checked, state.broken_at) == (5, 5, None)


def test_an_empty_ledger_holds() -> None:
    assert verify_chain().broken_at is None


def test_an_edited_entry_is_found() -> None:
    write(5)
    entry = Entry.objects.get(seq=3)
    Entry.objects.filter(seq=3).update(canonical=entry.canonical.replace("ana", "eve"))
    assert verify_chain().broken_at == 3


@pytest.mark.parametrize(
    "change",
    [
        {"actor_name": "eve"},
        {"outcome": "refused"},
        {"object_label": "another"},
        {"address": "192.0.2.66"},
        {"detail": {"how": "file"}},
        {"canonical": "\u00e9"},
        {"at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)},
    ],
)
def test_an_edited_column_is_found_by_itself(change: dict[str, object]) -> None:
    write(5)
    Entry.objects.filter(seq=3).update(**change)
    assert verify_chain().broken_at == 3


def test_an_entry_beyond_the_head_is_found() -> None:
    write(3)
    head = Head.objects.get()
    write(1)
    Head.objects.update(size=head.size, digest=head.digest)
    assert verify_chain().broken_at == 4


def test_what_is_written_while_the_chain_is_checked_breaks_nothing() -> None:
    write(3)
    late = [1]

    def then_write(execute: Callable[..., object], sql: str, *rest: object) -> object:
        answer = execute(sql, *rest)
        if late and "ledger_head" in sql:
            write(late.pop())
        return answer

    with connection.execute_wrapper(then_write):
        assert verify_chain().broken_at is None
    assert Entry.objects.count() == 4


def test_a_removed_entry_is_found() -> None:
    write(5)
    Entry.objects.filter(seq=3).delete()
    assert verify_chain().broken_at == 3


def test_a_cut_off_end_is_found() -> None:
    write(5)
    Entry.objects.filter(seq=5).delete()
    assert verify_chain().broken_at == 5


def test_a_swapped_pair_is_found() -> None:
    write(3)
    first, second = Entry.objects.get(seq=1), Entry.objects.get(seq=2)
    Entry.objects.filter(seq=1).update(canonical=second.canonical)
    Entry.objects.filter(seq=2).update(canonical=first.canonical)
    assert verify_chain().broken_at == 1


def test_the_newest_part_can_be_checked_alone() -> None:
    write(10)
    state = verify_chain(last=4)
    assert (state.checked, state.broken_at) == (4, None)
    Entry.objects.filter(seq=9).update(canonical="{}")
    assert verify_chain(last=4).broken_at == 9


def write_and_fail() -> None:
    with transaction.atomic():
        write(1)
        raise ValueError("undone")


def test_a_deed_that_fails_leaves_no_record_and_no_gap() -> None:
    write(1)
    with pytest.raises(ValueError, match="undone"):
        write_and_fail()
    write(1)
    assert list(Entry.objects.order_by("seq").values_list("seq", flat=True)) == [1, 2]
    assert Head.objects.get().size == 2


def test_the_command_says_where_it_breaks() -> None:
    write(3)
    call_command("ledger_verify")
    Entry.objects.filter(seq=2).update(canonical="{}")
    with pytest.raises(CommandError, match="entry 2"):
        call_command("ledger_verify")


def test_a_spreadsheet_gets_no_formula() -> None:
    record("x", actor=ANA, subject=("certificate", 1, '=HYPERLINK("evil")'))
    rows = list(csv.DictReader(io.StringIO("".join(csv_lines(Entry.objects.all())))))
    assert rows[0]["object_label"].startswith("'=")
