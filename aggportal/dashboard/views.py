"""The first page and the search."""

from __future__ import annotations

from django.db.models import F, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from aggportal.accounts.roles import Role, role_required
from aggportal.certs.models import Authority, SigningRequest
from aggportal.clusters.models import ClusterState
from aggportal.dashboard.calendars.pages import count_within, make_calendar, read_wanted
from aggportal.dashboard.overview import (
    Figure,
    clusters_with_worst,
    expiries,
    find,
)
from aggportal.dashboard.timeline import lay_out
from aggportal.ledger.models import Entry, Outcome
from aggportal.ledger.readiness import hindrance
from aggportal.ledger.verifying import ChainState, verify_chain
from aggportal.vault.state import whole_vault_state

CHECKED = 100
# A choice of the calendar, which shows what the figure counts.
SOON = "30d"
LATELY = 8
LONGEST_SEARCH = 200


@require_GET
@role_required(Role.VIEWER)
def dashboard_show(request: HttpRequest) -> HttpResponse:
    """Say what needs somebody, what stops working when, and what happened lately."""
    now = timezone.now()
    ending = expiries(now=now)
    soon = count_within(SOON, now=now)
    context = {
        "now": now,
        "hindrance": hindrance(now=now),
        "figures": _figures(soon, verify_chain(last=CHECKED)),
        "timeline": lay_out(ending, now=now),
        "soonest": ending[0] if ending else None,
        "ending": ending[:12],
        "clusters": clusters_with_worst(now=now),
        "authorities": Authority.objects.count(),
        "vault_state": whole_vault_state(),
        "lately": Entry.objects.filter(outcome=Outcome.DONE).order_by("-seq")[:LATELY],
    }
    return render(request, "dashboard/dashboard_page.html", context)


@require_GET
@role_required(Role.VIEWER)
def search_show(request: HttpRequest) -> HttpResponse:
    """Find certificates, authorities, clusters and APIServices; a single hit opens at once."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH]
    found = find(text) if text else []
    context = {"search_text": text, "found": found}
    return render(request, "dashboard/search_page.html", context)


@require_GET
@role_required(Role.VIEWER)
def calendar_show(request: HttpRequest) -> HttpResponse:
    """Show what stops working when, across clusters, soonest first."""
    page = make_calendar(read_wanted(request.GET.dict()), now=timezone.now())
    return render(request, "dashboard/calendar_page.html", {"page": page})


def _figures(soon: int, chain: ChainState) -> tuple[Figure, ...]:
    missing = (
        ClusterState.objects.aggregate(missing=Sum(F("total") - F("available")))["missing"] or 0
    )
    waiting = SigningRequest.objects.waiting().count()
    holds = chain.broken_at is None
    return (
        Figure(
            label=_("APIServices not available"),
            value=str(missing),
            url=reverse("clusters:cluster_list"),
            symbol="x-circle",
            tone="bad" if missing else "ok",
        ),
        Figure(
            label=_("End within 30 days"),
            value=f"{soon:,}",
            url=f"{reverse('dashboard:calendar_show')}?within={SOON}",
            symbol="hourglass-split",
            tone="warn" if soon else "ok",
        ),
        Figure(
            label=_("Requests to decide"),
            value=f"{waiting:,}",
            url=reverse("certs:request_list"),
            symbol="inbox",
            tone="warn" if waiting else "ok",
        ),
        Figure(
            label=_("Ledger, %(size)s entries") % {"size": f"{chain.size:,}"},
            value=_("Intact") if holds else _("Broken"),
            url=reverse("ledger:entry_list"),
            symbol="journal-check",
            tone="ok" if holds else "bad",
        ),
    )
