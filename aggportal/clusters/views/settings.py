"""Renaming and forgetting a cluster."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, role_required
from aggportal.clusters.forms.settings import ConfirmForm, Handshakes, RenameForm, TrustForm
from aggportal.clusters.models import Cluster, WatchedAPIService
from aggportal.clusters.scoping import of_cluster
from aggportal.clusters.services import clusters
from aggportal.kube.permissions import render_forwarding
from aggportal.web.actors import actor_of
from aggportal.web.sentences import words


@require_http_methods(["GET", "POST"])
@role_required(Role.ADMINISTRATOR, on=of_cluster)
@confirmation_required
def cluster_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the settings; rename."""
    cluster = get_object_or_404(Cluster, slug=slug)
    data = request.POST if request.method == "POST" else None
    form = RenameForm(data, initial={"name": cluster.name})
    if form.is_valid():
        try:
            name = form.cleaned_data["name"]
            clusters.rename_cluster(cluster, name, by=actor_of(request), now=timezone.now())
        except clusters.NameTaken as taken:
            form.add_error("name", words(taken.sentence))
        else:
            messages.success(request, _("The name is changed."))
            return redirect(cluster)
    return _page(request, cluster, form, _trust_form(cluster))


@require_POST
@role_required(Role.ADMINISTRATOR, on=of_cluster)
@confirmation_required
def cluster_trust(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose the authorities that the cluster's trust is made of."""
    cluster = get_object_or_404(Cluster, slug=slug)
    form = _trust_form(cluster, request.POST)
    if not form.is_valid():
        return _page(request, cluster, RenameForm(initial={"name": cluster.name}), form)
    choices = clusters.TrustChoices(
        front_proxy=form.cleaned_data["front_proxy"],
        serving=list(form.cleaned_data["serving_authorities"]),
        shakes_hands=form.cleaned_data["handshakes"] == Handshakes.DIRECT,
        forwards_ports=form.cleaned_data["handshakes"] == Handshakes.FORWARD,
        reads_secrets=form.cleaned_data["reads_secrets"],
    )
    clusters.choose_trust(cluster, choices, by=actor_of(request), now=timezone.now())
    messages.success(request, _("It is chosen; the doctor looks again."))
    return redirect("clusters:cluster_edit", cluster.slug)


def _trust_form(cluster: Cluster, data: QueryDict | None = None) -> TrustForm:
    serving = cluster.serving_authorities.values_list("pk", flat=True)
    initial = {
        "front_proxy": cluster.front_proxy_id,
        "serving_authorities": list(serving),
        "handshakes": _handshakes(cluster),
        "reads_secrets": cluster.reads_secrets,
    }
    return TrustForm(data, initial=initial)


def _handshakes(cluster: Cluster) -> Handshakes:
    if cluster.forwards_ports:
        return Handshakes.FORWARD
    return Handshakes.DIRECT if cluster.shakes_hands else Handshakes.OFF


def _page(
    request: HttpRequest, cluster: Cluster, form: RenameForm, trust: TrustForm
) -> HttpResponse:
    behind = WatchedAPIService.objects.filter(cluster=cluster).ours()
    roles = render_forwarding(behind.values_list("service_namespace", flat=True))
    context = {"cluster": cluster, "form": form, "trust": trust, "forwarding": roles}
    status = 422 if form.errors or trust.errors else 200
    return render(request, "clusters/settings_page.html", context, status=status)


@require_http_methods(["GET", "POST"])
@role_required(Role.ADMINISTRATOR, on=of_cluster)
@confirmation_required
def cluster_delete(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask for the name, then forget the cluster."""
    cluster = get_object_or_404(Cluster, slug=slug)
    data = request.POST if request.method == "POST" else None
    form = ConfirmForm(data, expected=cluster.name)
    if form.is_valid():
        clusters.delete_cluster(cluster, by=actor_of(request), now=timezone.now())
        messages.success(request, _("%(name)s is forgotten.") % {"name": cluster.name})
        return redirect("clusters:cluster_list")
    context = {"cluster": cluster, "form": form}
    status = 422 if form.errors else 200
    return render(request, "clusters/cluster_delete_page.html", context, status=status)
