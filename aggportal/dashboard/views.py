"""The first page and the search."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from aggportal.accounts.roles import Role, role_required


@require_GET
@role_required(Role.VIEWER)
def dashboard_show(request: HttpRequest) -> HttpResponse:
    """Say what needs somebody."""
    return render(request, "dashboard/dashboard_page.html")


@require_GET
@role_required(Role.VIEWER)
def search_show(request: HttpRequest) -> HttpResponse:
    """Find something."""
    return render(request, "dashboard/dashboard_page.html")
