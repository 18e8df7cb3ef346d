"""Deciding on one signing request: sign what was looked at, propose or approve it, reject it."""

from __future__ import annotations

from dataclasses import replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, role_required
from aggportal.certs.models import Certificate, SigningRequest
from aggportal.certs.scoping import of_request
from aggportal.certs.services.approvals import (
    AlreadyApproved,
    AlreadyProposed,
    NotApproved,
    ProposalOver,
    SelfApproval,
)
from aggportal.certs.services.approving import approve_request
from aggportal.certs.services.comparing import comparison_of
from aggportal.certs.services.holding import hold_request
from aggportal.certs.services.received import (
    AlreadyDecided,
    plan_reserved,
    reject_request,
    require_waiting,
    sign_request,
)
from aggportal.certs.services.succession import AlreadyRenewed
from aggportal.certs.services.two_people import PlanChanged, plan_changed
from aggportal.certs.views.issuing import held
from aggportal.certs.views.request_pages import (
    RequestPage,
    compared,
    decided_by,
    page_of,
    read_seen,
    render_page,
)
from aggportal.pki.errors import PkiError
from aggportal.web.actors import actor_of
from aggportal.words import RefusedError

_LATE = (
    AlreadyApproved,
    AlreadyDecided,
    AlreadyProposed,
    AlreadyRenewed,
    NotApproved,
    PlanChanged,
    ProposalOver,
    SelfApproval,
)


@require_GET
@role_required(Role.VIEWER, on=of_request)
def request_show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one request, decided or not."""
    return render_page(request, page_of(request, pk))


@require_POST
@role_required(Role.APPROVER, on=of_request)
def request_compare(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer the comparison while whoever decides changes something."""
    page = page_of(request, pk, decided=True)
    context = {**compared(page), "form": page.form, "decides": True}
    return render(request, "certs/_asked_compare.html", context)


@require_POST
@role_required(Role.APPROVER, on=of_request)
@confirmation_required(looks={"show"})
def request_sign(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign a waiting request, with or without changes; "show" only looks."""
    page = page_of(request, pk, decided=True)
    if page.form is None:
        return _late(request, page, plan_changed())
    if request.POST.get("do") == "show":
        return render_page(request, page, status=200 if page.form.is_valid() else 422)
    if not page.form.is_valid():
        return render_page(request, page, status=422)
    try:
        return _decided(request, _sign(request, page))
    except _LATE as late:
        return _late(request, page, late)
    except PkiError as refused:
        for problem in refused.problems:
            page.form.add_problem(problem)
        return render_page(request, page, status=422)


@require_POST
@role_required(Role.APPROVER, on=of_request)
@confirmation_required
def request_approve(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve the frozen bytes that the page showed, and have them signed."""
    page = page_of(request, pk)
    try:
        made = approve_request(
            page.asked,
            sha256=request.POST.get("sha256", ""),
            by=actor_of(request),
            now=timezone.now(),
        )
    except (*_LATE, PkiError) as late:
        return _late(request, page, late)
    return _decided(request, made)


@require_POST
@role_required(Role.APPROVER, on=of_request)
@confirmation_required
def request_reject(request: HttpRequest, pk: int) -> HttpResponse:
    """Reject a waiting request with a reason."""
    page = page_of(request, pk, rejected=True)
    if not page.rejecting.is_valid():
        return render_page(request, page, status=422)
    reason = page.rejecting.cleaned_data["reason"]
    try:
        reject_request(page.asked, reason=reason, by=actor_of(request), now=timezone.now())
    except AlreadyDecided as late:
        return _late(request, page, late)
    messages.success(request, _("The request is rejected; the reason stands on its page."))
    return redirect(page.asked)


def _sign(request: HttpRequest, page: RequestPage) -> Certificate | SigningRequest:
    """Sign what was looked at, or freeze it where another person must approve it."""
    assert page.form is not None  # noqa: S101  # request_sign looked
    assert page.csr is not None  # noqa: S101  # where there is a form there is a request
    decision, by, now = decided_by(page.form), actor_of(request), timezone.now()
    require_waiting(page.asked)
    plan_reserved(page.asked, decision, now=now)
    seen = read_seen(request.POST.get("seen", ""), page.asked)
    told = comparison_of(page.asked.authority, page.csr, decision, now=seen.at)
    if told.two_people and not told.refusals:
        return hold_request(page.asked, decision, by=by, now=now)
    return sign_request(page.asked, decision, by=by, now=now, seen=seen)


def _decided(request: HttpRequest, made: Certificate | SigningRequest) -> HttpResponse:
    if isinstance(made, SigningRequest):
        return held(request, made)
    messages.success(request, _("%(name)s is signed.") % {"name": made})
    return redirect(made)


def _late(request: HttpRequest, page: RequestPage, late: RefusedError) -> HttpResponse:
    """Show what is true by now, and say so; what was typed stays while it can still count."""
    fresh = page_of(request, page.asked.pk, refused=late)
    if fresh.asked.waits and page.form is not None and page.form.is_bound:
        fresh = replace(fresh, form=page.form)
    return render_page(request, fresh, status=getattr(late, "status", 409))
