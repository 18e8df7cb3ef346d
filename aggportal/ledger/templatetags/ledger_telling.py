"""How templates tell the ledger's entries."""

from __future__ import annotations

from django import template

from aggportal.ledger.models import Entry
from aggportal.ledger.telling import ACTIONS, WAYS

register = template.Library()


@register.filter
def told(entry: Entry) -> str:
    """Say an entry's action as a verb phrase: "issued the certificate"."""
    return str(ACTIONS.get(entry.action, entry.action))


@register.filter
def how(entry: Entry) -> str:
    """Say how it was done: "in the archive", "key compromised"; empty where that is not said."""
    way = str(entry.detail.get("how") or "")
    return str(WAYS.get(way, way))
