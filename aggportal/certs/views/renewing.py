"""Renewing a certificate: the page of issuing, begun with what the certificate has."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from aggportal.accounts.roles import Role, has_role, role_required
from aggportal.certs.forms.issuing import ServiceForm
from aggportal.certs.forms.renewing import NEW_KEY, SAME_KEY, RenewForm
from aggportal.certs.forms.request_editor import request_view
from aggportal.certs.models import Certificate, Mode, SigningRequest
from aggportal.certs.scoping import authorities_held, of_certificate
from aggportal.certs.services.approvals import AlreadyProposed
from aggportal.certs.services.renewing import (
    NotRenewable,
    RenewChoices,
    ask_renewal,
    authority_to_begin_with,
    differences_from,
    require_renewable,
    spec_to_begin_with,
)
from aggportal.certs.services.succession import AlreadyRenewed, require_not_renewed
from aggportal.certs.views.issuing import (
    IssuePage,
    choices_of,
    context_of,
    following,
    held,
    posted_page,
    refused_page,
)
from aggportal.pki.errors import PkiError
from aggportal.pki.renewal_differences import RenewalDifference
from aggportal.web.actors import actor_of
from aggportal.web.pace import costly
from aggportal.words import RefusedError


@require_http_methods(["GET", "POST"])
@role_required(Role.ISSUER, on=of_certificate)
@costly
def certificate_renew(request: HttpRequest, pk: int) -> HttpResponse:
    """Describe the successor of a certificate and issue it."""
    certificate = _certificate(pk)
    if request.method == "GET":
        return _render(request, certificate, _fresh_page(request, certificate))
    page = posted_page(request, partial(_form, certificate))
    if request.POST.get("do") != "issue":
        return _render(request, certificate, page)
    if page.form.is_valid() and page.view.spec is not None:
        try:
            return _renewed(request, certificate, page)
        except (AlreadyRenewed, AlreadyProposed, NotRenewable) as late:
            return _render(request, _certificate(pk), page, late=late, status=409)
        except PkiError as refused:
            page = refused_page(page, refused)
    return _render(request, certificate, page, status=422)


@require_POST
@role_required(Role.ISSUER, on=of_certificate)
def renewal_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer what changed elsewhere on the page while one side of it is edited."""
    certificate = _certificate(pk)
    page = posted_page(request, partial(_form, certificate))
    context = _context(certificate, page) | following(request, page)
    return render(request, "certs/_renewal_follow.html", context)


def _certificate(pk: int) -> Certificate:
    rows = Certificate.objects.select_related("authority", "material", "key", "successor")
    return get_object_or_404(rows, pk=pk)


def _form(certificate: Certificate, request: HttpRequest, data: Mapping[str, str]) -> RenewForm:
    return RenewForm(
        data,
        certificate=certificate,
        among=authorities_held(request.user, Role.ISSUER),
        may_administer=has_role(request.user, Role.ADMINISTRATOR),
    )


def _fresh_page(request: HttpRequest, certificate: Certificate) -> IssuePage:
    """Begin with everything as it was."""
    form = RenewForm(
        initial=_beginning_of(certificate),
        certificate=certificate,
        among=authorities_held(request.user, Role.ISSUER),
        may_administer=has_role(request.user, Role.ADMINISTRATOR),
    )
    form.initial["profile"] = form.chosen_profile
    compat = form.chosen is not None and form.chosen.mode == Mode.COMPAT
    view = request_view(spec_to_begin_with(certificate), for_authority=False, strict=not compat)
    return IssuePage(form=form, service=ServiceForm(), view=view)


def _beginning_of(certificate: Certificate) -> dict[str, object]:
    """Return what the page begins with: everything as it was."""
    authority = authority_to_begin_with(certificate)
    return {
        "authority": authority.slug if authority else "",
        "profile": certificate.profile,
        "file_base": certificate.file_base,
        "key_stays": not certificate.exportable,
        "override_reason": certificate.override_reason,
        "key_choice": NEW_KEY if certificate.key_id is not None else SAME_KEY,
    }


def _renewed(request: HttpRequest, certificate: Certificate, page: IssuePage) -> HttpResponse:
    choices, spec = _choices(page), page.view.spec
    assert choices is not None  # noqa: S101  # the form is valid, so there is an authority
    assert spec is not None  # noqa: S101  # certificate_renew looked
    by, now = actor_of(request), timezone.now()
    successor = ask_renewal(certificate, spec, choices, by=by, now=now)
    if isinstance(successor, SigningRequest):
        return held(request, successor)
    messages.success(
        request,
        _("%(name)s is renewed; this is the new certificate. Install it before the old one ends.")
        % {"name": successor},
    )
    return redirect(successor)


def _choices(page: IssuePage) -> RenewChoices | None:
    if page.form.chosen is None:
        return None
    same_key = isinstance(page.form, RenewForm) and page.form.wants_same_key
    return RenewChoices(authority=page.form.chosen, issue=choices_of(page), same_key=same_key)


def _differences(certificate: Certificate, page: IssuePage) -> tuple[RenewalDifference, ...]:
    """Tell what changes; nothing while the page is refused, since the panel says why then."""
    choices, spec = _choices(page), page.view.nearest_spec
    if choices is None or spec is None:
        return ()
    try:
        return differences_from(certificate, spec, choices, now=timezone.now())
    except PkiError:
        return ()


def _hindrance(certificate: Certificate) -> RefusedError | None:
    """Tell why there is nothing to renew."""
    try:
        require_renewable(certificate)
        require_not_renewed(certificate)
    except (NotRenewable, AlreadyRenewed) as refused:
        return refused
    return None


def _context(certificate: Certificate, page: IssuePage) -> dict[str, object]:
    return context_of(page) | {
        "certificate": certificate,
        "successor": getattr(certificate, "successor", None),
        "differences": _differences(certificate, page),
    }


def _render(
    request: HttpRequest,
    certificate: Certificate,
    page: IssuePage,
    *,
    late: RefusedError | None = None,
    status: int = 200,
) -> HttpResponse:
    context = _context(certificate, page) | {"hindrance": late or _hindrance(certificate)}
    return render(request, "certs/certificate_renew_page.html", context, status=status)
