"""How templates tell the ledger's entries."""

from __future__ import annotations

from django import template

from aggportal.ledger.models import Entry
from aggportal.ledger.telling import ACTIONS

register = template.Library()


@register.filter
def told(entry: Entry) -> str:
    """Say an entry's action as a verb phrase: "issued the certificate"."""
    return str(ACTIONS.get(entry.action, entry.action))
