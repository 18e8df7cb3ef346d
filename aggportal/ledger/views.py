"""The audit: what was done, by whom, when, from where, to what."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from aggportal.accounts.roles import Role, role_required
from aggportal.ledger import offline
from aggportal.ledger.anchored import stand_of_anchors
from aggportal.ledger.export import csv_lines, json_lines
from aggportal.ledger.forms import EntryFilter
from aggportal.ledger.models import Checkpoint, Entry
from aggportal.ledger.readiness import hindrance
from aggportal.ledger.telling import ACTIONS
from aggportal.ledger.verifying import verify_chain
from aggportal.web.pagination import page_by_id

# How many of the newest entries the page checks by itself; `manage.py ledger_verify` checks all.
SHOWN_CHECKED = 500


@require_GET
@role_required(Role.AUDITOR)
def entry_list(request: HttpRequest) -> HttpResponse:
    """List the entries that the filters leave, newest first, and say whether the chain holds."""
    form = EntryFilter(request.GET)
    page = page_by_id(
        form.entries(), before=request.GET.get("before", ""), after=request.GET.get("after", "")
    )
    context = {
        "form": form,
        "page": page,
        "chain": verify_chain(last=SHOWN_CHECKED),
        "standing": stand_of_anchors(now=timezone.now()),
        "hindrance": hindrance(now=timezone.now()),
        "actions": ACTIONS.items(),
    }
    return render(request, "ledger/entry_list_page.html", context)


@require_GET
@role_required(Role.AUDITOR)
def entry_show(request: HttpRequest, seq: int) -> HttpResponse:
    """Show one entry whole, with the bytes that were hashed."""
    return render(request, "ledger/entry_page.html", {"entry": get_object_or_404(Entry, seq=seq)})


@require_GET
@role_required(Role.AUDITOR)
def entry_export(request: HttpRequest) -> StreamingHttpResponse:
    """Stream the entries that the filters leave as CSV, oldest first."""
    rows = EntryFilter(request.GET).entries().order_by("seq")
    return _download(csv_lines(rows), "csv", "text/csv; charset=utf-8")


@require_GET
@role_required(Role.AUDITOR)
def entry_proof(request: HttpRequest) -> StreamingHttpResponse:
    """Stream all entries as JSON lines, to be checked by `offline.py`."""
    return _download(json_lines(), "jsonl", "application/jsonl")


@require_GET
@role_required(Role.AUDITOR)
def checkpoint_show(request: HttpRequest) -> HttpResponse:
    """Give the newest checkpoint as the signed text that is anchored."""
    checkpoint = Checkpoint.objects.first()
    if checkpoint is None:
        raise Http404
    return HttpResponse(checkpoint.note, content_type="text/plain; charset=utf-8")


@require_GET
@role_required(Role.AUDITOR)
def verifier_download(request: HttpRequest) -> HttpResponse:
    """Give the program that checks an export without the portal."""
    headers = {"Content-Disposition": 'attachment; filename="offline.py"'}
    program = inspect.getsource(offline)
    return HttpResponse(program, content_type="text/x-python; charset=utf-8", headers=headers)


def _download(lines: Iterator[str], ending: str, content_type: str) -> StreamingHttpResponse:
    name = f"aggportal-audit-{timezone.now():%Y%m%d-%H%M}.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines, content_type=content_type, headers=headers)
