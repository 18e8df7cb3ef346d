"""Who must have a second factor and has none is led to set one up, and to nothing else."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django_htmx.http import HttpResponseClientRedirect

from aggportal.accounts.factors import has_factor
from aggportal.accounts.models import User
from aggportal.accounts.roles import Role, has_role

Handler = Callable[[HttpRequest], HttpResponse]

_POWER = (Role.ADMINISTRATOR, Role.APPROVER, Role.ISSUER)
_OPEN = frozenset(
    {
        "accounts:totp_add",
        "accounts:passkey_add",
        "accounts:password_change",
        "accounts:logout",
        "accounts:login",
        "web:theme_choose",
    }
)


def must_have_one(user: User) -> bool:
    """Tell whether AGGPORTAL_SECOND_FACTOR asks it of `user`.

    Who has no password here comes through single sign-on, and the provider asks for the second.
    """
    if settings.SECOND_FACTOR == "optional" or not user.has_usable_password():
        return False
    return settings.SECOND_FACTOR == "required" or any(has_role(user, role) for role in _POWER)


class require_second_factor:  # noqa: N801  # middleware is named for what it does
    """Middleware; stands below the one that asks for an own password first."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, args: object, rest: object
    ) -> HttpResponse | None:
        """Lead to the page that sets one up."""
        if not getattr(view, "login_required", True) or not isinstance(request.user, User):
            return None
        match = request.resolver_match
        if match is None or match.view_name in _OPEN or not must_have_one(request.user):
            return None
        if has_factor(request.user):
            return None
        if request.headers.get("HX-Request") == "true":
            return HttpResponseClientRedirect(resolve_url("accounts:totp_add"))
        return redirect("accounts:totp_add")
