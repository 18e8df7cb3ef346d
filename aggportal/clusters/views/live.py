"""The page of a cluster and the fragments that keep it live."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from aggportal.accounts.roles import Role, role_required
from aggportal.clusters.boards import Filter, Wanted, is_shown_already, make_board, read_wanted
from aggportal.clusters.liveness import liveness_of
from aggportal.clusters.models import Cluster, ClusterState
from aggportal.clusters.scoping import of_cluster
from aggportal.clusters.services.leadership import present_lease


@require_GET
@role_required(Role.VIEWER, on=of_cluster)
def cluster_show(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a cluster with its APIServices, worst first."""
    clusters = Cluster.objects.select_related("state", "drift").defer("drift__rows")
    cluster = get_object_or_404(clusters, slug=slug)
    wanted = read_wanted(request.GET.dict())
    shown = Wanted(state=wanted.state, text=wanted.text)
    board = make_board(cluster, present_lease(), shown, now=timezone.now())
    return render(request, "clusters/cluster_page.html", {"board": board})


@require_GET
@role_required(Role.VIEWER, on=of_cluster)
def apiservice_table(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer what is newer than the page has; 204 if nothing is."""
    state = _state_of(slug)
    if state is None:
        return _gone()
    wanted, lease, now = read_wanted(request.GET.dict()), present_lease(), timezone.now()
    if is_shown_already(wanted, state, lease, now=now):
        return HttpResponse(status=204)
    cluster = state.cluster
    cluster.state = state
    board = make_board(cluster, lease, wanted, now=now)
    response = render(request, "clusters/_table_answer.html", {"board": board, "oob": True})
    if wanted.newer_than is None:
        response["HX-Replace-Url"] = _page_address(cluster, wanted)
    return response


@require_GET
@role_required(Role.VIEWER, on=of_cluster)
def cluster_pulse(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer how live a cluster is."""
    state = _state_of(slug)
    if state is None:
        return _gone()
    liveness = liveness_of(state, present_lease(), now=timezone.now())
    context = {"cluster": state.cluster, "liveness": liveness}
    return render(request, "clusters/_pulse.html", context)


def _state_of(slug: str) -> ClusterState | None:
    found = ClusterState.objects.select_related("cluster__drift").defer("cluster__drift__rows")
    return found.filter(cluster__slug=slug).first()


def _gone() -> HttpResponse:
    """A page that is still open asks for a cluster that was forgotten: it is to say so."""
    return HttpResponseNotFound(headers={"HX-Refresh": "true"})


def _page_address(cluster: Cluster, wanted: Wanted) -> str:
    query = {"state": wanted.state if wanted.state != Filter.ALL else "", "q": wanted.text}
    kept = urlencode({name: value for name, value in query.items() if value})
    return f"{cluster.get_absolute_url()}{'?' if kept else ''}{kept}"
