"""Publishing a revocation list by hand, and saying how long lists are valid."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, role_required
from aggportal.certs.forms.revoking import CrlForm
from aggportal.certs.models import Authority
from aggportal.certs.scoping import of_authority
from aggportal.certs.services.crls import change_crl_hours, publish_after
from aggportal.certs.views.authorities import authority_page
from aggportal.web.actors import actor_of


@require_POST
@role_required(Role.ADMINISTRATOR, on=of_authority)
def crl_publish(request: HttpRequest, slug: str) -> HttpResponse:
    """Sign and publish a new list, unless one came since the page was read."""
    authority = get_object_or_404(Authority, slug=slug)
    seen = request.POST.get("number", "")
    number = int(seen) if seen.isdecimal() and len(seen) < 19 else -1
    crl = publish_after(authority, number, by=actor_of(request), now=timezone.now())
    messages.success(request, _("List %(number)d is published.") % {"number": crl.number})
    return redirect(authority)


@require_POST
@role_required(Role.ADMINISTRATOR, on=of_authority)
@confirmation_required
def crl_change(request: HttpRequest, slug: str) -> HttpResponse:
    """Say how long lists are valid from now on."""
    authority = get_object_or_404(Authority, slug=slug)
    form = CrlForm(request.POST)
    if not form.is_valid():
        return authority_page(request, authority, status=422, crl_form=form)
    hours = form.cleaned_data["hours"]
    change_crl_hours(authority, hours, by=actor_of(request), now=timezone.now())
    messages.success(request, _("The life of revocation lists is saved."))
    return redirect(authority)
