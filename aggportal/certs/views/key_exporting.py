"""Asking that an authority's key may leave, and approving it. The key itself leaves by a command
on the server and by no page.
"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, role_required
from aggportal.certs.forms.key_exporting import (
    ApproveExportForm,
    AskExportForm,
    RejectExportForm,
)
from aggportal.certs.models import Authority, KeyExport, KeyHome
from aggportal.certs.scoping import of_authority
from aggportal.certs.services.key_exporting import (
    VOTES,
    approve_export,
    ask_export,
    open_export,
    reject_export,
)
from aggportal.pki.errors import PkiError
from aggportal.web.actors import actor_of
from aggportal.web.sentences import words


@require_GET
@role_required(Role.VIEWER, on=of_authority)
def key_export(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what waits for approval, or how to ask."""
    return _page(request, get_object_or_404(Authority, slug=slug))


@require_POST
@role_required(Role.ADMINISTRATOR, on=of_authority)
@confirmation_required
def key_export_ask(request: HttpRequest, slug: str) -> HttpResponse:
    """Let it wait for two approvals."""
    authority = get_object_or_404(Authority, slug=slug)
    form = AskExportForm(request.POST, authority=authority)
    if form.is_valid():
        values, by, now = form.cleaned_data, actor_of(request), timezone.now()
        try:
            ask_export(authority, values["recipient"], reason=values["reason"], by=by, now=now)
        except PkiError as refused:
            field = refused.field if refused.field in form.fields else "recipient"
            form.add_error(field, words(refused.sentence))
        else:
            messages.success(request, _("Two other people have a day to approve this."))
            return redirect("certs:key_export", slug)
    return _page(request, authority, status=422, ask_form=form)


@require_POST
@role_required(Role.APPROVER, on=of_authority)
@confirmation_required
def key_export_approve(request: HttpRequest, slug: str) -> HttpResponse:
    """Say yes to the recipient that the page showed."""
    export = _open_or_404(slug)
    form = ApproveExportForm(request.POST, authority=export.authority)
    if not form.is_valid():
        return _page(request, export.authority, status=422, approve_form=form)
    seen = form.cleaned_data["seen"]
    approve_export(export, seen=seen, by=actor_of(request), now=timezone.now())
    messages.success(request, _("Your approval is recorded."))
    return redirect("certs:key_export", slug)


@require_POST
@role_required(Role.VIEWER, on=of_authority)
def key_export_reject(request: HttpRequest, slug: str) -> HttpResponse:
    """End it, as an approver or as whoever asked."""
    export = _open_or_404(slug)
    form = RejectExportForm(request.POST)
    if not form.is_valid():
        return _page(request, export.authority, status=422, reject_form=form)
    why = form.cleaned_data["why"]
    reject_export(export, reason=why, by=actor_of(request), now=timezone.now())
    messages.success(request, _("The key stays here."))
    return redirect("certs:key_export", slug)


def _open_or_404(slug: str) -> KeyExport:
    export = open_export(get_object_or_404(Authority, slug=slug))
    return export or get_object_or_404(KeyExport.objects.none())


def _page(
    request: HttpRequest, authority: Authority, *, status: int = 200, **forms: object
) -> HttpResponse:
    export, now = open_export(authority), timezone.now()
    proposal = export.proposal if export else None
    context = {
        "authority": authority,
        "is_in_token": authority.key.home == KeyHome.TOKEN,
        "export": export,
        "proposal": proposal,
        "approvals": list(proposal.approvals.all()) if proposal else [],
        "votes": VOTES,
        "is_over": proposal is not None and not proposal.is_open(now=now),
        "is_asker": proposal is not None and proposal.asked_by_id == request.user.pk,
        "ask_form": AskExportForm(authority=authority),
        "approve_form": ApproveExportForm(
            authority=authority, initial={"seen": export.recipient_sha256 if export else ""}
        ),
        "reject_form": RejectExportForm(),
        **forms,
    }
    return render(request, "certs/key_export_page.html", context, status=status)
