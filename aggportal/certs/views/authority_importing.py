"""Bringing existing CAs: give them, see what was found, say what each becomes, import together."""

from __future__ import annotations

import datetime as dt
import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import PORTAL, Role, role_required
from aggportal.certs.forms.importing import AuthorityImportForm
from aggportal.certs.models import ImportDraft
from aggportal.certs.services.import_drafts import (
    DraftDone,
    end_draft,
    keep_draft,
    open_draft,
)
from aggportal.certs.services.import_results import result_of_import
from aggportal.certs.services.importing_authorities import Imported, ItemRefused, import_all
from aggportal.certs.services.importing_plans import ImportPlan, plan_import
from aggportal.certs.views.import_choices import Choices
from aggportal.certs.views.uploads import in_memory
from aggportal.pki.existing import require_own_key
from aggportal.pki.gathering import Gathered, gather
from aggportal.web.actors import actor_of
from aggportal.web.pace import costly
from aggportal.web.sentences import words
from aggportal.words import RefusedError


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
@role_required(Role.ADMINISTRATOR, on=PORTAL)
@in_memory
@costly
@confirmation_required
def authority_import(request: HttpRequest) -> HttpResponse:
    """Take in certificate and key, or a folder of them, and keep them sealed for the next page."""
    if request.method == "GET":
        return _page(request, AuthorityImportForm())
    form = AuthorityImportForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, form, status=422)
    now = timezone.now()
    found = gather(form.given(), passphrase=form.cleaned_data["passphrase"])
    plan = plan_import(found, now=now)
    if not any(candidate.refused is None for candidate in plan.authorities):
        _refuse(form, found, plan)
        return _page(request, form, status=422)
    draft = keep_draft(found, user=request.user, session=_session(request), now=now)  # type: ignore[arg-type]  # role_required lets nobody else in
    return redirect("certs:authority_import_choose", pk=draft.pk)


@never_cache
@require_http_methods(["GET", "POST"])
@role_required(Role.ADMINISTRATOR, on=PORTAL)
@sensitive_post_parameters()
@confirmation_required
def authority_import_choose(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show what was found and what each becomes; import what is ticked, all of it or nothing."""
    now = timezone.now()
    try:
        found = open_draft(pk, user=request.user, session=_session(request), now=now)  # type: ignore[arg-type]  # role_required lets nobody else in
    except DraftDone:
        if request.method == "POST":
            raise
        return redirect("certs:import_result", pk=pk)
    plan = plan_import(found, now=now)
    posted = request.POST if request.method == "POST" else None
    choices = Choices.of(plan, posted)
    if posted is not None and choices.are_valid():
        try:
            _import(request, pk, plan, choices, found=found, now=now)
        except ItemRefused as refused:
            choices.refuse(refused)
        else:
            return redirect("certs:import_result", pk=pk)
    context = {"plan": plan, "choices": choices}
    status = 200 if posted is None else 422
    return render(request, "certs/authority_import_choose_page.html", context, status=status)


def _import(
    request: HttpRequest,
    pk: uuid.UUID,
    plan: ImportPlan,
    choices: Choices,
    *,
    found: Gathered,
    now: dt.datetime,
) -> None:
    """Import what is ticked and end the draft, in one transaction."""

    def ended(imported: Imported) -> None:
        end_draft(pk, result_of_import(imported, plan), now=now)

    import_all(
        choices.authorities(),
        choices.certificates(),
        given=tuple(one.facts for one in found.certificates),
        by=actor_of(request),
        now=now,
        then=ended,
    )


def _refuse(form: AuthorityImportForm, found: Gathered, plan: ImportPlan) -> None:
    """Say beside the field why no authority can be made of it."""
    refused = plan.first_refusal or found.first_fault or _mismatch(found)
    if refused is not None:
        form.add_error(_field_of(form, refused), words(refused.sentence))
    elif not found.certificates:
        text = _("There is no certificate in it. Give the authority's certificate too.")
        form.add_error(_first_given(form, "certificate"), text)
    elif not found.keys:
        text = _(
            "There is no private key in it, and without it nobody can sign. To watch certificates "
            "without their keys, import them as certificates."
        )
        form.add_error(_first_given(form, "key"), text)
    else:
        text = _(
            "The key belongs to “%(name)s”, which is not the certificate of an authority (its "
            "basic constraints do not say CA:TRUE)."
        )
        name = next(c.facts.common_name for c in found.certificates if found.key_of(c.facts))
        form.add_error(_first_given(form, "certificate"), text % {"name": name})


def _mismatch(found: Gathered) -> RefusedError | None:
    """Tell that the key is another certificate's."""
    authorities = [one.facts for one in found.certificates if one.facts.is_ca]
    if not authorities or not found.strangers:
        return None
    try:
        require_own_key(authorities[0], found.strangers[0].key)
    except RefusedError as refused:
        return refused
    return None


def _field_of(form: AuthorityImportForm, refused: RefusedError) -> str:
    if refused.field == "passphrase" or refused.code in ("passphrase-needed", "too-much-locked"):
        return "passphrase"
    return _first_given(form, "key" if "key" in (refused.field, refused.code) else "certificate")


def _first_given(form: AuthorityImportForm, preferred: str) -> str:
    """Return the field to blame: the files where nothing was pasted."""
    return preferred if form.cleaned_data.get(preferred, "").strip() else "upload"


def _session(request: HttpRequest) -> str:
    return request.session.session_key or ""


def _page(request: HttpRequest, form: AuthorityImportForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "minutes": 15, "waiting": _waiting(request)}
    return render(request, "certs/authority_import_page.html", context, status=status)


def _waiting(request: HttpRequest) -> ImportDraft | None:
    """Return the newest draft of this person that waits for its second step."""
    rows = ImportDraft.objects.filter(
        user=request.user,  # type: ignore[misc]  # role_required lets nobody else in
        done_at=None,
        expires_at__gt=timezone.now(),
    )
    return rows.order_by("-expires_at").first()
