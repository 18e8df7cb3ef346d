"""A whole certdb of cfssl's comes in: its real one, crafted ones, broken ones."""

from __future__ import annotations

import contextlib
import json
import random
import resource
import sqlite3
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from aggportal.certs.models import Authority, Certificate, RevocationList
from aggportal.certs.services.importing_certdb import import_certdb
from aggportal.ledger.models import Entry, Outcome
from aggportal.pki.certdb import CertdbRow, NotACertdb, UnreadRow, read_certdb, reason_of
from tests.certs.brought import CERTDB, bring_folder, import_as_shown, recipe_folder, run
from tests.certs.makers import ANA, make_authority, make_certificate
from tests.pki.certificates_made import authority, make

pytestmark = pytest.mark.django_db
# cfssl's certdb/sqlite/migrations/001_CreateCertificates.sql
SCHEMA = """
CREATE TABLE certificates (
  serial_number blob NOT NULL, authority_key_identifier blob NOT NULL, ca_label blob,
  status blob NOT NULL, reason int, expiry timestamp, revoked_at timestamp, pem blob NOT NULL,
  PRIMARY KEY(serial_number, authority_key_identifier));
CREATE TABLE ocsp_responses (
  serial_number blob NOT NULL, authority_key_identifier blob NOT NULL, body blob NOT NULL,
  expiry timestamp, PRIMARY KEY(serial_number, authority_key_identifier));
"""
INSERT = "INSERT INTO certificates VALUES (?, ?, '', ?, ?, '', ?, ?)"
GOOD = ("good", 0, "0001-01-01 00:00:00+00:00")


@pytest.fixture
def client(client_of, administrator) -> Client:
    return client_of(administrator)


def crafted(path: Path, *rows: tuple[Any, ...]) -> Path:
    """A certdb with rows of (made certificate, status, reason, revoked_at)."""
    with sqlite3.connect(path) as database:
        database.executescript(SCHEMA)
        for made, *state in rows:
            serial = str(int(made.facts.serial, 16))
            database.execute(INSERT, (serial, "", *(state or GOOD), made.facts.pem))
    return path


def send(client: Client, path: Path):
    return client.post(CERTDB, {"certdb": SimpleUploadedFile("certs.db", path.read_bytes())})


def counts(client: Client, answer) -> dict[str, object]:
    assert answer.status_code == 302, answer.text
    page = client.get(answer["Location"])
    assert page.status_code == 200
    return page.context["result"]


@pytest.mark.interop
def test_the_certdb_that_cfssl_wrote_comes_in_and_its_revocations_too(client, tmp_path):
    folder = recipe_folder(tmp_path)
    with sqlite3.connect(folder / "certs.db") as database:
        database.executescript(SCHEMA)
    (folder / "db.json").write_text(json.dumps({"driver": "sqlite3", "data_source": "certs.db"}))
    for _ in range(3):
        run(
            folder,
            *("cfssl", "gencert", "-ca=aggregator-ca.pem", "-ca-key=aggregator-ca-key.pem"),
            *("-config=ca-config.json", "-profile=aggregator", "-db-config=db.json"),
            "aggregator-csr.json",
        )
    # Debian's cfssl leaves the key identifier empty, by which its own `revoke` finds nothing.
    with sqlite3.connect(folder / "certs.db") as database:
        (serial,) = database.execute("SELECT serial_number FROM certificates").fetchone()
        change = "UPDATE certificates SET authority_key_identifier = 'ab' WHERE serial_number = ?"
        database.execute(change, (serial,))
    run(
        folder,
        *("cfssl", "revoke", "-db-config=db.json", "-serial", serial, "-aki=ab"),
        "-reason=superseded",
    )
    import_as_shown(
        client, bring_folder(client, folder, "aggregator-ca.pem", "aggregator-ca-key.pem")
    )
    result = counts(client, send(client, folder / "certs.db"))
    assert result["counts"] == {"imported": 3, "already": 0, "refused": 0}
    assert (result["under_ours"], result["revoked"]) == (3, 1)
    row = Certificate.objects.get(serial=f"{int(serial):040x}")
    assert row.authority == Authority.objects.get(slug="aggregator")
    assert row.revocation_reason == "superseded"
    assert row.revoked_at is not None
    assert row.revoked_at <= timezone.now()
    published = RevocationList.objects.get(authority=row.authority)
    revoked = x509.load_der_x509_crl(bytes(published.der))
    assert [entry.serial_number for entry in revoked] == [int(serial)]


def test_rows_of_others_are_watched_and_doubles_counted(client, tmp_path):
    ours = make_authority()
    issued = make_certificate(ours)
    root = authority()
    held = ("revoked", 6, "2026-11-23 04:00:00+00:00")
    path = crafted(
        tmp_path / "x.db",
        (make("one", by=root), *held),
        (make("two", by=root, hosts=("two.example",)),),
        (make("three", by=root), "revoked", "keyCompromise", "never"),
    )
    with sqlite3.connect(path) as database:
        known = ("revoked", 1, "2026-01-01 00:00:00+00:00", issued.material.pem)
        database.execute(INSERT, (str(int(issued.serial, 16)), "", *known))
    result = counts(client, send(client, path))
    assert result["counts"] == {"imported": 3, "already": 1, "refused": 0}
    assert (result["under_ours"], result["differs"]) == (0, 1)
    assert "Revoke it here too" in client.get(send(client, path)["Location"]).text
    issued.refresh_from_db()
    assert not issued.is_revoked
    reasons = dict(Certificate.objects.values_list("common_name", "revocation_reason"))
    assert (reasons["one"], reasons["two"], reasons["three"]) == (
        "certificateHold",
        "",
        "keyCompromise",
    )
    two = Certificate.objects.get(common_name="two")
    assert two.name_entries.filter(kind="dns", value="two.example").exists()
    assert two.issuer_text == "CN=aggregator-ca"


def test_rows_that_cannot_be_read_are_named_and_the_others_come_in(client, tmp_path):
    path = crafted(tmp_path / "x.db", (make("fine"),), (make("odd"), "lost", 0, ""))
    with sqlite3.connect(path) as database:
        wrong = make("wrong")
        database.execute(INSERT, ("4711", "", *GOOD, wrong.facts.pem))
        database.execute(INSERT, ("4712", "", *GOOD, "no certificate"))
        database.execute(INSERT, ("4713", "", *GOOD, "x" * 200_000))
        database.execute(INSERT, (b"\xff\xfe", b"\0", *GOOD, b"\xff" * 50))
    answer = send(client, path)
    result = counts(client, answer)
    assert result["counts"] == {"imported": 1, "already": 0, "refused": 5}
    text = client.get(answer["Location"]).text
    assert "not that of its certificate" in text
    assert "neither good nor revoked" in text


def test_the_ledger_has_the_run_with_its_counts_and_the_file_s_digest(client, tmp_path):
    counts(client, send(client, crafted(tmp_path / "x.db", (make("one"),))))
    intended, done = Entry.objects.filter(action="certdb.imported").order_by("seq")
    assert (intended.outcome, done.outcome) == (Outcome.INTENDED, Outcome.DONE)
    assert (done.detail["imported"], len(done.detail["sha256"])) == (1, 64)


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        ("CREATE TABLE other (x)", "no table “certificates”"),
        ("CREATE TABLE certificates (x)", "no table “certificates”"),
        (
            "CREATE VIEW certificates AS SELECT 1 serial_number, 'good' status, 0 reason, "
            "'' revoked_at, zeroblob(999999999) pem",
            "no table “certificates”",
        ),
        (
            "CREATE TABLE certificates (serial_number, status, reason, revoked_at, "
            "pem GENERATED ALWAYS AS (zeroblob(999999999)))",
            "no table “certificates”",
        ),
    ],
)
def test_another_schema_is_refused_in_words(client, tmp_path, statements, words):
    with sqlite3.connect(tmp_path / "x.db") as database:
        database.executescript(statements)
    answer = send(client, tmp_path / "x.db")
    assert answer.status_code == 422
    assert words in answer.context["form"].errors["certdb"][0]


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"hello", "not a SQLite file"), (b"", "is empty"), (b"SQLite format 3\0", "damaged")],
)
def test_what_is_no_certdb_is_refused(client, body, words):
    answer = client.post(CERTDB, {"certdb": SimpleUploadedFile("x", body)})
    assert answer.status_code == 422
    assert words in answer.text
    assert client.post(CERTDB, {}).status_code == 422


def test_damaged_files_give_words_or_rows_and_nothing_else(tmp_path):
    made = [(make(f"n{n}"),) for n in range(30)]
    whole = crafted(tmp_path / "x.db", *made).read_bytes()
    dice = random.Random(7)  # noqa: S311  # the same damage each time
    for turn in range(40):
        body = bytearray(whole)
        if turn % 2:
            body = body[: dice.randrange(len(body))]
        for _ in range(turn % 3 * 100):
            body[dice.randrange(len(body))] ^= 1 << dice.randrange(8)
        path = tmp_path / "broken.db"
        path.write_bytes(body)
        read: list[CertdbRow | UnreadRow] = []
        with contextlib.suppress(NotACertdb):
            read.extend(read_certdb(path))
        assert all(str(row.sentence) for row in read if isinstance(row, UnreadRow))


def test_what_was_read_before_the_file_breaks_off_stays(tmp_path):
    path = crafted(tmp_path / "x.db", *((make(f"n{n}"),) for n in range(60)))
    body = bytearray(path.read_bytes())
    with sqlite3.connect(path) as database:
        (size,) = database.execute("PRAGMA page_size").fetchone()
        sql = "SELECT pageno FROM dbstat WHERE name = 'certificates' AND pagetype = 'leaf'"
        try:
            last = database.execute(f"{sql} ORDER BY pageno DESC LIMIT 1").fetchone()[0]
        except sqlite3.OperationalError:
            last = len(body) // size
    body[(last - 1) * size : last * size] = b"\xff" * size
    path.write_bytes(body)
    result = import_certdb(path, by=ANA, now=timezone.now())
    assert result.broke_off is not None
    assert Certificate.objects.count() == result.imported > 0


def test_thousands_of_rows_come_in_in_seconds_and_little_memory(tmp_path):
    root = authority()
    made = [make(f"host-{n}", by=root, hosts=(f"host-{n}.example",)) for n in range(3000)]
    path = crafted(tmp_path / "x.db", *((one,) for one in made))
    del made
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = timezone.now()
    result = import_certdb(path, by=ANA, now=begun)
    assert (result.imported, Certificate.objects.count()) == (3000, 3000)
    assert (timezone.now() - begun).total_seconds() < 30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024  # KiB
    again = import_certdb(path, by=ANA, now=begun)
    assert (again.imported, again.already) == (0, 3000)


def test_the_command_reads_a_file_on_the_server(tmp_path):
    path = crafted(tmp_path / "x.db", (make("one"),), (make("two"), "lost", 0, ""))
    out, err = StringIO(), StringIO()
    call_command("import_certdb", str(path), stdout=out, stderr=err)
    assert "imported 1" in out.getvalue()
    assert "neither good nor revoked" in err.getvalue()
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_certdb", str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("0", "unspecified"),
        ("4", "superseded"),
        ("7", "unspecified"),
        ("10", "aACompromise"),
        ("cacompromise", "cACompromise"),
        ("99999", "unspecified"),
        ("", "unspecified"),
    ],
)
def test_reasons_are_read_as_numbers_and_names(text, name):
    assert reason_of(text) == name


def test_only_administrators_bring_a_certdb(client_of, stranger, viewer, issuer, administrator):
    for person in (stranger, viewer, issuer):
        for method in ("get", "post"):
            assert getattr(client_of(person), method)(CERTDB).status_code == 403
    assert client_of(administrator).get(CERTDB).status_code == 200
    assert client_of(administrator).put(CERTDB).status_code == 405
    assert Client().get(CERTDB).status_code == 302
