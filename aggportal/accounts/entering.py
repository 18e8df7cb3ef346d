"""Coming in: name and password, a second step for who has one, or a passkey alone."""

from __future__ import annotations

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from allauth.account.stages import LoginStageController
from allauth.core.internal import ratelimit
from allauth.mfa.webauthn.internal.flows import perform_passwordless_login
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from aggportal.accounts import factor_checks, proofs, sessions
from aggportal.accounts.forms import SignInForm
from aggportal.accounts.models import User
from aggportal.accounts.second_step import SecondStep


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """Ask for name and password."""
    target = next_page(request)
    if request.user.is_authenticated:
        return redirect(target)
    form = SignInForm(request, data=request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        person = Login(user=form.get_user(), redirect_url=target)
        known = {"username": form.get_user().username}
        sessions.shorten(request)
        answer: HttpResponse = perform_password_login(request, known, person)
        return answer
    return _entrance(request, form)


@never_cache
@require_http_methods(["GET", "POST"])
def login_passkey(request: HttpRequest) -> HttpResponse:
    """Begin (GET, JSON for the browser) and end a sign-in by a passkey alone."""
    if request.user.is_authenticated:
        return redirect(next_page(request))
    if not ratelimit.consume(request, app="allauth.mfa", action="webauthn_login", limit_get=True):
        return _entrance(request, problem=_("Too many tries. Wait a minute and try again."))
    if request.method == "GET":
        sessions.shorten(request)
        return HttpResponse(proofs.passkey_options(None), content_type="application/json")
    found = factor_checks.passkey_of_anybody(request, str(request.POST.get("credential", "")))
    if found is None:
        text = _("This passkey is not known here, or was not unlocked. Sign in with the password.")
        return _entrance(request, problem=text)
    person = Login(user=found.user, redirect_url=next_page(request))
    answer: HttpResponse = perform_passwordless_login(request, found, person)
    return answer


@never_cache
@sensitive_post_parameters("code", "credential")
@require_http_methods(["GET", "POST"])
def login_second(request: HttpRequest) -> HttpResponse:
    """Ask who gave a right password for the second factor."""
    stage = LoginStageController.enter(request, SecondStep.key)
    if stage is None or not isinstance(stage.login.user, User):
        return redirect("accounts:login")
    user, problem = stage.login.user, ""
    if request.method == "POST":
        proof = factor_checks.given(request)
        problem = factor_checks.problem_with(request, user, proof)
        if not problem:
            response: HttpResponse = stage.exit()
            return response
    context = {"ways": proofs.ways_of(user), "problem": problem, "who": user.username}
    status = 422 if problem else 200
    return render(request, "accounts/second_step_page.html", context, status=status)


def next_page(request: HttpRequest) -> str:
    """Return where to go afterwards: `next`, if it is a page of ours."""
    wanted = str(request.POST.get("next", request.GET.get("next", "")))
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if ours else resolve_url(settings.LOGIN_REDIRECT_URL)


def _entrance(
    request: HttpRequest, form: SignInForm | None = None, *, problem: str = ""
) -> HttpResponse:
    context = {
        "form": form or SignInForm(request),
        "problem": problem,
        "next": next_page(request),
        "next_query": urlencode({"next": next_page(request)}),
        "provider": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
    }
    failed = bool(problem or (form and form.errors))
    return render(request, "accounts/login_page.html", context, status=422 if failed else 200)
