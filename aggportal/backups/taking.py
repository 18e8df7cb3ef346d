"""Making a backup while the portal runs."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import struct
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from django.conf import settings

from aggportal.backups.archive import CHUNK, write_archive
from aggportal.backups.databases import dump, same_state
from aggportal.backups.errors import BackupError
from aggportal.backups.locks import KEY_BYTES, Lock, lock_by_passphrase, lock_for
from aggportal.backups.manifest import COUNTED, make_manifest
from aggportal.ledger.models import Outcome
from aggportal.ledger.services import record
from aggportal.web.actors import Actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A backup that was made: rows by table, size of the file in bytes, its SHA-256."""

    counts: Mapping[str, int]
    size: int
    sha256: str


def take_backup(
    out: Path,
    *,
    passphrase: bytes | None,
    recipients: Sequence[x509.Certificate],
    by: Actor,
    now: dt.datetime,
) -> Made:
    """Write a backup to the new file `out`; the ledger has it before and after.

    Raises BackupError, and NoKey: what cannot be recorded is not done.
    """
    if passphrase is None and not recipients:
        raise BackupError(_n("Name a passphrase file or a recipient: a backup is never plain."))
    key = os.urandom(KEY_BYTES)
    locks = [lock_by_passphrase(key, passphrase)] if passphrase is not None else []
    locks += [lock_for(key, each) for each in recipients]
    subject = ("backup", "", out.name)
    record("backup.made", actor=by, subject=subject, outcome=Outcome.INTENDED, at=now)
    try:
        made = _write(out, key, locks, now=now)
    except (OSError, RefusedError) as exc:
        why = str(exc)
        record(
            "backup.made", actor=by, subject=subject, outcome=Outcome.FAILED, detail={"why": why}
        )
        if isinstance(exc, RefusedError):
            raise
        raise BackupError(
            _n("The backup %(name)s cannot be written: %(why)s."),
            name=out.name,
            why=exc.strerror or "unknown",
        ) from exc
    detail = {"sha256": made.sha256, "bytes": made.size, **made.counts}
    record("backup.made", actor=by, subject=subject, detail=detail)
    return made


def _write(out: Path, key: bytes, locks: Sequence[Lock], *, now: dt.datetime) -> Made:
    """Write beside, make it lasting, and only then give it its name."""
    if out.exists():
        raise BackupError(_n("%(name)s is there already; a backup overwrites nothing."), name=out)
    tables = [model._meta.db_table for model in COUNTED]
    with tempfile.TemporaryDirectory(prefix="backup-", dir=settings.DATA_DIR) as folder:
        plain = Path(folder) / "database"
        with same_state() as snapshot:
            counts = dict(dump(plain, tables, snapshot=snapshot))
            manifest = make_manifest(
                counts, sha256=_digest(plain), size=plain.stat().st_size, now=now
            )
        part = out.with_name(f".{out.name}.part")
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            sha256 = write_archive(file, _content(manifest, plain), key=key, locks=locks)
            file.flush()
            os.fsync(file.fileno())
        os.link(part, out)
        part.unlink()
    return Made(counts=counts, size=out.stat().st_size, sha256=sha256)


def _content(manifest: object, database: Path) -> Iterator[bytes]:
    told = json.dumps(manifest, sort_keys=True).encode()
    yield struct.pack(">I", len(told)) + told
    with database.open("rb") as file:
        while part := file.read(CHUNK):
            yield part


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
