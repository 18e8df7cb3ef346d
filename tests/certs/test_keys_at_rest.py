"""A copy of the database opens nothing: no key in any form, and no row opens in another's place."""

from __future__ import annotations

import base64
import io
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from psycopg import conninfo

from aggportal.accounts.models import User
from aggportal.certs.models import Authority, Certificate, SealedKey
from aggportal.certs.services.crls import current_crl, publish_crl
from aggportal.certs.services.keys import open_key
from aggportal.ledger.models import Entry, Outcome
from aggportal.pki.keys import PrivateKey, private_key_der, private_key_pem
from aggportal.vault.errors import CannotOpen
from tests.certs.makers import ANA, make_authority, make_certificate, open_authority_key

# A bytea column as pg_dump writes it.
_BYTEA = re.compile(rb"\\\\x((?:[0-9a-f]{2})+)")


def forms_of(key: PrivateKey) -> list[bytes]:
    """Every spelling of a private key that a search of the disk could find."""
    assert isinstance(key, EllipticCurvePrivateKey)
    scalar = key.private_numbers().private_value
    secrets = [private_key_der(key), scalar.to_bytes(32, "big"), scalar.to_bytes(32, "little")]
    lines = private_key_pem(key).encode().splitlines()[1:-1]
    encoded = [form(secret) for secret in secrets for form in (bytes.hex, base64.b64encode)]
    texts = [text if isinstance(text, bytes) else text.encode() for text in encoded]
    return [*secrets, *lines[:2], *texts, *(t.upper() for t in texts), str(scalar).encode()]


def sealed(certificate: Certificate) -> SealedKey:
    """The certificate's key as the database has it now."""
    return SealedKey.objects.get(certificate=certificate)


def everything_stored(folder: Path) -> bytes:
    """The database files with their write-ahead logs, and a dump of all rows."""
    dump = folder / "dump.json"
    call_command("dumpdata", output=str(dump), verbosity=0)
    stored = dump.read_bytes()
    if connection.vendor == "sqlite":
        path = Path(str(connection.settings_dict["NAME"]))
        copies = [file.read_bytes() for file in path.parent.glob(f"{path.name}*")]
        stored += b"".join([*copies, "\n".join(connection.connection.iterdump()).encode()])
    else:
        ran = subprocess.run(["pg_dump", "--dbname", _postgres()], capture_output=True, check=True)
        raw = [bytes.fromhex(found.decode()) for found in _BYTEA.findall(ran.stdout)]
        assert raw
        stored += b"".join([ran.stdout, *raw])
    return stored


def _postgres() -> str:
    """Where the tests' PostgreSQL is, as libpq's tools take it."""
    told = connection.settings_dict
    names = {"dbname": "NAME", "host": "HOST", "port": "PORT", "user": "USER"}
    parts = {name: told[key] for name, key in names.items() if told[key]}
    return conninfo.make_conninfo(**parts, password=told["PASSWORD"] or None)


def everything_told(
    log: pytest.LogCaptureFixture,
    *,
    pages: tuple[Authority, Certificate],
    client: Client,
) -> bytes:
    """The export of the ledger, the log, and what the pages show."""
    exported = io.StringIO()
    call_command("ledger_export", stdout=exported)
    own = [page.get_absolute_url() for page in pages]
    paths = [*own, f"{own[0]}export/", f"{own[0]}key/", "/", "/audit/", "/unseal/"]
    shown = [client.get(path) for path in paths]
    assert [answer.status_code for answer in shown] == [200] * len(paths)
    told = [exported.getvalue().encode(), log.text.encode()]
    assert len(told[0]) > 1000
    return b"".join([*told, *(answer.content for answer in shown)])


@pytest.mark.django_db(transaction=True)
def test_dump_has_no_usable_key(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    administrator: User,
    client_of: Callable[[User], Client],
) -> None:
    authority = make_authority()
    certificate = make_certificate(authority)
    keys = [
        open_authority_key(authority),
        open_key(sealed(certificate), spki=certificate.spki_sha256),
    ]
    stored = everything_stored(tmp_path) + everything_told(
        caplog, pages=(authority, certificate), client=client_of(administrator)
    )
    assert certificate.fingerprint_sha256.encode() in stored
    assert certificate.material.pem.splitlines()[2].encode() in stored
    assert b"PRIVATE KEY" not in stored
    for key in keys:
        assert [form for form in forms_of(key) if form in stored] == []


@pytest.mark.django_db
def test_the_canary_would_be_found_were_it_stored(tmp_path: Path) -> None:
    authority = make_authority()
    pem = private_key_pem(open_authority_key(authority))
    Authority.objects.update(csr_pem=pem)
    stored = (authority.certificate_pem + pem).encode()
    assert any(form in stored for form in forms_of(open_authority_key(authority)))


@pytest.mark.django_db
def test_swapped_rows_do_not_open() -> None:
    first, second = make_authority("one"), make_authority("two")
    rows = [SealedKey.objects.get(pk=one.key_id) for one in (first, second)]
    for mine, other in (rows, rows[::-1]):
        SealedKey.objects.filter(pk=mine.pk).update(
            ciphertext=other.ciphertext, nonce=other.nonce, wrapped_key=other.wrapped_key
        )
    for swapped in (first, second):
        with pytest.raises(CannotOpen):
            make_certificate(Authority.objects.get(pk=swapped.pk))
        told = Entry.objects.get(action="authority.key_refused", object_id=swapped.slug)
        assert told.outcome == Outcome.FAILED
    assert not Certificate.objects.exists()


@pytest.mark.django_db
def test_another_authoritys_whole_row_does_not_sign() -> None:
    first, second = make_authority("one"), make_authority("two")
    other = second.key
    Authority.objects.filter(pk=second.pk).update(key=SealedKey.objects.create(purpose="spare"))
    Authority.objects.filter(pk=first.pk).update(key=other)
    with pytest.raises(CannotOpen):
        publish_crl(Authority.objects.get(pk=first.pk), by=ANA, now=timezone.now())
    assert Entry.objects.filter(action="authority.key_refused", object_id="one").count() == 1
    assert current_crl(first) is None


@pytest.mark.django_db
def test_swapped_ciphertexts_are_refused() -> None:
    authority = make_authority()
    first, second = make_certificate(authority, "one"), make_certificate(authority, "two")
    for field in ("ciphertext", "nonce", "wrapped_key"):
        SealedKey.objects.filter(certificate=first).update(
            **{field: getattr(sealed(second), field)}
        )
        with pytest.raises(CannotOpen):
            open_key(sealed(first), spki=first.spki_sha256)


@pytest.mark.django_db
def test_a_whole_key_of_another_certificate_is_refused() -> None:
    authority = make_authority()
    first, second = make_certificate(authority, "one"), make_certificate(authority, "two")
    other = sealed(second)
    Certificate.objects.filter(pk=second.pk).update(key=None)
    Certificate.objects.filter(pk=first.pk).update(key=other)
    with pytest.raises(CannotOpen):
        open_key(sealed(first), spki=first.spki_sha256)


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["purpose", "binding"])
def test_a_key_relabelled_for_another_purpose_is_refused(field: str) -> None:
    certificate = make_certificate(make_authority())
    SealedKey.objects.filter(certificate=certificate).update(**{field: "authority-key"})
    with pytest.raises(CannotOpen):
        open_key(sealed(certificate), spki=certificate.spki_sha256)


@pytest.mark.django_db
def test_a_key_shows_nothing_of_itself_in_logs() -> None:
    key = sealed(make_certificate(make_authority()))
    assert str(key.pk) in str(key)
    assert "ciphertext" not in repr(key)
