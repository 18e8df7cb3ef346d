"""The doctor's page of a cluster: what is wrong, what was, asking now, muting."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from aggportal.accounts.roles import Role, role_required
from aggportal.clusters.doctoring import make_doctor_page, mark_of
from aggportal.clusters.forms.muting import MuteForm
from aggportal.clusters.liveness import Liveness, liveness_of
from aggportal.clusters.models import Cluster, Finding
from aggportal.clusters.scoping import of_cluster
from aggportal.clusters.services.examining import ask_examination
from aggportal.clusters.services.findings import NotOpen, mute_finding, unmute_finding
from aggportal.clusters.services.leadership import present_lease
from aggportal.web.actors import actor_of
from aggportal.web.pagination import page_by_id


@require_GET
@role_required(Role.VIEWER, on=of_cluster)
def doctor_show(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what is open, worst first, and what the checks said that found nothing."""
    cluster = get_object_or_404(_clusters(), slug=slug)
    page = make_doctor_page(cluster, _liveness(cluster), user=request.user, now=timezone.now())
    return render(request, "clusters/doctor_page.html", {"page": page, "cluster": cluster})


@require_GET
@role_required(Role.VIEWER, on=of_cluster)
def doctor_board(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer what is newer than the page has; 204 if nothing is."""
    cluster = _clusters().filter(slug=slug).first()
    if cluster is None:
        return HttpResponseNotFound(headers={"HX-Refresh": "true"})
    liveness = _liveness(cluster)
    if mark_of(getattr(cluster, "examination", None), liveness) == request.GET.get("was"):
        return HttpResponse(status=204)
    page = make_doctor_page(cluster, liveness, user=request.user, now=timezone.now())
    return render(request, "clusters/_doctor_board.html", {"page": page, "cluster": cluster})


@require_POST
@role_required(Role.OPERATOR, on=of_cluster)
def doctor_ask(request: HttpRequest, slug: str) -> HttpResponse:
    """Have the worker examine the cluster now."""
    cluster = get_object_or_404(Cluster, slug=slug)
    if not ask_examination(cluster, by=actor_of(request), now=timezone.now()):
        messages.info(request, _("The doctor was asked already and is about to look."))
    back = "drift_show" if request.POST.get("back") == "drift" else "doctor_show"
    return redirect(f"clusters:{back}", cluster.slug)


@require_GET
@role_required(Role.VIEWER, on=of_cluster)
def finding_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what was wrong once and is over, newest first."""
    cluster = get_object_or_404(Cluster, slug=slug)
    rows = Finding.objects.resolved().filter(cluster=cluster)
    before, after = request.GET.get("before", ""), request.GET.get("after", "")
    context = {
        "cluster": cluster,
        "page": page_by_id(rows, before=before, after=after),
        "history_days": settings.HISTORY_DAYS,
    }
    return render(request, "clusters/finding_list_page.html", context)


@require_http_methods(["GET", "POST"])
@role_required(Role.OPERATOR, on=of_cluster)
def finding_mute(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Ask until when and why, then mute."""
    finding, now = _finding(slug, pk), timezone.now()
    if finding.resolved_at is not None:
        raise NotOpen
    form = MuteForm(request.POST if request.method == "POST" else None, now=now)
    if not form.is_valid():
        context = {"finding": finding, "cluster": finding.cluster, "form": form}
        status = 422 if form.errors else 200
        return render(request, "clusters/finding_mute_page.html", context, status=status)
    reason = form.cleaned_data["reason"]
    mute_finding(finding, until=form.ends_at, reason=reason, by=actor_of(request), now=now)
    messages.success(request, _("The finding is muted."))
    return redirect("clusters:doctor_show", slug)


@require_POST
@role_required(Role.OPERATOR, on=of_cluster)
def finding_unmute(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Let a muted finding count again."""
    unmute_finding(_finding(slug, pk), by=actor_of(request), now=timezone.now())
    messages.success(request, _("The finding counts again."))
    return redirect("clusters:doctor_show", slug)


def _clusters() -> QuerySet[Cluster]:
    found = Cluster.objects.select_related("state", "front_proxy", "examination__recognised")
    return found.defer("examination__standing")


def _liveness(cluster: Cluster) -> Liveness:
    return liveness_of(cluster.state, present_lease(), now=timezone.now())


def _finding(slug: str, pk: int) -> Finding:
    return get_object_or_404(Finding.objects.select_related("cluster"), pk=pk, cluster__slug=slug)
