"""Renewing an authority's own certificate."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, role_required
from aggportal.certs.forms.authority_renewing import AnswerForm, RenewAuthorityForm
from aggportal.certs.lane_words import LANE_WORDS
from aggportal.certs.models import Authority
from aggportal.certs.scoping import of_authority
from aggportal.certs.services.authority_renewing import dates_of_renewal, loaded, renew_authority
from aggportal.certs.services.chains import require_issuing
from aggportal.certs.services.outside_renewing import (
    accept_renewed_certificate,
    ask_outside,
)
from aggportal.pki.errors import PkiError
from aggportal.pki.plans import Validity
from aggportal.pki.renewing import names_issuers_serial
from aggportal.web.actors import actor_of
from aggportal.web.pace import costly
from aggportal.web.sentences import words
from aggportal.words import RefusedError

Form = RenewAuthorityForm | AnswerForm


@require_http_methods(["GET", "POST"])
@role_required(Role.ADMINISTRATOR, on=of_authority)
@costly
@confirmation_required
def authority_renew(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what renewing means for this authority, and do it."""
    authority = _authority(slug)
    if request.method == "GET":
        return _render(request, authority, _form(authority))
    form = _form(authority, request)
    if not form.is_valid():
        return _render(request, authority, form, status=422)
    try:
        after = _renew(request, authority, form)
    except PkiError as refused:
        field = "certificate" if isinstance(form, AnswerForm) else "expiry"
        form.add_error(field if field in form.fields else None, words(refused.sentence))
        return _render(request, authority, form, status=422)
    told = _("%(label)s is renewed until %(end)s. Give the new certificate to whoever trusts it.")
    messages.success(request, told % {"label": after.label, "end": f"{after.not_after:%Y-%m-%d}"})
    return redirect(after)


@require_POST
@role_required(Role.ADMINISTRATOR, on=of_authority)
@confirmation_required(hands_out=True)
def authority_renewal_request(request: HttpRequest, slug: str) -> HttpResponse:
    """Send the request for the outside CA: the same key, the same subject."""
    authority = _authority(slug)
    text = ask_outside(authority, by=actor_of(request), now=timezone.now())
    response = HttpResponse(text, content_type="application/x-pem-file")
    response["Content-Disposition"] = f'attachment; filename="{authority.file_base}-renewal.csr"'
    return response


def _authority(slug: str) -> Authority:
    return get_object_or_404(Authority.objects.select_related("key", "parent__key"), slug=slug)


def _is_outside(authority: Authority) -> bool:
    return authority.parent_id is None and not authority.is_root


def _form(authority: Authority, request: HttpRequest | None = None) -> Form:
    if _is_outside(authority):
        files = request.FILES if request else None
        return AnswerForm(request.POST if request else None, files, authority=authority)
    return RenewAuthorityForm(request.POST if request else None, authority=authority)


def _renew(request: HttpRequest, authority: Authority, form: Form) -> Authority:
    """Raises what the services refuse; a late one reaches the page of refusals (409)."""
    by, now, seen = actor_of(request), timezone.now(), form.cleaned_data["seen"]
    if isinstance(form, RenewAuthorityForm):
        return renew_authority(authority, life=form.life, seen=seen, by=by, now=now)
    text = form.cleaned_data["text"]
    return accept_renewed_certificate(authority, text, seen=seen, by=by, now=now)


def _dates(authority: Authority, form: Form) -> Validity | None:
    """Return what the page foretells; nothing where somebody else decides, or on a refusal."""
    if isinstance(form, AnswerForm):
        return None
    life = form.life if form.is_bound and form.is_valid() else None
    try:
        return dates_of_renewal(authority, life=life, now=timezone.now())
    except PkiError:
        return None


def _hindrance(authority: Authority) -> RefusedError | None:
    try:
        require_issuing(authority)
    except RefusedError as refused:
        return refused
    return None


def _render(
    request: HttpRequest, authority: Authority, form: Form, *, status: int = 200
) -> HttpResponse:
    now = timezone.now()
    context = {
        "authority": authority,
        "form": form,
        "lane": LANE_WORDS[authority.lane],
        "outside": _is_outside(authority),
        "as_cfssl": "expiry" not in form.fields and not _is_outside(authority),
        "dates": _dates(authority, form),
        "bound": names_issuers_serial(loaded(authority)),
        "good": authority.certificates.good(now=now).count(),
        "hindrance": _hindrance(authority),
    }
    return render(request, "certs/authority_renew_page.html", context, status=status)
