"""One APIService: its page, and deleting it."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, role_required
from aggportal.clusters.forms.settings import ConfirmForm
from aggportal.clusters.liveness import liveness_of
from aggportal.clusters.looking_back import read_wanted
from aggportal.clusters.models import Finding, WatchedAPIService
from aggportal.clusters.pages import make_page, why_it_stays
from aggportal.clusters.scoping import of_cluster
from aggportal.clusters.services.leadership import present_lease
from aggportal.clusters.services.registering import delete_apiservice, try_deletion
from aggportal.clusters.why import told_mark, why_of
from aggportal.doctor.findings import Deed
from aggportal.kube.errors import Conflict, KubeError, NotFound
from aggportal.web.actors import actor_of
from aggportal.web.sentences import words


@require_GET
@role_required(Role.VIEWER, on=of_cluster)
def apiservice_show(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Show one APIService with its conditions, history, chain and manifest."""
    row = find_row(slug, name)
    now = timezone.now()
    context = {
        "page": make_page(row, read_wanted(request.GET.dict()), now=now),
        "why": why_of(row, now=now),
        "told": told_mark(row, now=now),
        "cluster": row.cluster,
        "liveness": liveness_of(row.cluster.state, present_lease(), now=now),
    }
    return render(request, "clusters/apiservice_page.html", context)


@require_GET
@role_required(Role.VIEWER)
def apiservice_news(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Answer 204 while the page shows what is known; else have the browser load it anew."""
    rows = WatchedAPIService.objects.select_related("cluster__state").defer("raw")
    row = rows.filter(cluster__slug=slug, name=name).first() if name.isprintable() else None
    if row is not None and row.resource_version == request.GET.get("version"):
        now = timezone.now()
        liveness = liveness_of(row.cluster.state, present_lease(), now=now)
        shown = (request.GET.get("was"), request.GET.get("told"))
        if shown == (liveness.mark, told_mark(row, now=now)):
            return HttpResponse(status=204)
    return HttpResponse(headers={"HX-Refresh": "true"})


@require_http_methods(["GET", "POST"])
@role_required(Role.OPERATOR, on=of_cluster)
@confirmation_required
def apiservice_delete(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Ask for the name, then delete it from the cluster; the built-in ones are refused."""
    row = find_row(slug, name)
    refusal = why_it_stays(row)
    data = request.POST if request.method == "POST" else None
    form = ConfirmForm(data, expected=row.name)
    if refusal is not None:
        return _page(request, row, form, status=409 if data is not None else 200, refusal=refusal)
    if not form.is_valid():
        return _page(request, row, form, status=422 if form.errors else 200)
    return _delete(request, row, form)


def _delete(request: HttpRequest, row: WatchedAPIService, form: ConfirmForm) -> HttpResponse:
    uid = request.POST.get("uid", "")
    try:
        delete_apiservice(row.cluster, row, uid=uid, by=actor_of(request), now=timezone.now())
    except NotFound:
        messages.info(request, _("%(name)s was gone already.") % {"name": row.name})
        return redirect(row.cluster)
    except KubeError as error:
        form.add_error(None, words(error.sentence))
        return _page(request, row, form, status=409 if isinstance(error, Conflict) else 422)
    messages.success(request, _("%(name)s is deleted from the cluster.") % {"name": row.name})
    return redirect(row.cluster)


def _page(
    request: HttpRequest,
    row: WatchedAPIService,
    form: ConfirmForm,
    *,
    status: int,
    refusal: object = None,
) -> HttpResponse:
    change = objection = None
    if refusal is None:
        try:
            change = try_deletion(row.cluster, row)
        except KubeError as error:
            objection = error
    context = {
        "row": row,
        "cluster": row.cluster,
        "form": form,
        "refusal": refusal,
        "change": change,
        "objection": objection,
        "told": Finding.objects.unresolved().filter(
            cluster=row.cluster, subject=row.name, deed=Deed.DELETE_APISERVICE
        ),
    }
    return render(request, "clusters/apiservice_delete_page.html", context, status=status)


def find_row(slug: str, name: str) -> WatchedAPIService:
    if not name.isprintable():  # PostgreSQL takes no NUL, and no APIService has such a name
        raise Http404
    rows = WatchedAPIService.objects.select_related("cluster__state", "cluster__sealed")
    return get_object_or_404(rows, cluster__slug=slug, name=name)
