"""Template context: what waits for somebody, for the left bar."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from aggportal.accounts.roles import Role, has_role
from aggportal.certs.models import SigningRequest
from aggportal.web.pagination import capped_count

_MOST = 99


def waiting(request: HttpRequest) -> dict[str, object]:
    """Return `requests_waiting`: the count as text, empty where nothing waits or nobody may see.

    It is counted only on a page that shows it.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}

    def count() -> str:
        if not has_role(user, Role.VIEWER):
            return ""
        counted = capped_count(SigningRequest.objects.waiting(), cap=_MOST)
        return "" if counted == "0" else counted

    return {"requests_waiting": SimpleLazyObject(count)}
