"""Connecting a cluster, or giving a connected one other credentials: three ways, each tested."""

from __future__ import annotations

import os
import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.models import User
from aggportal.accounts.roles import PORTAL, Role, role_required
from aggportal.clusters.forms.connecting import (
    ClusterForm,
    ContextForm,
    InClusterForm,
    KubeconfigForm,
    TokenForm,
)
from aggportal.clusters.models import Cluster
from aggportal.clusters.scoping import of_cluster
from aggportal.clusters.services import clusters, drafts
from aggportal.clusters.services.connections import test_connection
from aggportal.kube.connections import Connection, from_token, in_cluster
from aggportal.kube.errors import KubeError
from aggportal.kube.kubeconfig import connection_for, parse_kubeconfig
from aggportal.kube.permissions import render_access, token_commands
from aggportal.web.actors import actor_of
from aggportal.web.sentences import words


@require_http_methods(["GET", "POST"])
@role_required(Role.ADMINISTRATOR, on=PORTAL)
@confirmation_required
def cluster_new(request: HttpRequest) -> HttpResponse:
    """Connect a cluster."""
    return _connect(request, None)


@require_http_methods(["GET", "POST"])
@role_required(Role.ADMINISTRATOR, on=of_cluster)
@confirmation_required
def cluster_reconnect(request: HttpRequest, slug: str) -> HttpResponse:
    """Give a connected cluster other credentials."""
    return _connect(request, get_object_or_404(Cluster, slug=slug))


def _connect(request: HttpRequest, cluster: Cluster | None) -> HttpResponse:
    ways = {"token": _by_token, "context": _by_context}
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        ways["in-cluster"] = _by_service_account
    return ways.get(request.GET.get("way", ""), _by_kubeconfig)(request, cluster)


def _by_kubeconfig(request: HttpRequest, cluster: Cluster | None) -> HttpResponse:
    """Take a kubeconfig, seal it, and go on to choose its context."""
    if request.method == "GET":
        return _page(request, cluster, "kubeconfig", KubeconfigForm())
    form = KubeconfigForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, cluster, "kubeconfig", form)
    draft = _keep(request, {"kubeconfig": form.cleaned_data["text"]})
    return redirect(f"{_address(cluster)}?{urlencode({'way': 'context', 'draft': str(draft)})}")


def _by_context(request: HttpRequest, cluster: Cluster | None) -> HttpResponse:
    """Choose a context of the sealed kubeconfig and connect."""
    draft = _draft_id(request.GET)
    secret = _open(request, draft)
    kubeconfig = parse_kubeconfig(secret.get("kubeconfig", ""))
    data = request.POST if request.method == "POST" else None
    form = ContextForm(data, kubeconfig=kubeconfig, named=cluster is not None)
    if not form.is_valid():
        return _page(request, cluster, "context", form)
    connection = connection_for(kubeconfig, form.cleaned_data["context"])
    return _store(request, cluster, form, connection, draft=draft, way="context")


def _by_token(request: HttpRequest, cluster: Cluster | None) -> HttpResponse:
    """Connect with server, CA and token; a token that was typed is kept sealed, not shown."""
    data = request.POST if request.method == "POST" else None
    initial = {"server": cluster.server} if cluster else None
    form = TokenForm(data, named=cluster is not None, initial=initial)
    if not form.is_valid():
        return _page(request, cluster, "token", form, draft=_kept_token(request))
    draft = _kept_token(request)
    values = form.cleaned_data
    try:
        token = _open(request, draft).get("token", "") if draft else ""
        connection = from_token(values["server"], values["ca_pem"], token)
    except KubeError as error:
        form.refuse(error)
        return _page(request, cluster, "token", form, draft=draft)
    return _store(request, cluster, form, connection, draft=draft, way="token")


def _by_service_account(request: HttpRequest, cluster: Cluster | None) -> HttpResponse:
    """Connect with the account of the pod that the portal runs in."""
    data = request.POST if request.method == "POST" else None
    form = InClusterForm(data, named=cluster is not None)
    if not form.is_valid():
        return _page(request, cluster, "in-cluster", form)
    try:
        connection = in_cluster()
    except KubeError as error:
        form.refuse(error)
        return _page(request, cluster, "in-cluster", form)
    return _store(request, cluster, form, connection, draft=None, way="in-cluster")


def _store(
    request: HttpRequest,
    cluster: Cluster | None,
    form: ClusterForm,
    connection: Connection,
    *,
    draft: uuid.UUID | None,
    way: str,
) -> HttpResponse:
    """Test first; what cannot be reached is not stored."""
    report = test_connection(connection)
    if report.error is not None:
        form.refuse(report.error)
        return _page(request, cluster, way, form, draft=draft)
    try:
        stored = _write(request, cluster, form, connection)
    except clusters.NameTaken as taken:
        form.add_error("name", words(taken.sentence))
        return _page(request, cluster, way, form, draft=draft)
    if draft is not None:
        drafts.drop_draft(draft)
    if report.may_read:
        messages.success(request, _("%(name)s is connected.") % {"name": stored.name})
        return redirect(stored)
    messages.warning(
        request, _("%(name)s is connected, but permissions are missing.") % {"name": stored.name}
    )
    return redirect("clusters:cluster_test", stored.slug)


def _write(
    request: HttpRequest, cluster: Cluster | None, form: ClusterForm, connection: Connection
) -> Cluster:
    by, now = actor_of(request), timezone.now()
    if cluster is None:
        return clusters.connect_cluster(form.cleaned_data["name"], connection, by=by, now=now)
    clusters.replace_credentials(cluster, connection, by=by, now=now)
    return cluster


def _page(
    request: HttpRequest,
    cluster: Cluster | None,
    way: str,
    form: KubeconfigForm | ClusterForm,
    *,
    draft: uuid.UUID | None = None,
) -> HttpResponse:
    context = {
        "cluster": cluster,
        "way": way,
        "form": form,
        "draft": draft,
        "address": _address(cluster),
        "inside": "KUBERNETES_SERVICE_HOST" in os.environ,
        "access": render_access(),
        "commands": "\n".join(token_commands()),
    }
    response = render(
        request, "clusters/connect_page.html", context, status=422 if form.errors else 200
    )
    response["Cache-Control"] = "no-store"
    return response


def _address(cluster: Cluster | None) -> str:
    if cluster is None:
        return reverse("clusters:cluster_new")
    return reverse("clusters:cluster_reconnect", args=[cluster.slug])


def _keep(request: HttpRequest, secret: dict[str, str]) -> uuid.UUID:
    return drafts.keep_draft(
        secret, user=_user(request), session=_session(request), now=timezone.now()
    )


def _open(request: HttpRequest, draft: uuid.UUID | None) -> dict[str, str]:
    if draft is None:
        raise drafts.DraftGone
    return drafts.open_draft(
        draft, user=_user(request), session=_session(request), now=timezone.now()
    )


def _kept_token(request: HttpRequest) -> uuid.UUID | None:
    """The draft with the token: a new one if it was just typed, else the one of the page."""
    token = request.POST.get("token", "").strip()
    return _keep(request, {"token": token}) if token else _draft_id(request.POST)


def _draft_id(query: QueryDict) -> uuid.UUID | None:
    try:
        return uuid.UUID(query.get("draft", ""))
    except ValueError:
        return None


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the role was asked for
    return request.user


def _session(request: HttpRequest) -> str:
    return request.session.session_key or ""
