"""A copy of the database opens nothing: no key in any form, and no row opens in another's place."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from django.core.management import call_command
from django.db import connection

from aggportal.certs.models import Authority, Certificate, SealedKey
from aggportal.certs.services.keys import open_key
from aggportal.pki.keys import PrivateKey, private_key_der, private_key_pem
from aggportal.vault.errors import CannotOpen
from tests.certs.makers import make_authority, make_certificate, open_authority_key


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
    return stored


@pytest.mark.django_db(transaction=True)
def test_dump_has_no_usable_key(tmp_path: Path) -> None:
    authority = make_authority()
    certificate = make_certificate(authority)
    keys = [
        open_authority_key(authority),
        open_key(sealed(certificate), spki=certificate.spki_sha256),
    ]
    stored = everything_stored(tmp_path)
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
