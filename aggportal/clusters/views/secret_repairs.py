"""Writing a serving certificate of ours into Secrets, and watching the pods pick it up."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, role_required
from aggportal.certs.models import Authority, Certificate, Lane
from aggportal.clusters.forms.repairs import TypedNameForm
from aggportal.clusters.forms.secret_repairs import SecretForm, WatchedForm, seen_at, seen_field
from aggportal.clusters.models import WatchedAPIService
from aggportal.clusters.scoping import of_cluster
from aggportal.clusters.services.certifying import (
    fitting_certificates,
    issue_serving,
    renew_serving,
    serving_name,
)
from aggportal.clusters.services.changes import Change
from aggportal.clusters.services.picking_up import pods_picking_up, proposed_names
from aggportal.clusters.services.secrets import try_secret, write_secret
from aggportal.clusters.views.apiservices import find_row
from aggportal.kube.errors import Conflict, PermissionDenied
from aggportal.kube.secrets import SecretPlace, render_secret_access
from aggportal.web.actors import actor_of
from aggportal.words import RefusedError


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """What would change at one place, or why nothing can."""

    place: SecretPlace
    change: Change | None = None
    refusal: RefusedError | None = None

    @property
    def field(self) -> str:
        return seen_field(self.place)


@require_http_methods(["GET", "POST"])
@role_required(Role.OPERATOR, on=of_cluster)
@confirmation_required(looks={"try", "edit"})
def secret_repair(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Choose a certificate and places, see what would change, type the name, write."""
    row = _aggregated(slug, name)
    form = _form(request, row)
    do = request.POST.get("do", "")
    if do in _MAKING:
        return _make(request, row, form, do)
    if not form.is_bound or not form.is_valid() or do == "edit":
        return _page(request, row, form, status=422 if form.errors else 200)
    return _write(request, row, form) if do == "apply" else _try(request, row, form)


def _form(request: HttpRequest, row: WatchedAPIService) -> SecretForm:
    fitting = fitting_certificates(row, now=timezone.now())
    if request.method == "POST":
        return SecretForm(request.POST, fitting=fitting)
    first = fitting.first()
    initial = {
        "certificate": request.GET.get("certificate") or (first.pk if first else None),
        "name": request.GET.get("name") or f"{row.service_name}-serving-cert",
        "namespaces": row.service_namespace,
    }
    return SecretForm(initial=initial, fitting=fitting)


def _try(
    request: HttpRequest,
    row: WatchedAPIService,
    form: SecretForm,
    *,
    typed: TypedNameForm | None = None,
    refusal: RefusedError | None = None,
) -> HttpResponse:
    """What would change at each place, as the API server says now."""
    tried = [_tried(row, place, form) for place in form.places]
    denied = [each.place for each in tried if isinstance(each.refusal, PermissionDenied)]
    goes = all(each.change for each in tried)
    context = {
        "row": row,
        "cluster": row.cluster,
        "form": form,
        "tried": tried,
        "goes": goes,
        "refusal": refusal,
        "access": render_secret_access(denied) if denied else "",
        "confirm": typed or TypedNameForm(expected=form.cleaned_data["name"]),
    }
    status = 409 if refusal else 422 if typed or not goes else 200
    return render(request, "clusters/repair_secret_try_page.html", context, status=status)


def _tried(row: WatchedAPIService, place: SecretPlace, form: SecretForm) -> Tried:
    certificate = form.cleaned_data["certificate"]
    try:
        change = try_secret(row.cluster, place, certificate, now=timezone.now(), row=row)
    except RefusedError as refused:
        return Tried(place=place, refusal=refused)
    return Tried(place=place, change=change)


def _write(request: HttpRequest, row: WatchedAPIService, form: SecretForm) -> HttpResponse:
    typed = TypedNameForm(request.POST, expected=form.cleaned_data["name"])
    if not typed.is_valid():
        return _try(request, row, form, typed=typed)
    now, certificate = timezone.now(), form.cleaned_data["certificate"]
    for place in form.places:
        seen, by = seen_at(request.POST, place), actor_of(request)
        try:
            write_secret(row.cluster, place, certificate, seen=seen, by=by, now=now)
        except RefusedError as refused:
            # What was written before this one stays, and the page says so by its new state.
            return _try(request, row, form, refusal=refused)
        messages.success(request, _("The Secret %(place)s is written.") % {"place": place})
    query = {
        "certificate": certificate.pk,
        "name": form.cleaned_data["name"],
        "namespaces": ",".join(place.namespace for place in form.places),
        "since": int(now.timestamp()),
    }
    return redirect(f"{row.get_absolute_url()}secret/watch/?{urlencode(query)}")


def _make(request: HttpRequest, row: WatchedAPIService, form: SecretForm, do: str) -> HttpResponse:
    """Issue one for the Service, or renew the chosen one; the page then offers it."""
    try:
        made = _MAKING[do](request, row, form)
    except RefusedError as refused:
        status = 409 if isinstance(refused, Conflict) else 422
        return _page(request, row, _form_anew(request, row), status=status, refusal=refused)
    if made is None:
        return _page(request, row, form, status=422)
    messages.success(request, _("%(name)s is issued.") % {"name": made})
    kept = {"certificate": made.pk, "name": request.POST.get("name", "")[:253]}
    return redirect(f"{row.get_absolute_url()}secret/?{urlencode(kept)}")


def _issue(request: HttpRequest, row: WatchedAPIService, form: SecretForm) -> Certificate | None:
    authority = _authorities(row).filter(slug=request.POST.get("authority", "")).first()
    if authority is None:
        form.add_error(None, _("Choose the authority that is to sign it."))
        return None
    return issue_serving(row, authority, by=actor_of(request), now=timezone.now())


def _renew(request: HttpRequest, row: WatchedAPIService, form: SecretForm) -> Certificate | None:
    form.is_valid()
    chosen = form.cleaned_data.get("certificate")
    if not isinstance(chosen, Certificate):
        return None
    return renew_serving(chosen, by=actor_of(request), now=timezone.now())


_MAKING = {"issue": _issue, "renew": _renew}


def _form_anew(request: HttpRequest, row: WatchedAPIService) -> SecretForm:
    initial = {name: request.POST.get(name, "") for name in ("certificate", "name", "namespaces")}
    return SecretForm(initial=initial, fitting=fitting_certificates(row, now=timezone.now()))


def _page(
    request: HttpRequest,
    row: WatchedAPIService,
    form: SecretForm,
    *,
    status: int,
    refusal: RefusedError | None = None,
) -> HttpResponse:
    context = {
        "row": row,
        "cluster": row.cluster,
        "form": form,
        "refusal": refusal,
        "authorities": _authorities(row),
        "proposed": proposed_names(row.cluster, row),
        "serving_name": serving_name(row),
    }
    return render(request, "clusters/repair_secret_page.html", context, status=status)


def _authorities(row: WatchedAPIService) -> QuerySet[Authority]:
    chosen = row.cluster.serving_authorities.filter(retired_at=None)
    if chosen.exists():
        return chosen.order_by("label")
    lanes = [Lane.SERVING, Lane.GENERAL]
    return Authority.objects.filter(retired_at=None, lane__in=lanes).order_by("label")


@require_GET
@role_required(Role.OPERATOR, on=of_cluster)
def secret_watch(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Show what the pods do with what was written; the fragment looks again."""
    return _watched(request, slug, name, "clusters/repair_watch_page.html")


@require_GET
@role_required(Role.OPERATOR, on=of_cluster)
def secret_pickup(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Look again."""
    return _watched(request, slug, name, "clusters/_repair_pickup.html")


def _watched(request: HttpRequest, slug: str, name: str, template: str) -> HttpResponse:
    row = _aggregated(slug, name)
    form = WatchedForm(request.GET)
    if not form.is_valid():
        raise Http404
    certificate = form.cleaned_data["certificate"]
    context = {
        "row": row,
        "cluster": row.cluster,
        "certificate": certificate,
        "places": form.places,
        "query": request.GET.urlencode(),
        "look": pods_picking_up(
            row.cluster, row, form.places, certificate, since=form.moment, now=timezone.now()
        ),
    }
    return render(request, template, context)


def _aggregated(slug: str, name: str) -> WatchedAPIService:
    row = find_row(slug, name)
    if row.is_local:
        raise Http404
    return row
