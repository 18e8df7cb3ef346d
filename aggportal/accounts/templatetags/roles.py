"""`{% holds "issuer" authority as may_this %}`: asks for one thing, where a page shows several."""

from __future__ import annotations

from typing import Protocol

from django import template
from django.contrib.auth.models import AnonymousUser
from django.template import Context

from aggportal.accounts.rights import PORTAL, Role, Scope
from aggportal.accounts.roles import has_role

register = template.Library()


class Scoped(Protocol):
    """An authority or a cluster."""

    @property
    def scope(self) -> Scope: ...


@register.simple_tag(takes_context=True)
def holds(context: Context, role: str, on: Scoped | None) -> bool:
    """Tell whether who looks at the page holds `role` on `on`; without one, on the portal."""
    user = context.get("user") or AnonymousUser()
    return has_role(user, Role(role), on=on.scope if on else PORTAL)
