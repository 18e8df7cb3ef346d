"""The clusters, whether one can be reached and used, and the role that this needs."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from aggportal.accounts.roles import Role, role_required
from aggportal.clusters.health import worst_by_cluster
from aggportal.clusters.liveness import liveness_of
from aggportal.clusters.models import Cluster
from aggportal.clusters.services.connections import open_connection, test_connection
from aggportal.clusters.services.leadership import present_lease
from aggportal.kube.permissions import render_access


@require_GET
@role_required(Role.VIEWER)
def cluster_list(request: HttpRequest) -> HttpResponse:
    """List the clusters with how live and how well they are."""
    lease, now = present_lease(), timezone.now()
    worst = worst_by_cluster(now=now)
    rows = [
        {
            "cluster": cluster,
            "liveness": liveness_of(cluster.state, lease, now=now),
            "worst": worst.get(cluster.pk),
        }
        for cluster in Cluster.objects.select_related("state", "examination").defer(
            "examination__standing"
        )
    ]
    return render(request, "clusters/cluster_list_page.html", {"rows": rows})


@require_GET
@role_required(Role.ADMINISTRATOR)
def cluster_test(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the test page; with `run`, ask the API server and show what it answers."""
    cluster = get_object_or_404(Cluster.objects.select_related("sealed"), slug=slug)
    context: dict[str, object] = {"cluster": cluster, "access": render_access(write=True)}
    if "run" in request.GET:
        context["report"] = test_connection(open_connection(cluster))
    part = request.headers.get("HX-Request") == "true" and "run" in request.GET
    name = "clusters/_report.html" if part else "clusters/test_page.html"
    return render(request, name, context)


@require_GET
@role_required(Role.VIEWER)
def cluster_role(request: HttpRequest, slug: str) -> HttpResponse:
    """Give the manifest of the account that the portal needs: to read, with what the doctor looks
    at, to write too.
    """
    cluster = get_object_or_404(Cluster, slug=slug)
    write, doctor = request.GET.get("write") == "yes", request.GET.get("doctor") == "yes"
    return HttpResponse(
        render_access(write=write, doctor=doctor),
        content_type="application/yaml; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="aggportal-{cluster.slug}.yaml"'},
    )
