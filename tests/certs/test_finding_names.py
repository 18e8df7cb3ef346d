"""Finding by name: what covers a host, parts of names, serials and fingerprints in any spelling."""

from __future__ import annotations

import importlib

import pytest
from django.apps import apps
from django.db import connection
from django.urls import reverse

from aggportal.certs.models import Authority, Certificate, CertificateName, Lane
from aggportal.certs.text_search import ensure_index
from aggportal.pki.reading import read_certificate
from tests.certs.makers import make_authority, make_certificate

pytestmark = pytest.mark.django_db

LIST = reverse("certs:certificate_list")
SERVING = "extension-serving"


@pytest.fixture
def authority(db) -> Authority:
    return make_authority(lane=Lane.SERVING)


def made(authority: Authority, name: str, *hosts: str) -> Certificate:
    return make_certificate(authority, name, profile=SERVING, hosts=hosts)


def found(text: str) -> set[str]:
    return {row.common_name for row in Certificate.objects.matching(text)}


def test_a_host_finds_the_certificates_that_cover_it(client_of, viewer, authority) -> None:
    made(authority, "exact", "api.wardle.svc")
    made(authority, "wild", "*.wardle.svc")
    made(authority, "deeper", "*.api.wardle.svc")
    made(authority, "other", "api.wardle.svc.cluster.local", "wardle.svc")
    made(authority, "address", "10.1.2.3", "2001:db8::1")
    client = client_of(viewer)
    for host, expected in {
        "api.wardle.svc": {"exact", "wild"},
        "API.Wardle.svc.": {"exact", "wild"},
        "https://api.wardle.svc:443/apis": {"exact", "wild"},
        "api.wardle.svc:443": {"exact", "wild"},
        "wardle.svc": {"other"},
        "a.b.wardle.svc": set(),
        "*.wardle.svc": {"wild"},
        "10.1.2.3": {"address"},
        "::ffff:10.1.2.3": {"address"},
        "[2001:db8:0:0::1]:8443": {"address"},
    }.items():
        text = client.get(LIST, {"covers": host}).text
        rows = {row.common_name for row in Certificate.objects.all() if f">{row}</a>" in text}
        assert rows == expected, host


def test_a_number_is_found_in_every_spelling(authority) -> None:
    one = made(authority, "numbered", "n.example.com")
    made(authority, "another", "a.example.com")
    facts = read_certificate(one.material.pem)
    serial = one.serial.lstrip("0")
    pairs = ":".join(one.serial[i : i + 2] for i in range(0, 40, 2)).upper()
    sha1 = ":".join(facts.sha1[i : i + 2] for i in range(0, 40, 2)).upper()
    for text in (
        one.serial,
        pairs,
        f"0x{serial}",
        f"serial={serial.upper()}",
        str(int(serial, 16)),
        facts.sha256,
        f"SHA1 Fingerprint={sha1}",
    ):
        assert found(text) == {"numbered"}, text


def test_a_part_of_a_name_is_found_whatever_it_is_made_of(authority) -> None:
    one = made(authority, "odd", "xn--bcher-kva.example.com")
    Certificate.objects.filter(pk=one.pk).update(common_name="Käse \"%_*' OR NEAR x")
    for text in (
        "käse",
        "KÄSE"[:1] + "äse",
        '"%_',
        "%_*",
        "' OR",
        "OR NEAR",
        "bcher-kva",
        "x",
        "se",
    ):
        assert [row.pk for row in Certificate.objects.matching(text)] == [one.pk], text
    assert not Certificate.objects.matching("%%%").exists()
    assert not Certificate.objects.matching("\x00").exists()


def test_the_index_follows_every_change(authority) -> None:
    one = made(authority, "before", "b.example.com")
    Certificate.objects.filter(pk=one.pk).update(names="dns after.example.com")
    assert found("b.example.com") == set()
    assert found("after.exam") == {"before"}


@pytest.mark.sqlite
def test_an_index_lost_with_its_table_comes_back(authority) -> None:
    """SQLite's schema editor makes a table anew, and its triggers are gone with the old one."""
    made(authority, "kept", "kept.example.com")
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER certs_certificate_text_insert")
    made(authority, "missed", "missed.example.com")
    assert found("missed.ex") == set()
    ensure_index(connection)
    assert found("missed.ex") == {"missed"}
    assert found("kept.ex") == {"kept"}


@pytest.mark.postgres
def test_postgresql_has_an_index_of_trigrams(db) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE indexname LIKE '%trigrams'")
        assert len(cursor.fetchall()) == 2
    ensure_index(connection)


def test_the_names_of_older_certificates_are_filled_in_once(authority, monkeypatch) -> None:
    for number in range(3):
        made(authority, f"n{number}", f"N{number}.example.com", "10.0.0.1")
    before = sorted(CertificateName.objects.values_list("certificate", "kind", "value"))
    CertificateName.objects.all().delete()
    migration = importlib.import_module("aggportal.certs.migrations.0007_name_entries")
    monkeypatch.setattr(migration, "_BATCH", 2)
    for _ in range(2):
        migration.fill(apps, None)
    assert sorted(CertificateName.objects.values_list("certificate", "kind", "value")) == before
