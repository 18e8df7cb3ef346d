"""Single sign-on's doors: to the provider, back from it, and there once more to confirm."""

from __future__ import annotations

import requests
from allauth.core.internal import ratelimit
from allauth.socialaccount.providers.base import ProviderException
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from aggportal.accounts import carrying, single_sign_on
from aggportal.accounts.confirming import is_confirmed
from aggportal.accounts.entering import next_page
from aggportal.accounts.proofs import person_of
from aggportal.accounts.provider_people import comes_from_provider
from aggportal.accounts.sessions import shorten
from aggportal.web.errors import refusal
from aggportal.words import RefusedError, gettext_noop

# What an exchange with a provider raises that is down, or that answers what none does.
TROUBLE = (
    requests.RequestException,
    OAuth2Error,
    ProviderException,
    ImproperlyConfigured,
    ValueError,
    TypeError,
    KeyError,
)


class TooMuchToKeep(RefusedError):
    """The form is larger than what is kept while its person is at the provider."""

    code = "too_much_to_keep"


@never_cache
@require_GET
def oidc_login(request: HttpRequest) -> HttpResponse:
    """Lead to the provider. A link, no form: the pages' policy lets no form lead elsewhere."""
    _require_provider()
    if request.user.is_authenticated:
        return redirect(next_page(request))
    if not ratelimit.consume(request, app="allauth.mfa", action="webauthn_login", limit_get=True):
        return single_sign_on.refused(request, error="too many")
    shorten(request)
    return _lead(request, target=next_page(request), again=False)


@never_cache
@require_GET
def oidc_callback(request: HttpRequest) -> HttpResponse:
    """Take who comes back from the provider."""
    _require_provider()
    try:
        return single_sign_on.end(request)
    except TROUBLE as exc:
        return single_sign_on.refused(request, exception=exc)


@require_POST
def confirm_provider(request: HttpRequest) -> HttpResponse:
    """Keep the form that waits for a proof, and offer the way to the provider."""
    _require_provider()
    if not comes_from_provider(person_of(request)):
        raise Http404
    if not carrying.keep(request):
        text = gettext_noop("This form is too large to be kept meanwhile. Send a smaller one.")
        return refusal(request, TooMuchToKeep(text))
    return render(request, "accounts/provider_go_page.html", {"name": settings.OIDC_NAME})


@never_cache
@require_GET
def confirm_begin(request: HttpRequest) -> HttpResponse:
    """Lead to the provider, which asks its own proof anew."""
    _require_provider()
    if not comes_from_provider(person_of(request)):
        raise Http404
    return _lead(request, target=reverse("accounts:confirm_go_on"), again=True)


@never_cache
@require_GET
def confirm_go_on(request: HttpRequest) -> HttpResponse:
    """Show the form that waited, to be sent with one press."""
    kept = carrying.take_kept(request) if is_confirmed(request, now=timezone.now()) else None
    if kept is None:
        return redirect("accounts:account_show")
    context = {"target": kept[0], "carried": kept[1], "confirmed": True}
    return render(request, "accounts/confirm_page.html", context)


def _lead(request: HttpRequest, *, target: str, again: bool) -> HttpResponse:
    try:
        return single_sign_on.begin(request, next_page=target, again=again)
    except TROUBLE as exc:
        return single_sign_on.refused(request, exception=exc)


def _require_provider() -> None:
    if not settings.OIDC_ISSUER:
        raise Http404(_("There is no single sign-on here."))
