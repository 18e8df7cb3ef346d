"""The audit: what was done, by whom, when, from where, to what."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from aggportal.accounts.roles import Role, role_required
from aggportal.ledger.export import csv_lines
from aggportal.ledger.forms import EntryFilter
from aggportal.ledger.models import Entry
from aggportal.ledger.services import verify_chain
from aggportal.ledger.telling import ACTIONS
from aggportal.web.pagination import page_by_id

# How many of the newest entries the page checks by itself; `manage.py ledger_verify` checks all.
SHOWN_CHECKED = 500


@require_GET
@role_required(Role.VIEWER)
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
        "actions": ACTIONS.items(),
    }
    return render(request, "ledger/entry_list_page.html", context)


@require_GET
@role_required(Role.VIEWER)
def entry_show(request: HttpRequest, seq: int) -> HttpResponse:
    """Show one entry whole, with the bytes that were hashed."""
    return render(request, "ledger/entry_page.html", {"entry": get_object_or_404(Entry, seq=seq)})


@require_GET
@role_required(Role.VIEWER)
def entry_export(request: HttpRequest) -> StreamingHttpResponse:
    """Stream the entries that the filters leave as CSV, oldest first."""
    rows = EntryFilter(request.GET).entries().order_by("seq")
    name = f"aggportal-audit-{timezone.now():%Y%m%d-%H%M}.csv"
    return StreamingHttpResponse(
        csv_lines(rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
