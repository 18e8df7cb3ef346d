"""Every file of the package cryptography-vectors through the reader and the page: each is explained
or refused in words, whatever it holds.

A sample runs with the other tests; `make test-corpus` takes all of them.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import time
from pathlib import Path

import cryptography_vectors
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from aggportal.certs.services.inspecting import MAX_LINTED_BYTES
from aggportal.pki.errors import PkiError
from aggportal.pki.inspected import Inspection, Kind
from aggportal.pki.inspecting import MAX_FILES, Given, inspect
from aggportal.pki.linting import lint_certificate, lint_revocations

# The library warns of what is odd in a file; that is what these files are for.
pytestmark = pytest.mark.filterwarnings("ignore")

ROOT = Path(cryptography_vectors.__file__).parent
NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
ALL = os.environ.get("AGGPORTAL_CORPUS") == "all"
FILES = sorted(path for path in ROOT.rglob("*") if path.is_file() and path.suffix != ".py")
BATCHES = 40
STEP = 1 if ALL else 12
MAX_SECONDS = 15  # one file; a PKCS#12 starts a process of its own
PASSPHRASES = {"cert-key-aes256cbc.p12": "cryptography", "cert-rc2-key-3des.p12": "cryptography"}


def looked_at(path: Path) -> Inspection:
    begun = time.monotonic()
    phrase = PASSPHRASES.get(path.name, "password")
    given = Given(data=path.read_bytes(), name=path.name)
    inspection = inspect([given], passphrase=phrase, now=NOW)
    assert time.monotonic() - begun < MAX_SECONDS, path
    return inspection


def says_something(inspection: Inspection) -> bool:
    return all(
        (thing.rows and thing.refused is None) or (thing.refused is not None and str(thing.refused))
        for thing in inspection.things
    )


@pytest.mark.parametrize("batch", range(BATCHES))
def test_every_file_is_explained_or_refused_in_words(batch: int):
    for path in FILES[batch::BATCHES][::STEP]:
        inspection = looked_at(path)
        assert inspection.things, path
        assert says_something(inspection), path


@pytest.mark.parametrize("batch", range(10))
def test_every_certificate_and_list_is_linted_or_refused_in_words(batch: int):
    for path in [p for p in FILES if p.suffix in (".crt", ".crl", ".pem", ".der")][batch::10][
        ::STEP
    ]:
        for thing in looked_at(path).things:
            if thing.is_linted and len(thing.der) <= MAX_LINTED_BYTES:
                lint = lint_certificate if thing.facts else lint_revocations
                with contextlib.suppress(PkiError):
                    assert all(finding.code for finding in lint(thing.der)), path


def test_what_programs_agree_about_is_read():
    kinds = {
        "x509/custom/post2000utctime.pem": Kind.CERTIFICATE,
        "x509/requests/rsa_sha256.pem": Kind.REQUEST,
        "x509/custom/crl_all_reasons.pem": Kind.REVOCATIONS,
        "pkcs7/amazon-roots.p7b": Kind.CERTIFICATE,
        "pkcs12/cert-key-aes256cbc.p12": Kind.PRIVATE_KEY,
        "asymmetric/PKCS8/unenc-rsa-pkcs8.pem": Kind.PRIVATE_KEY,
        "asymmetric/PEM_Serialization/rsa_public_key.pem": Kind.PUBLIC_KEY,
    }
    for name, kind in kinds.items():
        thing = looked_at(ROOT / name).things[0]
        assert (thing.kind, thing.refused) == (kind, None), name


@pytest.mark.django_db
@pytest.mark.parametrize("batch", range(8))
def test_the_page_shows_every_odd_file(client_of, viewer, batch: int):
    client = client_of(viewer)
    odd = [p for p in FILES if p.parent.name in ("custom", "requests") and p.stat().st_size < 65536]
    mine = odd[batch::8][:: 1 if ALL else 4]
    for start in range(0, len(mine), MAX_FILES):
        files = [
            SimpleUploadedFile(path.name, path.read_bytes())
            for path in mine[start : start + MAX_FILES]
        ]
        answer = client.post("/inspect/", {"upload": files, "passphrase": "password"})
        assert answer.status_code == 200
        assert answer.text.count('<section class="card"') >= len(files)
