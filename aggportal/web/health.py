"""Probes for whoever watches the portal. No login, no detail."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

# What else the readiness probe tells, each in a word that says nothing to a stranger. None of it
# keeps readers away: pages go on while nothing can be signed.
TOLD: dict[str, Callable[[], str]] = {}


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Say that the process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Say whether the database answers (503 where it does not), and whether keys can be opened."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        told = {name: tell() for name, tell in TOLD.items()}
    except DatabaseError:
        return JsonResponse({"status": "the database does not answer"}, status=503)
    return JsonResponse({"status": "ok", **told})
