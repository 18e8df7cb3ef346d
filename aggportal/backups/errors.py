"""Why a backup is not made, not read or not put back."""

from __future__ import annotations

from aggportal.words import RefusedError


class BackupError(RefusedError):
    """Root of what goes wrong around backups."""

    code = "backup"


class BadArchive(BackupError):
    """It is no backup, was changed or cut off, or is not for this key."""

    code = "bad_archive"


class NotEmpty(BackupError):
    """A backup goes into an empty installation only."""

    code = "not_empty"
