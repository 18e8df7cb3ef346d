"""The audit page: everybody with a role reads it, nobody changes it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from aggportal.accounts.models import User
from aggportal.ledger.checkpointing import make_checkpoint
from aggportal.ledger.keys import ledger_key
from aggportal.ledger.models import Anchor, Entry, Head
from aggportal.ledger.services import record
from aggportal.web.actors import Actor
from aggportal.web.told import tell
from aggportal.words import Sentence
from tests.ledger.written import rewrite_from

SignIn = Callable[[User], Client]
ANA = Actor(id=1, name="ana", address="192.0.2.7")


@pytest.fixture
def entries(db: None) -> None:
    for number in range(60):
        record("certificate.issued", actor=ANA, subject=("certificate", number, f"api-{number}"))


def test_an_auditor_reads_sentences(auditor: User, client_of: SignIn, entries: None) -> None:
    page = client_of(auditor).get("/audit/").content.decode()
    assert "issued the certificate" in page
    assert "api-59" in page
    assert "The chain holds." in page


def test_the_actions_to_filter_by_are_offered(auditor: User, client_of: SignIn) -> None:
    page = client_of(auditor).get("/audit/").content.decode()
    assert 'list="actions"' in page
    assert '<option value="certificate.key_taken">took the private key of</option>' in page


def test_the_pages_join_without_gap_or_repeat(
    auditor: User, client_of: SignIn, entries: None
) -> None:
    client = client_of(auditor)
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
    auditor: User, client_of: SignIn, entries: None, filters: dict[str, str], found: int
) -> None:
    csv = (
        client_of(auditor).get("/audit/export.csv", {"actor": "ana", **filters}).getvalue().decode()
    )
    assert csv.count("\n") - 1 == found


@pytest.mark.parametrize(
    "query", ["before=x", "after=99999999999999999999", "since=gestern", "outcome=evil"]
)
def test_a_mistyped_address_is_no_fault(auditor: User, client_of: SignIn, query: str) -> None:
    assert client_of(auditor).get(f"/audit/?{query}").status_code == 200


def test_a_mistyped_filter_takes_no_other_with_it(
    auditor: User, client_of: SignIn, entries: None
) -> None:
    filters = {"since": "gestern", "text": "api-7"}
    csv = client_of(auditor).get("/audit/export.csv", filters).getvalue().decode()
    assert csv.count("\n") - 1 == 1


def test_one_entry_shows_what_was_hashed(auditor: User, client_of: SignIn, entries: None) -> None:
    page = client_of(auditor).get("/audit/7/").content.decode()
    assert Entry.objects.get(seq=7).digest in page


def test_a_stranger_reads_nothing(stranger: User, client_of: SignIn, entries: None) -> None:
    client = client_of(stranger)
    assert [
        client.get(path).status_code for path in ("/audit/", "/audit/1/", "/audit/export.csv")
    ] == [403] * 3


def test_a_broken_chain_is_shouted(auditor: User, client_of: SignIn, entries: None) -> None:
    Entry.objects.filter(seq=40).update(canonical="{}")
    assert "The chain is broken at entry 40" in client_of(auditor).get("/audit/").content.decode()


def test_the_page_says_how_far_the_ledger_is_known_outside(
    auditor: User, client_of: SignIn, entries: None
) -> None:
    visitor = client_of(auditor)
    assert "Nobody outside the database knows" in visitor.get("/audit/").content.decode()
    checkpoint = make_checkpoint(now=timezone.now(), at_once=True)
    assert checkpoint is not None
    Anchor.objects.create(name="one", size=checkpoint.size, at=timezone.now())
    trouble = tell(Sentence(text="It is <b>closed</b>.", params={}))
    Anchor.objects.create(name="two", tried_at=timezone.now(), trouble=trouble)
    page = visitor.get("/audit/").content.decode()
    assert f"knows {checkpoint.size} entries" in page
    assert "It is &lt;b&gt;closed&lt;/b&gt;." in page
    assert "Nobody outside" not in page
    assert ledger_key().verifier in page


def test_what_proves_the_ledger_is_downloaded_whole(
    auditor: User, client_of: SignIn, entries: None, tmp_path: Path
) -> None:
    visitor = client_of(auditor)
    assert visitor.get("/audit/checkpoint/").status_code == 404
    make_checkpoint(now=timezone.now(), at_once=True)
    (tmp_path / "offline.py").write_bytes(visitor.get("/audit/offline.py").content)
    export = b"".join(visitor.get("/audit/export.jsonl"))
    (tmp_path / "export.jsonl").write_bytes(export)
    (tmp_path / "checkpoints").write_bytes(visitor.get("/audit/checkpoint/").content)
    key = ["--key", ledger_key().verifier, "--against", "checkpoints"]
    command = [sys.executable, "-I", "offline.py", "export.jsonl", *key]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.startswith("The ledger holds")) == (0, True)


@pytest.mark.parametrize("path", ["export.jsonl", "checkpoint/", "offline.py"])
def test_a_stranger_gets_none_of_it(stranger: User, client_of: SignIn, path: str) -> None:
    assert client_of(stranger).get(f"/audit/{path}").status_code == 403


def test_the_page_opens_without_the_ledgers_key(
    auditor: User, client_of: SignIn, entries: None, settings, tmp_path: Path
) -> None:
    visitor = client_of(auditor)
    settings.LEDGER_KEY, settings.LEDGER_KEY_FILE = "", tmp_path / "none"
    assert "key is not at hand" in visitor.get("/audit/").content.decode()


def test_entries_without_a_mac_are_warned_of(
    auditor: User, client_of: SignIn, entries: None
) -> None:
    visitor = client_of(auditor)
    assert "have no MAC" not in visitor.get("/audit/").content.decode()
    rewrite_from(1, mac="")
    Head.objects.update(keyed_from=None, keyed_mark="")
    assert "No entry has a MAC" in visitor.get("/audit/").content.decode()
    record("certificate.issued", actor=ANA, subject=("certificate", 1, "one"))
    seq = Head.objects.get().size
    assert f"Entries before {seq} have no MAC" in visitor.get("/audit/").content.decode()
