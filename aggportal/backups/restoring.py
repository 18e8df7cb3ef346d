"""Putting a backup back, into an empty installation only."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.db.models import F

from aggportal.accounts.models import User
from aggportal.backups.archive import Opener, read_archive
from aggportal.backups.databases import restore
from aggportal.backups.errors import BackupError, BadArchive, NotEmpty
from aggportal.backups.manifest import COUNTED, require_known_migrations
from aggportal.certs.models import Authority
from aggportal.ledger.keys import ledger_key
from aggportal.ledger.restored import RESTORED
from aggportal.ledger.services import record
from aggportal.ledger.verifying import ChainState, verify_chain
from aggportal.vault import configured
from aggportal.vault.errors import VaultError
from aggportal.web.actors import Actor
from aggportal.words import gettext_noop as _n

# Numbers of revocation lists rise by so much: more than were published between backup and loss.
CRL_LEAP = 10_000
_LONGEST_MANIFEST = 1 << 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """What came back: what the backup says of itself, what checking its ledger found, and what
    does not fit this installation.
    """

    manifest: Any
    chain: ChainState
    other_kek: bool


def restore_backup(file: Path, *, open_key: Opener, by: Actor, now: dt.datetime) -> Restored:
    """Put the backup in `file` back, and mark the installation as restored and not yet compared.

    Nothing is touched before the whole archive was authenticated. Raises NotEmpty, BadArchive,
    BackupError, NoKey.
    """
    require_empty()
    key = ledger_key()
    with tempfile.TemporaryDirectory(prefix="restore-", dir=settings.DATA_DIR) as folder:
        plain = Path(folder) / "database"
        manifest = _unpack(file, plain, open_key)
        if manifest["engine"] != connection.vendor:
            raise BackupError(
                _n("The backup is of %(theirs)s, and this installation runs on %(ours)s."),
                theirs=manifest["engine"],
                ours=connection.vendor,
            )
        if manifest["ledger"]["verifier"] != key.verifier:
            raise BackupError(
                _n(
                    "The ledger's key here is not the one of the backup: bring that back first, "
                    "or the ledger could not be checked."
                )
            )
        require_known_migrations(manifest)
        restore(plain)
    call_command("migrate", verbosity=0)
    return _mark(manifest, by=by, now=now)


def require_empty() -> None:
    """Refuse where anything is that a restore would overwrite. Raises NotEmpty."""
    present = set(connection.introspection.table_names())
    for model in (*COUNTED, User):
        table = model._meta.db_table
        if table in present and model._default_manager.exists():
            raise NotEmpty(
                _n(
                    "This installation is not empty: there are rows in %(table)s. A backup goes "
                    "into an empty one only: name a new folder in AGGPORTAL_DATA or a new database "
                    "in DATABASE_URL, bring the keys, and restore before anything else."
                ),
                table=table,
            )


def _mark(manifest: Any, *, by: Actor, now: dt.datetime) -> Restored:
    size = int(manifest["ledger"]["entries"])
    Session.objects.all().delete()
    Authority.objects.update(crl_number=F("crl_number") + CRL_LEAP)
    record(
        RESTORED,
        actor=by,
        subject=("ledger", size, "ledger"),
        detail={
            "size": size,
            "taken_at": manifest["taken_at"],
            "sha256": manifest["database"]["sha256"],
            "crl_numbers_moved_by": CRL_LEAP,
        },
        at=now,
    )
    return Restored(
        manifest=manifest, chain=verify_chain(), other_kek=_is_other_kek(manifest["kek_ids"])
    )


def _is_other_kek(kek_ids: list[str]) -> bool:
    """Whether no key of the backup is the one that is here, or none is here."""
    try:
        return bool(kek_ids) and configured.provider().kek_id not in kek_ids
    except VaultError:
        return bool(kek_ids)


def _unpack(file: Path, target: Path, open_key: Opener) -> Any:
    """Write the database of an archive to `target`; return the manifest. Raises BadArchive."""
    digest = hashlib.sha256()
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with file.open("rb") as archive, os.fdopen(descriptor, "wb") as out:
            parts = read_archive(archive, open_key)
            manifest, rest = _manifest(parts)
            for part in chain((rest,), parts):
                digest.update(part)
                out.write(part)
        if digest.hexdigest() != manifest["database"]["sha256"]:
            raise BadArchive(_n("The database in the backup is not the one that it names."))
        return manifest
    except OSError as exc:
        raise BackupError(
            _n("%(name)s cannot be read: %(why)s."), name=file.name, why=exc.strerror or "?"
        ) from exc


def _manifest(parts: Iterator[bytes]) -> tuple[Any, bytes]:
    """Take the manifest off the front; return it and what followed it in the same parts."""
    read, length = b"", 0
    for part in parts:
        read += part
        length = struct.unpack(">I", read[:4])[0] if len(read) >= 4 else _LONGEST_MANIFEST
        if len(read) >= 4 + length or length > _LONGEST_MANIFEST:
            break
    if len(read) < 4 + length:
        raise BadArchive(_n("The backup holds no list of what is in it."))
    return json.loads(read[4 : 4 + length]), read[4 + length :]
