"""Certificates from elsewhere: brought to be watched, one, many or a whole certdb; and the page
that says what an import brought.
"""

from __future__ import annotations

import uuid
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from aggportal.accounts.roles import PORTAL, Role, role_required
from aggportal.certs.forms.importing import CertdbForm, CertificateImportForm
from aggportal.certs.models import ImportDraft
from aggportal.certs.services.import_drafts import keep_result
from aggportal.certs.services.import_results import result_of_certdb, result_of_many
from aggportal.certs.services.importing_certdb import import_certdb
from aggportal.certs.services.importing_many import import_certificates
from aggportal.certs.views.uploads import in_memory, on_disk
from aggportal.pki.certdb import NotACertdb
from aggportal.pki.gathering import Gathered, gather
from aggportal.web.actors import actor_of
from aggportal.web.pace import costly
from aggportal.web.sentences import words
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

_NOTHING = _n("There is no certificate in it.")


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
@role_required(Role.ISSUER, on=PORTAL)
@in_memory
@costly
def certificate_import(request: HttpRequest) -> HttpResponse:
    """Take in certificates, with or without their keys."""
    if request.method == "GET":
        return _page(request, CertificateImportForm())
    form = CertificateImportForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, form, status=422)
    found = gather(form.given(), passphrase=form.cleaned_data["passphrase"])
    if not found.certificates:
        _refuse(form, found)
        return _page(request, form, status=422)
    choice = form.cleaned_data["exportable"]
    fates = import_certificates(
        found,
        keep_keys=choice != "no",
        exportable=choice != "never",
        by=actor_of(request),
        now=timezone.now(),
    )
    return _told(request, result_of_many(fates))


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
@role_required(Role.ADMINISTRATOR, on=PORTAL)
@on_disk
@costly
def certdb_import(request: HttpRequest) -> HttpResponse:
    """Take in cfssl's SQLite file; its revocations count here too."""
    if request.method == "GET":
        return render(request, "certs/certdb_import_page.html", {"form": CertdbForm()})
    form = CertdbForm(request.POST, request.FILES)
    if form.is_valid():
        path = Path(form.cleaned_data["certdb"].temporary_file_path())
        try:
            result = import_certdb(path, by=actor_of(request), now=timezone.now())
        except NotACertdb as refused:
            form.add_error("certdb", words(refused.sentence))
        else:
            return _told(request, result_of_certdb(result))
    return render(request, "certs/certdb_import_page.html", {"form": form}, status=422)


@never_cache
@require_GET
@role_required(Role.VIEWER)
def import_result(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Say what an import of one's own brought, and what is next."""
    draft = get_object_or_404(ImportDraft, pk=pk, user_id=request.user.pk, done_at__isnull=False)
    items = [
        {**item, "sentence": Sentence(text=item["text"], params=item["params"])}
        for item in draft.result.get("items", ())
    ]
    broke_off = draft.result.get("broke_off")
    context = {
        "result": draft.result,
        "items": items,
        "broke_off": Sentence(text=broke_off[0], params=broke_off[1]) if broke_off else None,
        "done_at": draft.done_at,
    }
    return render(request, "certs/import_result_page.html", context)


def _told(request: HttpRequest, result: dict[str, object]) -> HttpResponse:
    draft = keep_result(
        result,
        user=request.user,  # type: ignore[arg-type]  # role_required lets nobody else in
        session=request.session.session_key or "",
        now=timezone.now(),
    )
    return redirect("certs:import_result", pk=draft.pk)


def _refuse(form: CertificateImportForm, found: Gathered) -> None:
    """Say why nothing was found, beside the field that it was looked for in."""
    fault = found.first_fault
    field = "certificate" if form.cleaned_data["certificate"].strip() else "upload"
    if fault is not None and (fault.field == "passphrase" or fault.code == "passphrase-needed"):
        field = "passphrase"
    left = next((item.sentence for item in found.left_out), None)
    sentence = fault.sentence if fault else left
    form.add_error(field, words(sentence or Sentence(text=_NOTHING)))


def _page(request: HttpRequest, form: CertificateImportForm, *, status: int = 200) -> HttpResponse:
    return render(request, "certs/certificate_import_page.html", {"form": form}, status=status)
