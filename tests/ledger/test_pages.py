"""The audit page: everybody with a role reads it, nobody changes it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from aggportal.accounts.models import User
from aggportal.ledger.models import Entry
from aggportal.ledger.services import record
from aggportal.web.actors import Actor

SignIn = Callable[[User], Client]
ANA = Actor(id=1, name="ana", address="192.0.2.7")


@pytest.fixture
def entries(db: None) -> None:
    for number in range(60):
        record("certificate.issued", actor=ANA, subject=("certificate", number, f"api-{number}"))


def test_a_viewer_reads_sentences(viewer: User, client_of: SignIn, entries: None) -> None:
    page = client_of(viewer).get("/audit/").content.decode()
    assert "issued the certificate" in page
    assert "api-59" in page
    assert "The chain holds." in page


def test_the_actions_to_filter_by_are_offered(viewer: User, client_of: SignIn) -> None:
    page = client_of(viewer).get("/audit/").content.decode()
    assert 'list="actions"' in page
    assert '<option value="certificate.key_taken">took the private key of</option>' in page


def test_the_pages_join_without_gap_or_repeat(
    viewer: User, client_of: SignIn, entries: None
) -> None:
    client = client_of(viewer)
    first = client.get("/audit/").context["page"]
    second = client.get("/audit/", {"before": first.older}).context["page"]
    seqs = [entry.seq for entry in [*first.rows, *second.rows]]
    assert seqs == sorted(Entry.objects.values_list("seq", flat=True), reverse=True)
    back = client.get("/audit/", {"after": second.newer}).context["page"]
    assert [entry.seq for entry in back.rows] == [entry.seq for entry in first.rows]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"text": "api-7"}, 1),
        ({"actor": "nobody"}, 0),
        ({"action": "certificate"}, 60),
        ({"outcome": "refused"}, 0),
        ({"since": "2000-01-01", "until": "2000-01-02"}, 0),
    ],
)
def test_filters_narrow(
    viewer: User, client_of: SignIn, entries: None, filters: dict[str, str], found: int
) -> None:
    csv = (
        client_of(viewer).get("/audit/export.csv", {"actor": "ana", **filters}).getvalue().decode()
    )
    assert csv.count("\n") - 1 == found


@pytest.mark.parametrize(
    "query", ["before=x", "after=99999999999999999999", "since=gestern", "outcome=evil"]
)
def test_a_mistyped_address_is_no_fault(viewer: User, client_of: SignIn, query: str) -> None:
    assert client_of(viewer).get(f"/audit/?{query}").status_code == 200


def test_a_mistyped_filter_takes_no_other_with_it(
    viewer: User, client_of: SignIn, entries: None
) -> None:
    filters = {"since": "gestern", "text": "api-7"}
    csv = client_of(viewer).get("/audit/export.csv", filters).getvalue().decode()
    assert csv.count("\n") - 1 == 1


def test_one_entry_shows_what_was_hashed(viewer: User, client_of: SignIn, entries: None) -> None:
    page = client_of(viewer).get("/audit/7/").content.decode()
    assert Entry.objects.get(seq=7).digest in page


def test_a_stranger_reads_nothing(stranger: User, client_of: SignIn, entries: None) -> None:
    client = client_of(stranger)
    assert [
        client.get(path).status_code for path in ("/audit/", "/audit/1/", "/audit/export.csv")
    ] == [403] * 3


def test_a_broken_chain_is_shouted(viewer: User, client_of: SignIn, entries: None) -> None:
    Entry.objects.filter(seq=40).update(canonical="{}")
    assert "The chain is broken at entry 40" in client_of(viewer).get("/audit/").content.decode()
