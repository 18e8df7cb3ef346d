"""Signing requests of others: all of them, and handing one in."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from aggportal.accounts.roles import Role, role_required
from aggportal.certs.forms.received import AskForm
from aggportal.certs.models import Authority, SigningRequest, State
from aggportal.certs.scoping import authorities_held
from aggportal.certs.services.comparing import Comparison, comparison_of
from aggportal.certs.services.received import Decision
from aggportal.certs.services.receiving import receive_request
from aggportal.pki.errors import PkiError
from aggportal.web.actors import actor_of
from aggportal.web.pace import costly
from aggportal.web.pagination import page_by_id


@require_GET
@role_required(Role.VIEWER)
def request_list(request: HttpRequest) -> HttpResponse:
    """List the requests that came in: those that wait, or all."""
    shown = "all" if request.GET.get("show") == "all" else "waiting"
    rows = SigningRequest.objects.received().select_related(
        "authority", "certificate", "approved_by"
    )
    page = page_by_id(
        (rows if shown == "all" else rows.waiting()).defer("csr_pem", "request_spec"),
        before=request.GET.get("before", ""),
        after=request.GET.get("after", ""),
    )
    context = {"page": page, "shown": shown, "has_authorities": Authority.objects.exists()}
    return render(request, "certs/request_list_page.html", context)


@require_http_methods(["GET", "POST"])
@role_required(Role.REQUESTER)
@costly
def request_new(request: HttpRequest) -> HttpResponse:
    """Hand in a signing request."""
    if request.method == "GET":
        initial = {name: request.GET.get(name, "") for name in ("authority", "profile")}
        form = AskForm(initial=initial, among=authorities_held(request.user, Role.REQUESTER))
        form.fields["profile"].initial = form.chosen_profile
        return _page(request, form)
    among = authorities_held(request.user, Role.REQUESTER)
    form = AskForm(request.POST, request.FILES, among=among)
    valid = form.is_valid()
    if request.POST.get("do") != "hand-in":
        return _page(request, form, status=200 if valid or form.is_empty else 422)
    if valid:
        try:
            return _received(request, _receive(request, form))
        except PkiError as refused:
            for problem in refused.problems:
                form.add_problem(problem)
    return _page(request, form, status=422, complain=True)


@require_POST
@role_required(Role.REQUESTER)
def request_preview(request: HttpRequest) -> HttpResponse:
    """Answer the comparison while the request or the choice of who signs changes."""
    among = authorities_held(request.user, Role.REQUESTER)
    form = AskForm(request.POST, request.FILES, among=among)
    slug = form.chosen.slug if form.chosen else ""
    context = _context(form, complain=False)
    context["refused_csr"] = form.errors.get("csr")
    context["profiles_follow"] = request.POST.get("shown_authority", "") != slug
    return render(request, "certs/_asked_follow.html", context)


def _receive(request: HttpRequest, form: AskForm) -> SigningRequest:
    assert form.chosen is not None  # noqa: S101  # the form is valid, so it is the one that was sent
    assert form.asked is not None  # noqa: S101  # the form is valid, so it was read
    return receive_request(
        form.chosen,
        form.asked,
        profile=form.cleaned_data["profile"],
        by=actor_of(request),
        now=timezone.now(),
    )


def _received(request: HttpRequest, received: SigningRequest) -> HttpResponse:
    if received.state == State.ISSUED:
        messages.success(request, _("It is signed at once, as the profile says."))
        return redirect(received.certificate)
    if received.is_held:
        messages.success(request, _("It is handed in and waits for another person's approval."))
        return redirect(received)
    messages.success(request, _("It is handed in and waits for a decision."))
    return redirect(received)


def _compared(form: AskForm) -> Comparison | None:
    form.is_valid()
    if form.asked is None or form.chosen is None:
        return None
    decision = Decision(profile=form.chosen_profile)
    return comparison_of(form.chosen, form.asked, decision, now=timezone.now())


def _context(form: AskForm, *, complain: bool) -> dict[str, object]:
    """Return what the page shows; that nothing was given yet is no complaint until it is sent."""
    comparison = _compared(form)
    if form.is_bound and form.is_empty and not complain:
        form.errors.pop("csr", None)
    return {
        "form": form,
        "comparison": comparison,
        "authority": form.chosen,
        "has_authorities": form.chosen is not None,
    }


def _page(
    request: HttpRequest, form: AskForm, *, status: int = 200, complain: bool = False
) -> HttpResponse:
    context = _context(form, complain=complain)
    return render(request, "certs/request_new_page.html", context, status=status)
