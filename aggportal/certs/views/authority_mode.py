"""Changing how closely an authority follows cfssl."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, role_required
from aggportal.certs.forms.authority_mode import ModeForm
from aggportal.certs.models import Authority, Mode
from aggportal.certs.scoping import of_authority
from aggportal.certs.services.modes import change_mode
from aggportal.certs.views.authorities import authority_page
from aggportal.web.actors import actor_of


@require_POST
@role_required(Role.ADMINISTRATOR, on=of_authority)
@confirmation_required
def authority_mode(request: HttpRequest, slug: str) -> HttpResponse:
    """Make an authority strict, or follow cfssl exactly."""
    authority = get_object_or_404(Authority, slug=slug)
    form = ModeForm(request.POST)
    if not form.is_valid():
        return authority_page(request, authority, status=422, mode_form=form)
    mode = Mode(form.cleaned_data["mode"])
    change_mode(authority, mode, by=actor_of(request), now=timezone.now())
    messages.success(request, _("What it issues from now on follows this choice."))
    return redirect(authority)
