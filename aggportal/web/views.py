"""The look that a person chooses."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from aggportal.web.context import THEMES


@login_not_required
@require_POST
def theme_choose(request: HttpRequest) -> HttpResponse:
    """Keep the chosen theme in a cookie for a year and go back to the page."""
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(
        target, {request.get_host()}, require_https=request.is_secure()
    ):
        target = "/"
    response = redirect(target)
    theme = request.POST.get("theme", "auto")
    response.set_cookie(
        "theme",
        theme if theme in THEMES else "auto",
        max_age=365 * 24 * 60 * 60,
        samesite="Lax",
        secure=request.is_secure(),
    )
    return response
