"""What `manage.py check --deploy` says of the keys that live outside the database."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from aggportal.vault.errors import NoKey
from aggportal.vault.keyfiles import require_apart

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def _key_files() -> Iterator[tuple[str, Path]]:
    """The files that hold a key, and which; those that are not there are not asked for."""
    if settings.KEY_PROVIDER == "passphrase":
        yield "key-encryption key", settings.PASSPHRASE_FILE
    elif not settings.KEK:
        yield "key-encryption key", settings.KEK_FILE
    if not settings.LEDGER_KEY:
        yield "ledger's key", settings.LEDGER_KEY_FILE
    yield "secret key", settings.KEYS_DIR / "secret_key"


@register(Tags.security, deploy=True)
def key_files_are_ours_alone(**_: object) -> list[CheckMessage]:
    """Nobody else reads a key file, or its folder."""
    found: list[CheckMessage] = []
    for name, path in _key_files():
        if path.exists() and path.stat().st_mode & _OTHERS:
            text = f"The file of the {name} can be read by others."
            found.append(Error(text, hint=f"chmod 600 {path}", id="vault.E001"))
        if path.parent.is_dir() and path.parent.stat().st_mode & _OTHERS & ~stat.S_IXOTH:
            text = f"The folder of the {name} can be read by others."
            found.append(Warning(text, hint=f"chmod 700 {path.parent}", id="vault.W001"))
    return found


@register(Tags.security, deploy=True)
def the_keys_are_apart_from_the_database(**_: object) -> list[CheckMessage]:
    """A copy of the database does not carry what opens it."""
    found: list[CheckMessage] = []
    for name, path in _key_files():
        if name == "secret key" or not path.exists():
            continue
        try:
            require_apart(path, trees=[settings.DATABASE_DIR, *settings.KEYS_APART_FROM])
        except NoKey as refused:
            found.append(Error(str(refused), id="vault.E002"))
            continue
        database = settings.DATABASE_DIR
        if database.is_dir() and database.stat().st_dev == path.stat().st_dev:
            text = f"The {name} lies on the same disk as the database: an image of it has both."
            hint = "Put it on a volume of its own, or say a passphrase at each start."
            found.append(Warning(text, hint=hint, id="vault.W002"))
    return found


@register(Tags.security, deploy=True)
def keys_are_not_in_the_environment(**_: object) -> list[CheckMessage]:
    """The environment is inherited, shown by tools and kept in crash reports."""
    given = {"AGGPORTAL_KEK": settings.KEK, "AGGPORTAL_LEDGER_KEY": settings.LEDGER_KEY}
    return [
        Warning(
            f"{name} is in the environment, which child processes and crash reports get.",
            hint=f"Put it into a file of mode 0600 and name that in {name}_FILE.",
            id="vault.W003",
        )
        for name, key in given.items()
        if key
    ]
