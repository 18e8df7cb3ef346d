"""Cross-signing an authority: by another of ours, or by an outside CA."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, role_required
from aggportal.certs.forms.cross_signing import CrossAnswerForm, CrossSignForm
from aggportal.certs.models import Authority, OtherRole
from aggportal.certs.scoping import of_authority
from aggportal.certs.services.cross_signing import (
    AlreadyCrossSigned,
    add_cross_certificate,
    cross_sign,
    make_cross_request,
)
from aggportal.certs.views.files import download
from aggportal.pki.errors import PkiError
from aggportal.web.actors import actor_of
from aggportal.web.pace import costly


@require_http_methods(["GET", "POST"])
@role_required(Role.ADMINISTRATOR, on=of_authority)
@costly
@confirmation_required
def authority_cross(request: HttpRequest, slug: str) -> HttpResponse:
    """Show who signed the authority as well; another of ours does it, or one comes from outside."""
    authority = _authority(slug)
    if request.method == "GET":
        return _page(request, authority)
    if request.POST.get("do") == "bring":
        return _bring(request, authority)
    return _sign(request, authority)


def _sign(request: HttpRequest, authority: Authority) -> HttpResponse:
    form = CrossSignForm(request.POST, authority=authority)
    if not form.is_valid():
        return _page(request, authority, signing=form, status=422)
    try:
        cross_sign(
            authority,
            by_authority=form.chosen(),
            expiry=form.cleaned_data["expiry"],
            override_reason=form.cleaned_data["override_reason"],
            by=actor_of(request),
            now=timezone.now(),
        )
    except PkiError as refused:
        for problem in refused.problems:
            form.add_problem(problem)
        return _page(request, authority, signing=form, status=_status(refused))
    return _done(request, authority)


@require_POST
@role_required(Role.ADMINISTRATOR, on=of_authority)
@confirmation_required(hands_out=True)
def authority_cross_request(request: HttpRequest, slug: str) -> HttpResponse:
    """Send a CSR from the authority's own key, for an outside CA; recorded."""
    authority = _authority(slug)
    text = make_cross_request(authority, by=actor_of(request), now=timezone.now())
    return download(text, name=f"{authority.file_base}-cross.csr", kind="application/pkcs10")


def _bring(request: HttpRequest, authority: Authority) -> HttpResponse:
    form = CrossAnswerForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, authority, bringing=form, status=422)
    try:
        add_cross_certificate(authority, form.content(), by=actor_of(request), now=timezone.now())
    except PkiError as refused:
        for problem in refused.problems:
            form.add_problem(problem)
        return _page(request, authority, bringing=form, status=_status(refused))
    return _done(request, authority)


def _status(refused: PkiError) -> int:
    return 409 if isinstance(refused, AlreadyCrossSigned) else 422


def _done(request: HttpRequest, authority: Authority) -> HttpResponse:
    text = _("%(label)s is cross-signed: below it has one more way to a root.")
    messages.success(request, text % {"label": authority.label})
    return redirect(authority)


def _authority(slug: str) -> Authority:
    rows = Authority.objects.select_related("key", "parent", "issued_as")
    return get_object_or_404(rows, slug=slug)


def _page(
    request: HttpRequest,
    authority: Authority,
    *,
    signing: CrossSignForm | None = None,
    bringing: CrossAnswerForm | None = None,
    status: int = 200,
) -> HttpResponse:
    others = authority.other_certificates.filter(role=OtherRole.CROSS)
    context = {
        "authority": authority,
        "signing": signing or CrossSignForm(authority=authority),
        "bringing": bringing or CrossAnswerForm(),
        "others": others.select_related("issuer"),
    }
    return render(request, "certs/authority_cross_page.html", context, status=status)
