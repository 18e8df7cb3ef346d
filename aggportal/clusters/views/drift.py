"""Drift: what is live in a cluster beside what we manage."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from aggportal.accounts.roles import Role, role_required
from aggportal.clusters.doctoring import mark_of
from aggportal.clusters.drift_page import make_drift_page
from aggportal.clusters.liveness import Liveness, liveness_of
from aggportal.clusters.models import Cluster
from aggportal.clusters.scoping import of_cluster
from aggportal.clusters.services.leadership import present_lease


@require_GET
@role_required(Role.VIEWER, on=of_cluster)
def drift_show(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what differs with its mend, what could not be compared, and what is the same."""
    cluster = get_object_or_404(_clusters(), slug=slug)
    page = make_drift_page(cluster, _liveness(cluster), user=request.user)
    return render(request, "clusters/drift_page.html", {"page": page, "cluster": cluster})


@require_GET
@role_required(Role.VIEWER, on=of_cluster)
def drift_board(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer what is newer than the page has; 204 if nothing is."""
    cluster = _clusters().filter(slug=slug).first()
    if cluster is None:
        return HttpResponseNotFound(headers={"HX-Refresh": "true"})
    liveness = _liveness(cluster)
    if mark_of(getattr(cluster, "examination", None), liveness) == request.GET.get("was"):
        return HttpResponse(status=204)
    page = make_drift_page(cluster, liveness, user=request.user)
    return render(request, "clusters/_drift_board.html", {"page": page, "cluster": cluster})


def _clusters() -> QuerySet[Cluster]:
    found = Cluster.objects.select_related("state", "front_proxy", "examination__recognised")
    return found.defer("examination__standing")


def _liveness(cluster: Cluster) -> Liveness:
    return liveness_of(cluster.state, present_lease(), now=timezone.now())
