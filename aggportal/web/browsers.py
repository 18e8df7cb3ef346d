"""What a browser is told with every answer, and requests that another site makes it send."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from aggportal.web.errors import foreign_site

Handler = Callable[[HttpRequest], HttpResponse]

# Nothing of the portal uses these; a script that got in cannot either. Chromium complains of names
# that it does not know, so these are names that every engine has.
_UNUSED = (
    "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen",
    "geolocation", "gyroscope", "magnetometer", "microphone", "midi", "payment",
    "picture-in-picture", "screen-wake-lock", "usb", "xr-spatial-tracking",
)  # fmt: skip
PERMISSIONS_POLICY = ", ".join(f"{name}=()" for name in _UNUSED)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# `same-site` is another host of the same domain, whose owner may be somebody else.
_FOREIGN = frozenset({"cross-site", "same-site"})


def browser_headers(get_response: Handler) -> Handler:
    """Add what neither Django nor django-csp does; a view's own Cache-Control stays."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if _is_somebodys(request):
            # Neither a proxy nor the next person at this machine reads it from a cache.
            response.headers.setdefault("Cache-Control", "private, no-cache")
        return response

    return middleware


def _is_somebodys(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    return bool(user is not None and user.is_authenticated)


class refuse_foreign_sites:  # noqa: N801  # middleware is named for what it does
    """Refuse what changes something and comes from another site, as the browser itself says
    (Fetch Metadata, `Sec-Fetch-Site`); beside Django's token and its check of `Origin`.

    Programs send no such header; links and `GET` come from anywhere.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        told = request.headers.get("Sec-Fetch-Site", "")
        if request.method in SAFE_METHODS or told not in _FOREIGN:
            return None
        if request.headers.get("Origin", "") in settings.CSRF_TRUSTED_ORIGINS:
            return None
        return foreign_site(request)
