"""One person: what they hold, giving and taking it, closing the account and opening it again."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from aggportal.accounts import granting
from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.forms import CloseForm, GrantForm
from aggportal.accounts.models import Grant, User
from aggportal.accounts.rights import PORTAL, Role, Scope
from aggportal.accounts.roles import role_required
from aggportal.accounts.scopes import names_of
from aggportal.web.actors import actor_of
from aggportal.web.sentences import words
from aggportal.words import RefusedError


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One grant as lists show it: the role, and where by the name that people know."""

    grant: Grant
    where: str

    @property
    def everywhere(self) -> bool:
        return self.grant.scope == PORTAL


def lines_of(people: list[User]) -> dict[int, list[Line]]:
    """Return the grants of each, by the person's id; the names are read once for all."""
    grants = [grant for person in people for grant in person.grants.all()]
    names = names_of(grant.scope for grant in grants)
    lines: dict[int, list[Line]] = {person.pk: [] for person in people}
    for grant in grants:
        lines[grant.user_id].append(Line(grant=grant, where=names[grant.scope]))
    return lines


@require_GET
@role_required(Role.ADMINISTRATOR, on=PORTAL)
def person_show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what a person holds, and where."""
    return _page(request, get_object_or_404(User, pk=pk))


@require_POST
@role_required(Role.ADMINISTRATOR, on=PORTAL)
@confirmation_required
def grant_give(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a role, everywhere or on one authority or cluster."""
    user = get_object_or_404(User, pk=pk)
    form = GrantForm(request.POST)
    if not form.is_valid():
        return _page(request, user, form=form, status=422)
    role, scope = Role(form.cleaned_data["role"]), form.scope
    try:
        granting.give_grant(user, role, on=scope, by=actor_of(request), now=timezone.now())
    except RefusedError as refused:
        form.add_error(refused.field or None, words(refused.sentence))
        late = isinstance(refused, granting.AlreadyGranted | granting.Closed)
        return _page(request, user, form=form, status=409 if late else 422)
    _say(request, _("%(name)s is now %(role)s."), user, role, scope)
    return redirect("accounts:person_show", pk=user.pk)


@require_POST
@role_required(Role.ADMINISTRATOR, on=PORTAL)
@confirmation_required
def grant_take(request: HttpRequest, pk: int, grant: int) -> HttpResponse:
    """Take a role away."""
    row = get_object_or_404(Grant.objects.select_related("user"), pk=grant, user_id=pk)
    role, scope = Role(row.role), row.scope
    try:
        granting.take_grant(row, by=actor_of(request), now=timezone.now())
    except granting.LastAdministrator as refused:
        messages.error(request, words(refused.sentence))
        return _page(request, row.user, status=409)
    _say(request, _("%(name)s is no longer %(role)s."), row.user, role, scope)
    if row.user_id == request.user.pk:  # they may not see this page any more
        return redirect("accounts:account_show")
    return redirect("accounts:person_show", pk=pk)


@require_POST
@role_required(Role.ADMINISTRATOR, on=PORTAL)
@confirmation_required
def person_close(request: HttpRequest, pk: int) -> HttpResponse:
    """Close an account after its name was typed."""
    user = get_object_or_404(User, pk=pk)
    form = CloseForm(request.POST, expected=user.username)
    if not form.is_valid():
        return _page(request, user, closing=form, status=422)
    try:
        granting.close_account(user, by=actor_of(request), now=timezone.now())
    except granting.LastAdministrator as refused:
        messages.error(request, words(refused.sentence))
        return _page(request, user, status=409)
    messages.success(request, _("The account of %(name)s is closed.") % {"name": user.username})
    return redirect("accounts:people_list")


@require_POST
@role_required(Role.ADMINISTRATOR, on=PORTAL)
@confirmation_required
def person_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Open a closed account again; the person holds nothing until somebody gives a role."""
    user = get_object_or_404(User, pk=pk)
    granting.reopen_account(user, by=actor_of(request), now=timezone.now())
    told = _("The account of %(name)s is open again. Give it a role.")
    messages.success(request, told % {"name": user.username})
    return redirect("accounts:person_show", pk=user.pk)


def _say(request: HttpRequest, told: str, user: User, role: Role, scope: Scope) -> None:
    where = "" if scope == PORTAL else f" ({names_of([scope])[scope]})"
    messages.success(request, told % {"name": user.username, "role": f"{role.label}{where}"})


def _page(
    request: HttpRequest,
    user: User,
    *,
    form: GrantForm | None = None,
    closing: CloseForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "person": user,
        "lines": lines_of([user])[user.pk],
        "form": form or GrantForm(initial={"role": Role.VIEWER, "where": ""}),
        "closing": closing or CloseForm(expected=user.username),
        "is_self": user.pk == request.user.pk,
    }
    return render(request, "accounts/person_page.html", context, status=status)
