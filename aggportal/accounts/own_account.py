"""The own account: second factors, last sign-ins, an end to all sessions."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import qrcode
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import clear_totp_secret, get_totp_secret
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from qrcode.image.svg import SvgPathFillImage

from aggportal.accounts import factors, second_factor, sessions
from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.forms import AppForm, PasskeyForm
from aggportal.accounts.models import User
from aggportal.accounts.proofs import person_of
from aggportal.accounts.roles import Role, role_required
from aggportal.ledger.models import Entry
from aggportal.ledger.services import record
from aggportal.web.actors import actor_of

SIGN_INS = 10


@require_GET
def account_show(request: HttpRequest) -> HttpResponse:
    """Show the own account."""
    user = person_of(request)
    seen = Entry.objects.filter(action="account.signed_in", actor_name=user.username).order_by(
        "-seq"
    )
    context = {"have": factors.factors_of(user), "sign_ins": seen[:SIGN_INS]}
    return render(request, "accounts/account_page.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@confirmation_required
def totp_add(request: HttpRequest) -> HttpResponse:
    """Set up an authenticator app: show its secret, and take a code that proves it works."""
    user = person_of(request)
    if factors.factors_of(user).has_app:
        return redirect("accounts:account_show")
    secret = get_totp_secret(regenerate=request.method == "GET")
    form = AppForm(request.POST if request.method == "POST" else None, secret=secret)
    if request.method == "POST" and form.is_valid():
        codes = factors.add_app(user, secret, by=actor_of(request))
        clear_totp_secret(request)
        return _added(request, codes, _("The authenticator app is set up."))
    context = {"form": form, "secret": secret, "picture": _picture(user, secret)}
    context["forced"] = second_factor.must_have_one(user) and not factors.has_factor(user)
    return render(request, "accounts/totp_page.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
@confirmation_required
def passkey_add(request: HttpRequest) -> HttpResponse:
    """Set up a passkey: the browser makes it, by JavaScript, and we keep its public half."""
    user = person_of(request)
    form = PasskeyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        made: dict[str, Any] = form.cleaned_data["credential"]
        name = form.cleaned_data["name"]
        codes = factors.add_passkey(user, name, made, by=actor_of(request))
        return _added(request, codes, _("The passkey is set up."))
    context = {"form": form, "options": form.options(user)}
    context["forced"] = second_factor.must_have_one(user) and not factors.has_factor(user)
    status = 422 if form.errors else 200
    return render(request, "accounts/passkey_page.html", context, status=status)


@require_POST
@confirmation_required
def factor_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove one of the own second factors."""
    user = person_of(request)
    own = Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES)
    factor = get_object_or_404(own, pk=pk, user=user)
    factors.remove_factor(user, factor, by=actor_of(request))
    messages.success(request, _("The second factor is removed."))
    return redirect("accounts:account_show")


@require_POST
@confirmation_required
def recovery_codes_make(request: HttpRequest) -> HttpResponse:
    """Make recovery codes anew and show them once."""
    user = person_of(request)
    if not factors.has_factor(user):
        messages.error(request, _("Set up a second factor first; recovery codes stand in for it."))
        return redirect("accounts:account_show")
    return _codes_page(request, factors.make_codes(user, by=actor_of(request)))


@require_POST
def sessions_end(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere, here too."""
    user = person_of(request)
    count = sessions.end_sessions(user)
    subject = ("user", user.pk, user.username)
    detail = {"sessions": str(count)}
    record("account.signed_out_everywhere", actor=actor_of(request), subject=subject, detail=detail)
    logout(request)
    messages.success(request, _("You are signed out everywhere."))
    return redirect("accounts:login")


@require_POST
@role_required(Role.ADMINISTRATOR)
@confirmation_required
def factors_take(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a lost second factor away from a person, and end their sessions."""
    user = get_object_or_404(User, pk=pk)
    factors.take_away(user, by=actor_of(request))
    sessions.end_sessions(user)
    messages.success(
        request,
        _("%(name)s has no second factor any more and signs in with the password alone.")
        % {"name": user.username},
    )
    return redirect("accounts:people_list")


def _added(request: HttpRequest, codes: tuple[str, ...], said: str) -> HttpResponse:
    messages.success(request, said)
    return _codes_page(request, codes) if codes else redirect("accounts:account_show")


def _codes_page(request: HttpRequest, codes: tuple[str, ...]) -> HttpResponse:
    page = render(request, "accounts/recovery_codes_page.html", {"codes": codes})
    page["Cache-Control"] = "no-store"
    return page


def _picture(user: User, secret: str) -> str:
    """The QR code as an address of an image: the page's policy allows no inline style."""
    address = get_adapter().build_totp_url(user, secret)
    drawn = BytesIO()
    # On white, since the page may be dark.
    qrcode.make(address, image_factory=SvgPathFillImage).save(drawn)
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn.getvalue()).decode()}"
