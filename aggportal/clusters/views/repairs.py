"""Repairing the caBundle of an APIService: chosen, tried on the server, confirmed, patched."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, role_required
from aggportal.clusters.forms.repairs import BundleForm, TypedNameForm
from aggportal.clusters.models import WatchedAPIService
from aggportal.clusters.pages import why_it_stays
from aggportal.clusters.scoping import of_cluster
from aggportal.clusters.services.bundles import certificates_in, patch_bundle, try_bundle
from aggportal.clusters.services.serving import served_by, would_not_verify
from aggportal.clusters.views.apiservices import find_row
from aggportal.kube.errors import Conflict, NotFound
from aggportal.web.actors import actor_of
from aggportal.words import RefusedError


@require_http_methods(["GET", "POST"])
@role_required(Role.OPERATOR, on=of_cluster)
@confirmation_required(deeds={"apply"})
def bundle_repair(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Choose what the caBundle is to hold, see what would change, type the name, apply."""
    row = find_row(slug, name)
    if refusal := why_it_stays(row):
        return _page(request, row, None, status=409 if request.POST else 200, refusal=refusal)
    form = _form(request, row)
    if not form.is_bound or not form.is_valid() or request.POST.get("do") == "edit":
        return _page(request, row, form, status=422 if form.errors else 200)
    return (
        _apply(request, row, form)
        if request.POST.get("do") == "apply"
        else _try(request, row, form)
    )


def _form(request: HttpRequest, row: WatchedAPIService) -> BundleForm:
    standing = certificates_in(row.raw)
    now = timezone.now()
    if request.method == "POST":
        return BundleForm(request.POST, standing=standing, now=now)
    initial = {
        "keep": [each.sha256 for each in standing],
        "authorities": request.GET.getlist("authority"),
    }
    return BundleForm(initial=initial, standing=standing, now=now)


def _apply(request: HttpRequest, row: WatchedAPIService, form: BundleForm) -> HttpResponse:
    typed = TypedNameForm(request.POST, expected=row.name)
    if not typed.is_valid():
        return _try(request, row, form, typed=typed)
    seen, by = request.POST.get("seen", ""), actor_of(request)
    try:
        patch_bundle(row.cluster, row, form.bundle, seen=seen, by=by, now=timezone.now())
    except NotFound as gone:
        return _page(request, row, form, status=409, refusal=gone)
    except RefusedError as refused:
        return _try(request, row, form, refusal=refused)
    text = _("The caBundle of %(name)s is changed. kube-apiserver uses it from now on.")
    messages.success(request, text % {"name": row.name})
    return redirect(row.get_absolute_url())


def _try(
    request: HttpRequest,
    row: WatchedAPIService,
    form: BundleForm,
    *,
    typed: TypedNameForm | None = None,
    refusal: RefusedError | None = None,
) -> HttpResponse:
    """What would change, as the API server says now; with what stood in the way before, if any."""
    try:
        change = try_bundle(row.cluster, row, form.bundle)
    except RefusedError as refused:
        status = 409 if isinstance(refused, Conflict | NotFound) else 422
        return _page(request, row, form, status=status, refusal=refusal or refused)
    probed = served_by(row.cluster, row)
    context = {
        "row": row,
        "cluster": row.cluster,
        "form": form,
        "change": change,
        "refusal": refusal,
        "confirm": typed or TypedNameForm(expected=row.name),
        "probed": probed,
        "doubt": would_not_verify(probed, form.certificates, now=timezone.now()),
    }
    status = 409 if refusal else 422 if typed else 200
    return render(request, "clusters/repair_bundle_try_page.html", context, status=status)


def _page(
    request: HttpRequest,
    row: WatchedAPIService,
    form: BundleForm | None,
    *,
    status: int,
    refusal: RefusedError | None = None,
) -> HttpResponse:
    context = {"row": row, "cluster": row.cluster, "form": form, "refusal": refusal}
    return render(request, "clusters/repair_bundle_page.html", context, status=status)
