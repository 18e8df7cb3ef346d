"""Requests of our own: all of them, one of them, and the certificate that comes back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import PORTAL, Role, Scope, has_role, require_role, role_required
from aggportal.certs.forms.own_requests import AnswerForm, DropForm
from aggportal.certs.models import OwnRequest, Purpose
from aggportal.certs.services.answering import Answer, read_answer, settle
from aggportal.certs.services.own_requests import (
    AlreadyAnswered,
    drop_own_request,
    take_own_key,
)
from aggportal.certs.views.files import download
from aggportal.ledger.models import Entry
from aggportal.pki.errors import PkiError
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.reading import read_certificate
from aggportal.pki.returned import differences, doubts
from aggportal.web.actors import actor_of
from aggportal.web.pace import costly
from aggportal.web.pagination import page_by_id
from aggportal.web.sentences import words


@require_GET
@role_required(Role.VIEWER)
def own_request_list(request: HttpRequest) -> HttpResponse:
    """List our own requests: those that wait for their certificate, or all."""
    shown = "all" if request.GET.get("show") == "all" else "waiting"
    rows = OwnRequest.objects.select_related("certificate", "authority")
    page = page_by_id(
        rows if shown == "all" else rows.filter(answered_at=None),
        before=request.GET.get("before", ""),
        after=request.GET.get("after", ""),
    )
    context = {"page": page, "shown": shown}
    return render(request, "certs/own_request_list_page.html", context)


@require_GET
@role_required(Role.VIEWER)
def own_request_show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one request: its CSR to send away, or what came back."""
    return _page(request, _own(pk))


@require_http_methods(["GET", "POST"])
@role_required(Role.REQUESTER)
@costly
def own_request_answer(request: HttpRequest) -> HttpResponse:
    """Take in a certificate; which request it belongs to, its public key says."""
    if request.method == "GET":
        return _answer_page(request, AnswerForm())
    form = AnswerForm(request.POST, request.FILES)
    if not form.is_valid():
        return _answer_page(request, form, status=422)
    try:
        answer = read_answer(form.content())
        return _settled(request, form, answer)
    except AlreadyAnswered as late:
        form.add_error("text", words(late.sentence))
        return _answer_page(request, form, status=409)
    except PkiError as refused:
        for problem in refused.problems:
            form.add_problem(problem)
    return _answer_page(request, form, status=422)


def _settled(request: HttpRequest, form: AnswerForm, answer: Answer) -> HttpResponse:
    """Store the answer and show what it became; an authority is an administrator's matter."""
    reason, now = "", timezone.now()
    if answer.own.purpose == Purpose.AUTHORITY:
        require_role(request.user, Role.ADMINISTRATOR)
        reason = form.cleaned_data["override_reason"]
    made = settle(answer, override_reason=reason, by=actor_of(request), now=now)
    messages.success(request, _("%(name)s came back and is kept with its key.") % {"name": made})
    for sentence in (
        *doubts(answer.facts, now=now),
        *differences(answer.own.csr_pem, answer.facts),
    ):
        messages.warning(request, words(sentence))
    return redirect(made)


@require_GET
@role_required(Role.VIEWER)
def own_request_csr(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the CSR."""
    own = _own(pk)
    return download(own.csr_pem, name=f"{own.file_base}.csr", kind="application/pkcs10")


@never_cache
@require_POST
@role_required(Role.REQUESTER)
@confirmation_required(hands_out=True)
def own_request_key(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the private key, recorded."""
    own = _own(pk)
    _require_maker(request, own)
    pem = take_own_key(own, by=actor_of(request), now=timezone.now())
    return download(pem, name=f"{own.file_base}-key.pem", kind="application/x-pem-file")


@require_http_methods(["GET", "POST"])
@role_required(Role.REQUESTER)
@confirmation_required
def own_request_drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete an open request and its key, after its name was typed."""
    own = _own(pk)
    _require_maker(request, own)
    form = DropForm(request.POST if request.method == "POST" else None, expected=own.file_base)
    if request.method == "GET" or not form.is_valid():
        status = 200 if request.method == "GET" else 422
        context = {"own": own, "form": form}
        return render(request, "certs/own_request_drop_page.html", context, status=status)
    drop_own_request(own, by=actor_of(request), now=timezone.now())
    messages.success(request, _("The request and its private key are deleted."))
    return redirect("certs:own_request_list")


def _needed(request: HttpRequest, own: OwnRequest) -> tuple[Role, Scope | None]:
    """What it takes to take its key and to drop it: having made it, or to be an issuer of the whole
    portal; what is to become an authority is an administrator's matter.
    """
    if own.purpose == Purpose.AUTHORITY:
        return Role.ADMINISTRATOR, PORTAL
    if own.created_by == request.user.get_username():
        return Role.REQUESTER, None
    return Role.ISSUER, PORTAL


def _require_maker(request: HttpRequest, own: OwnRequest) -> None:
    role, scope = _needed(request, own)
    require_role(request.user, role, on=scope)


def _may_take(request: HttpRequest, own: OwnRequest) -> bool:
    role, scope = _needed(request, own)
    return has_role(request.user, role, on=scope)


def _own(pk: int) -> OwnRequest:
    rows = OwnRequest.objects.select_related("key", "certificate__material", "authority")
    return get_object_or_404(rows, pk=pk)


def _came_back(own: OwnRequest) -> CertificateFacts | None:
    if own.certificate is not None:
        return read_certificate(own.certificate.material.pem)
    return read_certificate(own.authority.certificate_pem) if own.authority else None


def _page(request: HttpRequest, own: OwnRequest) -> HttpResponse:
    facts = _came_back(own)
    story = Entry.objects.filter(object_kind="own_request", object_id=str(own.pk))
    context = {
        "own": own,
        "facts": facts,
        "differences": differences(own.csr_pem, facts) if facts else (),
        "form": AnswerForm(),
        "may_take": _may_take(request, own),
        "story": story[:20],
    }
    return render(request, "certs/own_request_page.html", context)


def _answer_page(request: HttpRequest, form: AnswerForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "waiting": OwnRequest.objects.filter(answered_at=None).count()}
    return render(request, "certs/own_request_answer_page.html", context, status=status)
