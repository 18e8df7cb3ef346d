"""The list of certificates: narrowed, in an order, paged by key, and taken away whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from aggportal.accounts.roles import Role, role_required
from aggportal.certs.criteria import Sort
from aggportal.certs.forms.finding import CertificateFilter
from aggportal.certs.lifetimes import certificate_life
from aggportal.certs.models import Authority, Certificate
from aggportal.certs.services.finding import find_certificates, page_of
from aggportal.certs.services.list_exports import csv_lines, json_lines, record_export
from aggportal.web.actors import actor_of
from aggportal.web.pagination import Page, capped_count

Writer = Callable[[QuerySet[Certificate], Sort], Iterator[str]]
_KINDS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


@require_GET
@role_required(Role.VIEWER)
def certificate_list(request: HttpRequest) -> HttpResponse:
    """List the certificates that the filters leave, a page at a time."""
    return _page(request, CertificateFilter(request.GET))


@require_GET
@role_required(Role.VIEWER)
def certificate_export_csv(request: HttpRequest) -> HttpResponseBase:
    """Stream every certificate that the filters leave as CSV; recorded."""
    return _export(request, csv_lines, form="csv")


@require_GET
@role_required(Role.VIEWER)
def certificate_export_json(request: HttpRequest) -> HttpResponseBase:
    """Stream every certificate that the filters leave as one JSON array; recorded."""
    return _export(request, json_lines, form="json")


def _page(request: HttpRequest, form: CertificateFilter, *, status: int = 200) -> HttpResponse:
    now = timezone.now()
    found = find_certificates(form.criteria, now=now)
    page = page_of(
        found.select_related("authority", "successor").prefetch_related("tags"),
        form.order,
        before=request.GET.get("before", ""),
        after=request.GET.get("after", ""),
    )
    rows = [(row, certificate_life(row, now=now)) for row in page.rows]
    context = {"form": form, "page": page, "rows": rows, "count": _count(found, page)}
    context["has_authorities"] = bool(rows) or Authority.objects.exists()
    context["search_address"] = request.build_absolute_uri(request.path + form.address)
    return render(request, "certs/certificate_list_page.html", context, status=status)


def _export(request: HttpRequest, write: Writer, *, form: str) -> HttpResponseBase:
    filters, now = CertificateFilter(request.GET), timezone.now()
    if not filters.is_valid():
        return _page(request, filters, status=422)
    found = find_certificates(filters.criteria, now=now)
    record_export(found, form=form, search=filters.address, by=actor_of(request), now=now)
    name = f"certificates-{now:%Y%m%d-%H%M}.{form}"
    return StreamingHttpResponse(
        write(found, filters.order),
        content_type=_KINDS[form],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _count(found: QuerySet[Certificate], page: Page[Certificate]) -> str:
    """Count what the filters leave; a list of one page is counted already."""
    if page.older is None and page.newer is None:
        return str(len(page.rows))
    return capped_count(found)
