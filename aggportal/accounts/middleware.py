"""A one-time password opens one page only: the one where it is replaced."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

Handler = Callable[[HttpRequest], HttpResponse]

_OPEN = frozenset(
    {
        "accounts:password_change",
        "accounts:logout",
        "accounts:login",
        "web:theme_choose",
        "healthz",
        "readyz",
    }
)


def require_new_password(get_response: Handler) -> Handler:
    """Send a person with a one-time password to the page that changes it."""
    return _RequireNewPassword(get_response)


class _RequireNewPassword:
    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, args: object, kwargs: object
    ) -> HttpResponse | None:
        if not getattr(request.user, "must_change_password", False):
            return None
        match = request.resolver_match
        return None if match and match.view_name in _OPEN else redirect("accounts:password_change")
