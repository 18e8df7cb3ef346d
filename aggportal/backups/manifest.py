"""What a backup says of itself, before the database."""

from __future__ import annotations

import datetime as dt
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from aggportal.backups.errors import BackupError
from aggportal.certs.models import Authority, Certificate, SealedKey
from aggportal.clusters.models import Cluster
from aggportal.ledger.keys import ledger_key
from aggportal.ledger.models import Anchor, Checkpoint, Entry
from aggportal.words import gettext_noop as _n

COUNTED = (Entry, Authority, Certificate, Cluster)
# Settings that are no secrets and that who sets up the next machine asks for.
LISTED = (
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "PUBLIC_URL",
    "HTTPS",
    "TRUSTED_PROXIES",
    "EGRESS_ALLOW",
    "EGRESS_DENY",
    "SCAN_PORTS",
    "SCANS_PER_MINUTE",
    "HISTORY_DAYS",
    "LEDGER_ANCHOR_HOURS",
)


def make_manifest(counts: dict[str, int], *, sha256: str, size: int, now: dt.datetime) -> Any:
    """Describe the dump; every value is public. Anchors are told by the names that hide secrets."""
    checkpoint = Checkpoint.objects.first()
    anchors = Anchor.objects.values_list("name", "size")
    return {
        "format": 1,
        "version": portal_version(),
        "taken_at": now.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "engine": connection.vendor,
        "database": {"sha256": sha256, "bytes": size},
        "counts": counts,
        "migrations": sorted(".".join(each) for each in _applied()),
        "ledger": {
            "entries": counts[Entry._meta.db_table],
            "verifier": ledger_key().verifier,
            "checkpoint": checkpoint.note if checkpoint else None,
            "anchors": [{"name": name, "size": known} for name, known in anchors],
        },
        "kek_ids": sorted(set(SealedKey.objects.values_list("kek_id", flat=True))),
        "settings": {name: getattr(settings, name) for name in LISTED},
    }


def require_known_migrations(manifest: Any) -> None:
    """Refuse a backup of a version that is newer than this one. Raises BackupError."""
    known = MigrationLoader(connection, ignore_no_migrations=True).disk_migrations or {}
    unknown = set(manifest["migrations"]) - {".".join(each) for each in known}
    if unknown:
        raise BackupError(
            _n(
                "This backup was made by AggPortal %(version)s, which knows %(count)s migrations "
                "that this one does not (%(first)s). Install that version or a newer one."
            ),
            version=manifest.get("version", "?"),
            count=len(unknown),
            first=min(unknown),
        )


def portal_version() -> str:
    """The version as pyproject.toml says it, installed or from the tree."""
    try:
        return version("aggportal")
    except PackageNotFoundError:
        text = Path(settings.BASE_DIR / "pyproject.toml")
        lines = text.read_text().splitlines() if text.exists() else []
        return next((line.split('"')[1] for line in lines if line.startswith("version")), "?")


def _applied() -> set[tuple[str, str]]:
    return set(MigrationRecorder(connection).applied_migrations())
