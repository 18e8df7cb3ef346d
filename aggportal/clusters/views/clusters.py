"""The clusters, whether one can be reached and used, and the role that this needs."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from aggportal.accounts.roles import Role, role_required
from aggportal.clusters.fleet import make_fleet, mark_of, read_clusters
from aggportal.clusters.models import Cluster
from aggportal.clusters.scoping import of_cluster
from aggportal.clusters.services.connections import open_connection, test_connection
from aggportal.clusters.services.leadership import present_lease
from aggportal.kube.permissions import render_access


@require_GET
@role_required(Role.VIEWER)
def cluster_list(request: HttpRequest) -> HttpResponse:
    """List the clusters, the worst first; a page that is open asks with `was` for what is newer."""
    lease, now, clusters = present_lease(), timezone.now(), read_clusters()
    polled = request.headers.get("HX-Request") == "true" and "was" in request.GET
    if polled and request.GET["was"] == mark_of(clusters, lease, now=now):
        return HttpResponse(status=204)
    name = "clusters/_cluster_table.html" if polled else "clusters/cluster_list_page.html"
    board = make_fleet(clusters, lease, now=now)
    if polled and not board.lines:  # the last one was forgotten: the whole page says so
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, name, {"board": board})


@require_GET
@role_required(Role.OPERATOR, on=of_cluster)
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
