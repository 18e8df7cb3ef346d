"""Template context: what the signed-in person may do, so that pages offer only what works."""

from __future__ import annotations

from django.http import HttpRequest

from aggportal.accounts.roles import Role, has_role, role_of


def role(request: HttpRequest) -> dict[str, object]:
    """Return `role`, `may_issue`, `may_administer`."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"role": None, "may_issue": False, "may_administer": False}
    return {
        "role": role_of(user),
        "may_issue": has_role(user, Role.ISSUER),
        "may_administer": has_role(user, Role.ADMINISTRATOR),
    }
