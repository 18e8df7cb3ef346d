"""Signing in and out, the own account, and the people."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from aggportal.accounts import services
from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.forms import OwnPasswordForm, PersonForm
from aggportal.accounts.models import User
from aggportal.accounts.people import lines_of
from aggportal.accounts.roles import PORTAL, Role, role_required
from aggportal.web.actors import actor_of
from aggportal.web.sentences import words

login = LoginView.as_view(
    template_name="accounts/login_page.html", redirect_authenticated_user=True
)
logout = LogoutView.as_view()


@never_cache
@require_http_methods(["GET", "POST"])
def password_change(request: HttpRequest) -> HttpResponse:
    """Choose an own password; a one-time password leads here and nowhere else."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101  # LoginRequiredMiddleware lets nobody else in
    form = OwnPasswordForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        services.change_own_password(user, form.cleaned_data["new_password1"], by=actor_of(request))
        update_session_auth_hash(request, user)
        messages.success(request, _("Your password is changed."))
        return redirect("dashboard:dashboard_show")
    context = {"form": form, "forced": user.must_change_password}
    return render(
        request, "accounts/password_page.html", context, status=422 if form.errors else 200
    )


@require_GET
@role_required(Role.ADMINISTRATOR, on=PORTAL)
def people_list(request: HttpRequest) -> HttpResponse:
    """List everybody with what they hold."""
    return render(request, "accounts/people_page.html", _people(PersonForm()))


@require_POST
@role_required(Role.ADMINISTRATOR, on=PORTAL)
@confirmation_required
def person_add(request: HttpRequest) -> HttpResponse:
    """Add a person and show their one-time password once."""
    form = PersonForm(request.POST)
    if not form.is_valid():
        return render(request, "accounts/people_page.html", _people(form), status=422)
    typed = form.cleaned_data
    try:
        user, password = services.add_person(
            typed["username"],
            role=Role(typed["role"]),
            email=typed["email"],
            by=actor_of(request),
        )
    except services.NameTaken as refused:
        form.add_error("username", words(refused.sentence))
        return render(request, "accounts/people_page.html", _people(form), status=422)
    return _show_password(request, user, password)


@require_POST
@role_required(Role.ADMINISTRATOR, on=PORTAL)
@confirmation_required
def person_renew(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a person a new one-time password and show it once."""
    user = get_object_or_404(User, pk=pk)
    password = services.renew_password(user, by=actor_of(request))
    return _show_password(request, user, password)


def _people(form: PersonForm) -> dict[str, object]:
    people = list(User.objects.prefetch_related("grants", "authenticator_set").order_by("username"))
    lines = lines_of(people)
    return {"form": form, "people": [(person, lines[person.pk]) for person in people]}


def _show_password(request: HttpRequest, user: User, password: str) -> HttpResponse:
    response = render(
        request, "accounts/one_time_page.html", {"person": user, "password": password}
    )
    response["Cache-Control"] = "no-store"
    return response
