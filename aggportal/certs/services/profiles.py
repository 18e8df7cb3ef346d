"""Changing what an authority may issue."""

from __future__ import annotations

import hashlib

from django.db import transaction

from aggportal.certs.models import Authority
from aggportal.certs.services.config_changes import config_changes
from aggportal.ledger.services import record
from aggportal.pki.config import parse_config
from aggportal.web.actors import Actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n


class ConfigChanged(RefusedError):
    """Somebody else changed the config since it was read.

    `changes` is what this edit would undo or add to theirs.
    """

    code = "config-changed"

    def __init__(self, changes: tuple[str, ...]) -> None:
        self.changes = changes
        super().__init__(
            _n("Somebody else changed these profiles meanwhile. Look at theirs, then save again.")
        )


def config_version(authority: Authority) -> str:
    """Return what names the present state of the config: SHA-256 of its text, hex."""
    return hashlib.sha256(authority.signing_config.encode()).hexdigest()


@transaction.atomic
def update_signing_config(
    authority: Authority, *, text: str, expected: str, by: Actor
) -> tuple[str, ...]:
    """Store `text` as the authority's ca-config.json and record the difference line by line; return
    the lines.

    `expected` is the `config_version` that the person saw. Raises `PkiError` for a text that the
    core refuses and `ConfigChanged` when the config is another one by now. What was issued before
    stays as it is.
    """
    parse_config(text)
    stored = Authority.objects.select_for_update(no_key=True).get(pk=authority.pk)
    changes = config_changes(stored.signing_config, text)
    if config_version(stored) != expected:
        raise ConfigChanged(changes)
    if text == stored.signing_config:
        return ()
    _replace(stored, text)
    authority.signing_config = text
    record(
        "authority.config_changed",
        actor=by,
        subject=("authority", authority.slug, authority.label),
        detail={"changes": list(changes), "sha256": config_version(authority)},
    )
    return changes


def _replace(stored: Authority, text: str) -> None:
    """Let the database settle a race that the row lock does not cover (SQLite has none)."""
    unchanged = Authority.objects.filter(pk=stored.pk, signing_config=stored.signing_config)
    if not unchanged.update(signing_config=text):
        raise ConfigChanged(config_changes(stored.signing_config, text))
