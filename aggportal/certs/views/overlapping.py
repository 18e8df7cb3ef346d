"""The time in which an authority and its successor are both trusted, and retiring the old one."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, role_required
from aggportal.certs.forms.authority_renewing import ConfirmAuthorityForm
from aggportal.certs.models import Authority
from aggportal.certs.scoping import of_authority
from aggportal.certs.services.succeeding import (
    good_certificates,
    overlap_files,
    reinstate_authority,
    retire_authority,
    successor_of,
)
from aggportal.web.actors import actor_of


@require_GET
@role_required(Role.VIEWER, on=of_authority)
def authority_overlap(request: HttpRequest, slug: str) -> HttpResponse:
    """Say in which order to go over to the successor, and how much is left."""
    authority = _authority(slug)
    return _overlap(request, authority, ConfirmAuthorityForm(authority=authority))


@require_GET
@role_required(Role.VIEWER)
def overlap_file(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Send old and new certificate in one file."""
    authority = _authority(slug)
    successor = successor_of(authority)
    files = overlap_files(authority, successor) if successor else ()
    found = next((file for file in files if file.name == name), None)
    if found is None:
        raise Http404
    kind = "application/yaml" if name.endswith(".yaml") else "application/x-pem-file"
    response = HttpResponse(found.body, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{found.name}"'
    return response


@require_POST
@role_required(Role.ADMINISTRATOR, on=of_authority)
@confirmation_required
def authority_retire(request: HttpRequest, slug: str) -> HttpResponse:
    """Let an authority issue no more, or issue again."""
    authority = _authority(slug)
    form = ConfirmAuthorityForm(request.POST, authority=authority)
    if not form.is_valid():
        return _overlap(request, authority, form, status=422)
    by, now = actor_of(request), timezone.now()
    if request.POST.get("do") == "reinstate":
        reinstate_authority(authority, by=by, now=now)
        messages.success(request, _("It issues again."))
    else:
        retire_authority(authority, by=by, now=now)
        messages.success(request, _("It is retired and issues no more."))
    return redirect("certs:authority_overlap", slug=authority.slug)


def _authority(slug: str) -> Authority:
    return get_object_or_404(Authority, slug=slug)


def _overlap(
    request: HttpRequest, authority: Authority, form: ConfirmAuthorityForm, *, status: int = 200
) -> HttpResponse:
    successor = successor_of(authority)
    context = {
        "authority": authority,
        "successor": successor,
        "form": form,
        "good": good_certificates(authority, now=timezone.now()),
        "files": overlap_files(authority, successor) if successor else (),
    }
    return render(request, "certs/authority_overlap_page.html", context, status=status)
