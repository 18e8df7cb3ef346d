"""One signing request: what it asks for, what would be issued, and the decision on it."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from aggportal.accounts.roles import Role, role_required
from aggportal.certs.forms.received import DecisionForm, RejectForm
from aggportal.certs.models import SigningRequest
from aggportal.certs.services.comparing import Comparison, comparison_of
from aggportal.certs.services.received import (
    AlreadyDecided,
    Decision,
    csr_of,
    reject_request,
    sign_request,
)
from aggportal.ledger.models import Entry
from aggportal.pki.comparing import asked_names
from aggportal.pki.csrreading import CsrFacts
from aggportal.pki.errors import PkiError
from aggportal.web.actors import actor_of
from aggportal.web.pace import costly
from aggportal.words import RefusedError


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestPage:
    """Everything that the page of one request shows."""

    asked: SigningRequest
    csr: CsrFacts
    form: DecisionForm
    rejecting: RejectForm
    refused: RefusedError | None = None


@require_GET
@role_required(Role.VIEWER)
def request_show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one request, decided or not."""
    return _render(request, _page(pk))


@require_POST
@role_required(Role.ADMINISTRATOR)
def request_compare(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer the comparison while whoever decides changes something."""
    page = _page(pk, decided=request)
    context = {"comparison": _comparison(page), "form": page.form, "decides": True}
    return render(request, "certs/_asked_compare.html", context)


@require_POST
@role_required(Role.ADMINISTRATOR)
@costly
def request_sign(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign a waiting request, with or without changes; "show" only looks."""
    page = _page(pk, decided=request)
    if request.POST.get("do") == "show":
        return _render(request, page, status=200 if page.form.is_valid() else 422)
    if not page.form.is_valid():
        return _render(request, page, status=422)
    try:
        certificate = sign_request(
            page.asked, _decided(page.form), by=actor_of(request), now=timezone.now()
        )
    except AlreadyDecided as late:
        return _late(request, pk, late)
    except PkiError as refused:
        for problem in refused.problems:
            page.form.add_problem(problem)
        return _render(request, page, status=422)
    messages.success(request, _("%(name)s is signed.") % {"name": certificate})
    return redirect(certificate)


@require_POST
@role_required(Role.ADMINISTRATOR)
def request_reject(request: HttpRequest, pk: int) -> HttpResponse:
    """Reject a waiting request with a reason."""
    page = _page(pk, rejected=request)
    if not page.rejecting.is_valid():
        return _render(request, page, status=422)
    reason = page.rejecting.cleaned_data["reason"]
    try:
        reject_request(page.asked, reason=reason, by=actor_of(request), now=timezone.now())
    except AlreadyDecided as late:
        return _late(request, pk, late)
    messages.success(request, _("The request is rejected; the reason stands on its page."))
    return redirect(page.asked)


def _page(
    pk: int,
    *,
    decided: HttpRequest | None = None,
    rejected: HttpRequest | None = None,
    refused: RefusedError | None = None,
) -> RequestPage:
    rows = SigningRequest.objects.received().select_related("authority", "authority__key")
    asked = get_object_or_404(rows, pk=pk)
    csr = csr_of(asked)
    return RequestPage(
        asked=asked,
        csr=csr,
        form=DecisionForm(
            decided.POST if decided else None,
            authority=asked.authority,
            csr=csr,
            profile=asked.profile,
        ),
        rejecting=RejectForm(rejected.POST if rejected else None),
        refused=refused,
    )


def _late(request: HttpRequest, pk: int, late: AlreadyDecided) -> HttpResponse:
    """Show what was decided before, and say so."""
    return _render(request, _page(pk, refused=late), status=409)


def _decided(form: DecisionForm) -> Decision:
    """Return what a form that is valid says. Raises `PkiError` for a subject that cannot be."""
    return Decision(
        profile=form.cleaned_data["profile"],
        changes=form.changes(),
        override_reason=form.cleaned_data["override_reason"],
    )


def _decision(page: RequestPage) -> Decision:
    """Return the decision that the page shows; a form that is wrong counts as untouched."""
    if page.form.is_bound and page.form.is_valid():
        try:
            return _decided(page.form)
        except PkiError as refused:
            for problem in refused.problems:
                page.form.add_problem(problem)
    return Decision(profile=page.asked.profile)


def _comparison(page: RequestPage) -> Comparison | None:
    if not page.asked.waits:
        return None
    return comparison_of(page.asked.authority, page.csr, _decision(page), now=timezone.now())


def _render(request: HttpRequest, page: RequestPage, *, status: int = 200) -> HttpResponse:
    story = Entry.objects.filter(object_kind="request", object_id=str(page.asked.pk))
    context = {
        "asked": page.asked,
        "csr": page.csr,
        "csr_names": asked_names(page.csr),
        "authority": page.asked.authority,
        "certificate": getattr(page.asked, "certificate", None),
        "comparison": _comparison(page),
        "form": page.form,
        "rejecting": page.rejecting,
        "decides": True,
        "refused": page.refused,
        "story": story[:20],
    }
    return render(request, "certs/request_page.html", context, status=status)
