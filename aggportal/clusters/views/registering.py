"""Registering an APIService: tried on the server, then applied; or the manifest taken away."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, role_required
from aggportal.clusters.forms.registering import RegistrationForm
from aggportal.clusters.models import Cluster
from aggportal.clusters.scoping import of_cluster
from aggportal.clusters.services.registering import register_apiservice, try_registration
from aggportal.kube.errors import Conflict, KubeError
from aggportal.kube.manifests import dump_yaml
from aggportal.kube.registering import Registration, build_manifest
from aggportal.web.actors import actor_of


@require_http_methods(["GET", "POST"])
@role_required(Role.OPERATOR, on=of_cluster)
@confirmation_required(deeds={"apply"})
def apiservice_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Fill in, see the manifest and what the server says to it, then apply or take it away."""
    cluster = get_object_or_404(Cluster.objects.select_related("sealed"), slug=slug)
    if request.method == "GET":
        return _page(request, cluster, RegistrationForm())
    form = RegistrationForm(request.POST)
    if not form.is_valid() or form.registration is None:
        return _page(request, cluster, form)
    deed = request.POST.get("do", "")
    if deed == "download":
        return _download(form.registration)
    if deed == "edit":
        return _page(request, cluster, form)
    return _apply(request, cluster, form) if deed == "apply" else _try(request, cluster, form)


def _try(request: HttpRequest, cluster: Cluster, form: RegistrationForm) -> HttpResponse:
    assert form.registration is not None  # noqa: S101 - the form is valid
    refusal = None
    try:
        try_registration(cluster, form.registration)
    except KubeError as error:
        refusal = error
    return _tried(request, cluster, form, refusal, status=422 if refusal else 200)


def _apply(request: HttpRequest, cluster: Cluster, form: RegistrationForm) -> HttpResponse:
    registration = form.registration
    assert registration is not None  # noqa: S101 - the form is valid
    try:
        register_apiservice(cluster, registration, by=actor_of(request), now=timezone.now())
    except KubeError as error:
        status = 409 if isinstance(error, Conflict) else 422
        return _tried(request, cluster, form, error, status=status)
    text = _("%(name)s is registered. It appears below as soon as the cluster reports it.")
    messages.success(request, text % {"name": registration.name})
    return redirect(cluster)


def _tried(
    request: HttpRequest,
    cluster: Cluster,
    form: RegistrationForm,
    refusal: KubeError | None,
    *,
    status: int,
) -> HttpResponse:
    assert form.registration is not None  # noqa: S101 - the form is valid
    context = {
        "cluster": cluster,
        "form": form,
        "refusal": refusal,
        "name": form.registration.name,
        "manifest": dump_yaml(build_manifest(form.registration)),
        "tls_name": f"{form.registration.service_name}.{form.registration.service_namespace}.svc",
    }
    return render(request, "clusters/apiservice_try_page.html", context, status=status)


def _page(request: HttpRequest, cluster: Cluster, form: RegistrationForm) -> HttpResponse:
    context = {"cluster": cluster, "form": form}
    status = 422 if form.errors else 200
    return render(request, "clusters/apiservice_new_page.html", context, status=status)


def _download(registration: Registration) -> HttpResponse:
    return HttpResponse(
        dump_yaml(build_manifest(registration)),
        content_type="application/yaml; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{registration.name}.yaml"'},
    )
