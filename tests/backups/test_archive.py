"""The file of a backup: whole or refused, and opened by nobody else."""

from __future__ import annotations

import datetime as dt
import os
from io import BytesIO
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from aggportal.backups.archive import CHUNK, MAGIC, read_archive, write_archive
from aggportal.backups.errors import BackupError, BadArchive
from aggportal.backups.locks import (
    lock_by_passphrase,
    lock_for,
    passphrase_in,
    unlock_by_key,
    unlock_by_passphrase,
)

KEY = os.urandom(32)
PHRASE = b"nine bright lanterns"
NOW = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)


def sealed(content: bytes) -> bytes:
    out = BytesIO()
    write_archive(out, [content], key=KEY, locks=[])
    return out.getvalue()


def opened(archive: bytes) -> bytes:
    return b"".join(read_archive(BytesIO(archive), lambda locks: KEY))


def certificate(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "keeper")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW)
    return builder.sign(key, hashes.SHA256())


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7])
def test_what_went_in_comes_out(size: int) -> None:
    content = os.urandom(size)
    assert opened(sealed(content)) == content


def test_every_cut_is_refused() -> None:
    archive = sealed(os.urandom(2 * CHUNK + 9))
    third = len(archive) - 4 - 16 - 9
    for end in (0, 5, len(MAGIC) + 3, third // 2, third, third + 2, len(archive) - 1):
        with pytest.raises(BadArchive):
            opened(archive[:end])


def test_every_changed_byte_is_refused() -> None:
    archive = sealed(b"some content")
    for place in range(len(archive)):
        changed = bytearray(archive)
        changed[place] ^= 1
        with pytest.raises(BadArchive):
            opened(bytes(changed))


def test_parts_that_change_places_are_refused() -> None:
    archive = sealed(bytes(3 * CHUNK))
    front, part = len(archive) - 3 * (CHUNK + 20), CHUNK + 20
    parts = [archive[front + n * part : front + (n + 1) * part] for n in range(3)]
    with pytest.raises(BadArchive, match="part 1"):
        opened(archive[:front] + parts[1] + parts[0] + parts[2])
    with pytest.raises(BadArchive):
        opened(archive + parts[2])


def test_a_newer_form_is_told_of() -> None:
    archive = bytearray(sealed(b""))
    archive[len(MAGIC)] = 2
    with pytest.raises(BadArchive, match="which a newer AggPortal reads"):
        opened(bytes(archive))


def test_a_passphrase_opens_and_another_does_not() -> None:
    lock = lock_by_passphrase(KEY, PHRASE)
    assert unlock_by_passphrase([lock], PHRASE) == KEY
    with pytest.raises(BadArchive, match="passphrase is another"):
        unlock_by_passphrase([lock], PHRASE + b"?")
    with pytest.raises(BadArchive, match="has no passphrase"):
        unlock_by_passphrase([], PHRASE)
    with pytest.raises(BadArchive, match="more work"):
        unlock_by_passphrase([{**lock, "memory": 1 << 24}], PHRASE)


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_each_recipient_opens_it_and_no_stranger(kind: str) -> None:
    def new() -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
        if kind == "rsa":
            return rsa.generate_private_key(65537, 2048)
        return ec.generate_private_key(ec.SECP384R1())

    keepers = [new(), new()]
    locks = [lock_for(KEY, certificate(keeper)) for keeper in keepers]
    assert [unlock_by_key(locks, keeper) for keeper in keepers] == [KEY, KEY]
    for stranger in (new(), ed25519.Ed25519PrivateKey.generate()):
        with pytest.raises(BadArchive, match="not made for the key"):
            unlock_by_key(locks, stranger)


def test_a_passphrase_that_others_can_read_or_guess_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "phrase"
    for text, mode, why in (("short", 0o600, "too short"), ("long enough it is", 0o644, "others")):
        path.write_text(text)
        path.chmod(mode)
        with pytest.raises(BackupError, match=why):
            passphrase_in(path)
    with pytest.raises(BackupError, match="cannot be read"):
        passphrase_in(tmp_path / "none")
