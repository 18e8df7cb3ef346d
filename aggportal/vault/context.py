"""Template context: whether the portal can sign, for the line above every page."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from aggportal.vault.state import vault_state


def sealing(request: HttpRequest) -> dict[str, object]:
    """Return `vault_state`; looked at only by a page that shows it."""
    return {"vault_state": SimpleLazyObject(vault_state)}
