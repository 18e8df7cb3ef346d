"""Who is not signed in goes to sign in; a one-time password opens one page only."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.utils.http import urlencode
from django_htmx.http import HttpResponseClientRedirect

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


class SignInRequired(LoginRequiredMiddleware):
    """Django's, and for a fragment of a page: the browser goes to sign in, and back to that page.

    A redirect would be followed by htmx, and the sign-in page would stand where the fragment was.
    """

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., HttpResponseBase],
        view_args: tuple[object, ...],
        view_kwargs: dict[str, object],
    ) -> HttpResponseBase | None:
        """Look at the session only where a view asks for somebody: what is open to everybody must
        not depend on a cookie, or caches could not keep it.
        """
        if not getattr(view_func, "login_required", True):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)

    def handle_no_permission(  # type: ignore[override]  # the stubs know redirects only
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseBase:
        htmx = getattr(request, "htmx", None)
        if not htmx:
            return super().handle_no_permission(request, view_func)
        try:
            page = htmx.current_url_abs_path or "/"
        except ValueError:  # the header holds no address
            page = "/"
        login = resolve_url(self.get_login_url(view_func))
        return HttpResponseClientRedirect(f"{login}?{urlencode({'next': page})}")


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
        if not getattr(view, "login_required", True):
            return None
        if not getattr(request.user, "must_change_password", False):
            return None
        match = request.resolver_match
        return None if match and match.view_name in _OPEN else redirect("accounts:password_change")
