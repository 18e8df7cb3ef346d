"""Rotations of a cluster: the list, beginning one, its page and what the page asks for anew."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotFound
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, has_role, require_role, role_required
from aggportal.clusters.models import Cluster, Rotation
from aggportal.clusters.rotating import RotationPage, frame_of, make_rotation_page
from aggportal.clusters.rotation.kinds import KINDS
from aggportal.clusters.rotation.steps import Kind
from aggportal.clusters.scoping import of_cluster, of_deed, of_signer
from aggportal.clusters.services.rotating import AlreadyOpen, start_rotation
from aggportal.clusters.services.rotation_moves import present_of
from aggportal.kube.errors import KubeError
from aggportal.pki.errors import PkiError
from aggportal.web.actors import actor_of
from aggportal.web.pagination import page_by_id
from aggportal.web.sentences import words
from aggportal.words import RefusedError, Sentence


@require_GET
@role_required(Role.VIEWER, on=of_cluster)
def rotation_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what is under way, what was, and what can be begun."""
    cluster = get_object_or_404(Cluster, slug=slug)
    before, after = request.GET.get("before", ""), request.GET.get("after", "")
    context = {
        "cluster": cluster,
        "page": page_by_id(rotations().filter(cluster=cluster), before=before, after=after),
        "kinds": [_told(kind) for kind in KINDS.values()],
    }
    return render(request, "clusters/rotation_list_page.html", context)


@require_http_methods(["GET", "POST"])
@role_required(Role.OPERATOR, on=of_cluster)
@confirmation_required
def rotation_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Say what a kind needs to begin, then begin it."""
    cluster = get_object_or_404(
        Cluster.objects.select_related("sealed", "front_proxy", "examination__recognised"),
        slug=slug,
    )
    key = request.GET.get("kind", "front_proxy_ca")
    if key not in KINDS:
        raise Http404
    kind = KINDS[key]
    if request.method == "GET":
        return _start_page(request, cluster, kind, kind.form(cluster, None))
    form = kind.form(cluster, request.POST)
    if not form.is_valid():
        return _start_page(request, cluster, kind, form, status=422)
    return _start(request, cluster, kind, form)


def _start(request: HttpRequest, cluster: Cluster, kind: Kind, form: forms.Form) -> HttpResponse:
    chosen, by = form.cleaned_data, actor_of(request)
    try:
        rotation = start_rotation(cluster, kind.key, chosen, by=by, now=timezone.now())
    except (KubeError, PkiError, AlreadyOpen) as refused:
        add_refusal(form, refused)
        status = 409 if isinstance(refused, AlreadyOpen) else 422
        return _start_page(request, cluster, kind, form, status=status)
    messages.success(request, _("The rotation has begun. Nothing has changed in the cluster yet."))
    return redirect(rotation)


def add_refusal(form: forms.Form, refused: RefusedError) -> None:
    """Put what was refused beside the field that it is about, or above all of them."""
    field = refused.field if refused.field in form.fields else None
    form.add_error(field, words(refused.sentence))
    remedy = getattr(refused, "remedy", None)
    if isinstance(remedy, Sentence):
        form.add_error(None, words(remedy))


def _start_page(
    request: HttpRequest, cluster: Cluster, kind: Kind, form: forms.Form, *, status: int = 200
) -> HttpResponse:
    steps = [Sentence(text=step.title) for step in kind.steps]
    context = {"cluster": cluster, "kind": _told(kind), "form": form, "steps": steps}
    return render(request, "clusters/rotation_new_page.html", context, status=status)


@require_GET
@role_required(Role.VIEWER, on=of_cluster)
def rotation_show(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show the stepper: the present step large, the past ones with their evidence."""
    return rotation_page(request, find_rotation(slug, pk))


def rotation_page(
    request: HttpRequest, rotation: Rotation, *, status: int = 200, **refused: Any
) -> HttpResponse:
    """Answer with the page; `refused` holds the forms that were."""
    page = make_rotation_page(rotation, **refused)
    context = {"page": page, "cluster": rotation.cluster, **_allowed(request, page)}
    return render(request, "clusters/rotation_page.html", context, status=status)


def _allowed(request: HttpRequest, page: RotationPage) -> dict[str, object]:
    """Tell whether the deed of the present step is offered, and whether its keys are."""
    deed, user = page.deed, request.user
    operates = has_role(user, Role.OPERATOR, on=page.rotation.cluster.scope)
    able = deed is None or has_role(user, deed.needs, on=of_deed(page.rotation, deed))
    return {
        "may_do": operates and able,
        "lacks": None if able or deed is None else deed.needs.label,
        "may_issue": has_role(user, Role.ISSUER, on=of_signer(page.rotation)),
    }


@require_GET
@role_required(Role.VIEWER, on=of_cluster)
def rotation_board(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Answer with the proof where it is newer than the page has; 204 if it is not."""
    rotation = rotations().filter(pk=pk, cluster__slug=slug).first()
    if rotation is None:
        return HttpResponseNotFound(headers={"HX-Refresh": "true"})
    if frame_of(rotation, present_of(rotation)) != request.GET.get("frame"):
        return HttpResponse(headers={"HX-Refresh": "true"})
    if str(rotation.version) == request.GET.get("was"):
        return HttpResponse(status=204)
    context = {"page": make_rotation_page(rotation), "cluster": rotation.cluster}
    return render(request, "clusters/_rotation_proof.html", context)


@require_http_methods(["GET", "POST"])
@role_required(Role.VIEWER, on=of_cluster)
@confirmation_required(hands_out=True)
def rotation_file(request: HttpRequest, slug: str, pk: int, key: str) -> HttpResponse:
    """Give a file of the present step: one with a private key by POST, to an issuer."""
    rotation = find_rotation(slug, pk)
    offer = make_rotation_page(rotation).offer(key)
    if offer is None:
        raise Http404
    if offer.secret and request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    if offer.secret:
        require_role(request.user, Role.ISSUER, on=of_signer(rotation))
    body = offer.make(actor_of(request), timezone.now())
    disposition = f'attachment; filename="{offer.filename}"'
    headers = {"Content-Disposition": disposition, "Cache-Control": "no-store"}
    return HttpResponse(body, content_type="application/octet-stream", headers=headers)


def rotations() -> QuerySet[Rotation]:
    """Rotations with what their pages show."""
    return Rotation.objects.select_related(
        "cluster__sealed",
        "old_authority",
        "new_authority",
        "old_certificate__material",
        "new_certificate__material",
    )


def find_rotation(slug: str, pk: int) -> Rotation:
    """The rotation of this address, or 404."""
    return get_object_or_404(rotations(), pk=pk, cluster__slug=slug)


def _told(kind: Kind) -> dict[str, object]:
    return {
        "key": kind.key,
        "title": Sentence(text=kind.title),
        "about": Sentence(text=kind.about),
    }
