"""Renaming and forgetting a cluster."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from aggportal.accounts.roles import Role, role_required
from aggportal.clusters.forms.settings import ConfirmForm, RenameForm
from aggportal.clusters.models import Cluster
from aggportal.clusters.services import clusters
from aggportal.web.actors import actor_of
from aggportal.web.sentences import words


@require_http_methods(["GET", "POST"])
@role_required(Role.ADMINISTRATOR)
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
    context = {"cluster": cluster, "form": form}
    status = 422 if form.errors else 200
    return render(request, "clusters/settings_page.html", context, status=status)


@require_http_methods(["GET", "POST"])
@role_required(Role.ADMINISTRATOR)
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
