"""People with rows of their own, as actors, for what needs more than one."""

from __future__ import annotations

from aggportal.accounts.models import User
from aggportal.web.actors import Actor


def person(name: str) -> Actor:
    """A person `name` as services know them; no role is asked for there."""
    user, _ = User.objects.get_or_create(username=name)
    return Actor(id=user.pk, name=name, address="192.0.2.8")
