"""Every file of the package cryptography-vectors through every door by which files come in: each is
taken or refused in words; nothing fails, hangs or grows.

A sample runs with the other tests; `make test-corpus` takes all of them.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from aggportal.certs.models import Certificate
from tests.certs.brought import AUTHORITIES, CERTDB, CERTIFICATES
from tests.certs.makers import make_authority
from tests.corpus.test_vectors import ALL, FILES, MAX_SECONDS, PASSPHRASES, ROOT

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.django_db]

BATCHES = 12
STEP = 1 if ALL else 40
MAX_GROWTH = 400 * 1024  # KiB of this process over one batch; one upload may be 1 MB
# What is asked of X.509 (the rest are numbers for ciphers and hashes) and small enough for a form.
X509 = ("x509", "asymmetric", "pkcs7", "pkcs12")
MINE = [p for p in FILES if p.relative_to(ROOT).parts[0] in X509]
OTHERS = [p for p in FILES if p.relative_to(ROOT).parts[0] not in X509]


def batch_of(files: list[Path], batch: int) -> list[Path]:
    return files[batch::BATCHES][::STEP]


def sent(client: Client, door: str, path: Path, **rest: object):
    """Send one file through a door; it answers in time and in words."""
    field = {CERTDB: "certdb", "/requests/new/": "file"}.get(door, "upload")
    file = SimpleUploadedFile(path.name, path.read_bytes() or b" ")
    begun = time.monotonic()
    answer = client.post(door, {field: file, **rest})
    assert time.monotonic() - begun < MAX_SECONDS, (door, path)
    assert answer.status_code in (200, 302, 413, 422), (door, path, answer.status_code)
    return answer


def doors(path: Path) -> Iterator[tuple[str, dict[str, object]]]:
    phrase = PASSPHRASES.get(path.name, "password")
    yield "/inspect/", {"passphrase": phrase}
    yield AUTHORITIES, {"passphrase": phrase}
    yield CERTIFICATES, {"passphrase": phrase, "exportable": "yes"}
    yield "/requests/new/", {"authority": "front-proxy-ca", "do": "hand-in"}
    yield "/requests/own/answer/", {}
    yield CERTDB, {}


@pytest.fixture
def client(client_of, administrator) -> Client:
    make_authority("front-proxy-ca")
    client = client_of(administrator)
    client.raise_request_exception = True
    return client


@pytest.mark.parametrize("batch", range(BATCHES))
@pytest.mark.timeout(1800 if ALL else 120)
def test_every_file_of_x509_goes_through_every_door(client, batch: int):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for path in batch_of(MINE, batch):
        for door, rest in doors(path):
            answer = sent(client, door, path, **rest)
            if door in (AUTHORITIES, CERTIFICATES) and answer.status_code == 302:
                assert client.get(answer["Location"]).status_code == 200, path
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MAX_GROWTH


@pytest.mark.parametrize("batch", range(BATCHES))
def test_every_other_file_is_refused_by_the_importers(client, batch: int):
    for path in batch_of(OTHERS, batch):
        for door in (AUTHORITIES, CERTIFICATES):
            rest = {"exportable": "no"} if door == CERTIFICATES else {}
            assert sent(client, door, path, **rest).status_code in (413, 422), path


@pytest.mark.parametrize("batch", range(BATCHES))
@pytest.mark.timeout(1800 if ALL else 120)
def test_every_certificate_that_came_in_has_its_pages(client, batch: int):
    odd = [p for p in MINE if p.suffix in (".pem", ".der", ".crt", ".p7b") and "x509" in p.parts]
    for path in batch_of(odd, batch):
        sent(client, CERTIFICATES, path, exportable="yes")
    for row in Certificate.objects.all():
        assert client.get(row.get_absolute_url()).status_code == 200, row.subject
        assert client.get("/certificates/", {"q": row.common_name[:50]}).status_code == 200
    assert client.get("/certificates/").status_code == 200


def test_all_certificates_in_one_archive_come_in_or_say_why(client):
    made = [p for p in MINE if p.suffix == ".pem" and p.parent.name == "custom"][:55]
    files = [SimpleUploadedFile(path.name, path.read_bytes()) for path in made]
    files = [file for file in files if file.size < 20_000]
    answer = client.post(CERTIFICATES, {"upload": files, "exportable": "no"})
    assert answer.status_code == 302
    page = client.get(answer["Location"])
    states = {item["state"] for item in page.context["items"]}
    assert "imported" in states
    assert len(page.context["items"]) >= len(files) - 5
    assert all(str(item["sentence"]) for item in page.context["items"])
