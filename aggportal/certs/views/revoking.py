"""Revoking certificates, one or many, and releasing what is on hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, require_role, role_required
from aggportal.certs.forms.revoking import ConfirmForm, RevokeForm, typed_name
from aggportal.certs.models import Certificate, Kind, Reason
from aggportal.certs.scoping import of_certificate, role_to_revoke, scope_of
from aggportal.certs.services.revoking import (
    MOST_AT_ONCE,
    CannotRevoke,
    NotOnHold,
    RevocationChoices,
    Revoked,
    release_certificate,
    require_few,
    require_revocable,
    revoke_certificates,
)
from aggportal.web.actors import actor_of
from aggportal.web.sentences import visible
from aggportal.words import RefusedError

# Longer than the ids of as many certificates as may be revoked at once.
_LONGEST = 20 * MOST_AT_ONCE


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One certificate of many, and why it cannot be revoked where it cannot."""

    certificate: Certificate
    refused: CannotRevoke | None


@require_http_methods(["GET", "POST"])
@role_required(Role.ISSUER, on=of_certificate)
@confirmation_required
def certificate_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for the reason and the name, then revoke one certificate."""
    certificate = _certificate(request, pk)
    row, held = _row(certificate), certificate.is_held
    form = RevokeForm(_sent(request), expected=typed_name(certificate), held=held)
    refused: RefusedError | None = row.refused
    if refused is None and form.is_valid():
        try:
            done = _revoke(request, [pk], form)
        except CannotRevoke as late:
            refused = late
        else:
            _tell(request, done)
            return redirect(certificate)
    context = {"form": form, "certificate": certificate, "refused": refused}
    context |= _what_stops(certificate)
    return render(request, "certs/revoke_page.html", context, status=_status(request, refused))


@require_http_methods(["GET", "POST"])
@role_required(Role.ISSUER, on=of_certificate)
@confirmation_required
def certificate_release(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for the name, then take one certificate off hold."""
    certificate = _certificate(request, pk)
    form = ConfirmForm(_sent(request), expected=typed_name(certificate))
    refused: RefusedError | None = None
    if form.is_valid():
        try:
            done = release_certificate(certificate, by=actor_of(request), now=timezone.now())
        except NotOnHold as late:
            refused = late
        else:
            _tell_released(request, done)
            return redirect(certificate)
    context = {"form": form, "certificate": certificate, "refused": refused}
    return render(request, "certs/release_page.html", context, status=_status(request, refused))


@require_http_methods(["GET", "POST"])
@role_required(Role.ISSUER)
@confirmation_required
def certificates_revoke(request: HttpRequest) -> HttpResponse:
    """List what was ticked, ask for the reason and one confirmation, then revoke all of it."""
    pks = _chosen(request)
    found = list(_rows().filter(pk__in=pks[: MOST_AT_ONCE + 1]).order_by("pk"))
    for one in found:
        _require_role(request, one)
    rows = [_row(one) for one in found]
    form = RevokeForm(_sent(request), expected=f"revoke {len(rows)}")
    refused = _refused(pks, rows)
    if refused is None and form.is_valid():
        try:
            done = _revoke(request, [row.certificate.pk for row in rows], form)
        except CannotRevoke as late:
            refused = late
        else:
            _tell(request, done)
            return redirect("certs:certificate_list")
    context = {"form": form, "rows": rows[:MOST_AT_ONCE], "refused": refused}
    context |= {"revocable": [row.certificate.pk for row in rows if row.refused is None]}
    context |= {
        "authorities": [r.certificate for r in rows if r.certificate.kind == Kind.AUTHORITY]
    }
    return render(request, "certs/revoke_many_page.html", context, status=_status(request, refused))


def _certificate(request: HttpRequest, pk: int) -> Certificate:
    certificate = get_object_or_404(_rows(), pk=pk)
    _require_role(request, certificate)
    return certificate


def _require_role(request: HttpRequest, certificate: Certificate) -> None:
    scope = scope_of(certificate.authority)
    require_role(request.user, role_to_revoke(certificate), on=scope)


def _sent(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _rows() -> QuerySet[Certificate]:
    return Certificate.objects.select_related("authority", "made_authority", "made_cross")


def _row(certificate: Certificate) -> Row:
    try:
        require_revocable(certificate, reason=None, now=timezone.now())
    except CannotRevoke as refused:
        return Row(certificate=certificate, refused=refused)
    return Row(certificate=certificate, refused=None)


def _chosen(request: HttpRequest) -> list[int]:
    """Return the ids: ticked ones by GET (`id`), or all of an authority's (`authority`); by POST
    one field that holds them.
    """
    if request.method == "POST":
        texts = request.POST.get("ids", "")[:_LONGEST].split(",")
    elif slug := request.GET.get("authority", "").replace("\x00", ""):
        good = Certificate.objects.filter(not_after__gte=timezone.now(), revoked_at=None)
        good = good.filter(authority__slug=slug).exclude(kind=Kind.RESPONDER)
        return list(good.order_by("pk").values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
    else:
        texts = request.GET.getlist("id")
    return sorted({int(text) for text in texts if text.isdecimal() and len(text) < 19})


def _refused(pks: Sequence[int], rows: Sequence[Row]) -> RefusedError | None:
    try:
        require_few(len(pks))
    except CannotRevoke as refused:
        return refused
    return next((row.refused for row in rows if row.refused is not None), None)


def _revoke(request: HttpRequest, pks: Sequence[int], form: RevokeForm) -> Revoked:
    choices = RevocationChoices(
        reason=Reason(form.cleaned_data["reason"]),
        invalid_since=form.cleaned_data["invalid_since"],
    )
    return revoke_certificates(pks, choices, by=actor_of(request), now=timezone.now())


def _status(request: HttpRequest, refused: RefusedError | None) -> int:
    if request.method == "GET":
        return 200
    return 409 if refused is not None else 422


def _what_stops(certificate: Certificate) -> dict[str, object]:
    """Tell what an authority's certificate takes with it."""
    authority = getattr(certificate, "made_authority", None)
    if authority is None:
        return {"cross": getattr(certificate, "made_cross", None)}
    good = authority.certificates.good(now=timezone.now()).exclude(kind=Kind.RESPONDER)
    return {"stops": authority, "stops_count": good.count()}


def _tell(request: HttpRequest, done: Revoked) -> None:
    count = len(done.certificates)
    first = done.certificates[0]
    if count > 1:
        text = ngettext(
            "%(count)d certificate is revoked.", "%(count)d certificates are revoked.", count
        )
    elif first.is_held:
        text = _("%(name)s is on hold.")
    else:
        text = _("%(name)s is revoked.")
    messages.success(request, text % {"count": count, "name": visible(first)})
    _tell_unpublished(request, done)


def _tell_released(request: HttpRequest, done: Revoked) -> None:
    name = visible(done.certificates[0])
    messages.success(request, _("%(name)s is off hold and valid again.") % {"name": name})
    _tell_unpublished(request, done)


def _tell_unpublished(request: HttpRequest, done: Revoked) -> None:
    for authority in done.unpublished:
        text = _(
            "The revocation list of %(name)s could not be signed just now; the worker tries again "
            "every minute."
        )
        messages.warning(request, text % {"name": visible(authority.label)})
