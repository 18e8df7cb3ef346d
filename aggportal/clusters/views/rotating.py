"""What an administrator does in a rotation: the step's deed, going on, going back, stopping."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, require_role, role_required
from aggportal.clusters.forms.rotating import DeedForm, OverrideForm, StopForm
from aggportal.clusters.models import Rotation
from aggportal.clusters.rotating import deed_form, make_rotation_page, typed_form
from aggportal.clusters.scoping import of_cluster, of_deed
from aggportal.clusters.services import rotating
from aggportal.clusters.services.rotating import NotProven
from aggportal.clusters.services.rotation_deeds import act
from aggportal.clusters.services.rotation_moves import Moved, present_of
from aggportal.clusters.views.rotations import add_refusal, find_rotation, rotation_page
from aggportal.kube.errors import KubeError
from aggportal.pki.errors import PkiError
from aggportal.web.actors import actor_of
from aggportal.web.sentences import words
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n


@require_POST
@role_required(Role.OPERATOR, on=of_cluster)
@confirmation_required
def rotation_do(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Do the deed of the present step."""
    rotation = find_rotation(slug, pk)
    present, step = present_of(rotation), _step(request)
    if present is None or present.row.pk != step or present.step.deed is None:
        return _moved(request, rotation)
    deed = present.step.deed
    require_role(request.user, deed.needs, on=of_deed(rotation, deed))
    form = deed_form(deed, rotation, request.POST)
    typed = typed_form(deed, request.POST)
    asked: list[forms.Form] = [each for each in (form, typed) if each is not None]
    if [each for each in asked if not each.is_valid()]:
        return rotation_page(request, rotation, form=form, typed=typed, status=422)
    chosen: dict[str, Any] = form.cleaned_data if form else {}
    try:
        did = act(rotation, step, chosen, by=actor_of(request), now=timezone.now())
    except (KubeError, PkiError) as refused:
        return _refused(request, rotation, refused, form=form, typed=typed)
    messages.success(request, words(did.sentence))
    return redirect(rotation)


def _refused(
    request: HttpRequest,
    rotation: Rotation,
    refused: RefusedError,
    *,
    form: forms.Form | None,
    typed: DeedForm | None,
) -> HttpResponse:
    """Say it beside the field, or above the page where nothing was filled in."""
    target = form or typed
    if target is None:
        messages.error(request, words(refused.sentence))
        return redirect(rotation)
    add_refusal(target, refused)
    return rotation_page(request, rotation, form=form, typed=typed, status=422)


@require_POST
@role_required(Role.OPERATOR, on=of_cluster)
def rotation_seen(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Keep what the person says to have seen."""
    rotation = find_rotation(slug, pk)
    keys, by = frozenset(request.POST.getlist("seen")), actor_of(request)
    rotating.say_seen(rotation, _step(request), keys, by=by, now=timezone.now())
    messages.success(request, _("It is written down."))
    return redirect(rotation)


@require_POST
@role_required(Role.OPERATOR, on=of_cluster)
@confirmation_required
def rotation_on(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Look once more, and go to the next step."""
    rotation = find_rotation(slug, pk)
    try:
        rotating.go_on(rotation, _step(request), by=actor_of(request), now=timezone.now())
    except NotProven as refused:
        messages.error(request, words(refused.sentence))
        return rotation_page(request, find_rotation(slug, pk), status=409)
    return redirect(rotation)


@require_http_methods(["GET", "POST"])
@role_required(Role.OPERATOR, on=of_cluster)
@confirmation_required
def rotation_override(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Ask why, then go on without proof."""
    rotation = find_rotation(slug, pk)
    data = request.POST if request.method == "POST" else None
    form = OverrideForm(data, expected=rotation.cluster.name)
    if not form.is_valid():
        return _asking(request, rotation, form, "clusters/rotation_override_page.html")
    step, reason = _step(request), form.cleaned_data["reason"]
    rotating.override(rotation, step, reason, by=actor_of(request), now=timezone.now())
    messages.warning(request, _("The step is passed without proof; the reason stays with it."))
    return redirect(rotation)


@require_http_methods(["GET", "POST"])
@role_required(Role.OPERATOR, on=of_cluster)
@confirmation_required
def rotation_back(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Say what is to be undone, then go to the step before."""
    rotation = find_rotation(slug, pk)
    if request.method == "GET":
        return _asking(request, rotation, None, "clusters/rotation_back_page.html")
    rotating.go_back(rotation, _step(request), by=actor_of(request), now=timezone.now())
    messages.success(request, _("Back at the step before; its proof is taken anew."))
    return redirect(rotation)


@require_http_methods(["GET", "POST"])
@role_required(Role.OPERATOR, on=of_cluster)
@confirmation_required
def rotation_stop(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Ask why, then leave everything as it is."""
    rotation = find_rotation(slug, pk)
    form = StopForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _asking(request, rotation, form, "clusters/rotation_stop_page.html")
    why = form.cleaned_data["why"]
    rotating.stop_rotation(rotation, why, by=actor_of(request), now=timezone.now())
    messages.success(request, _("The rotation is stopped; the cluster stays as it is now."))
    return redirect(rotation)


def _asking(
    request: HttpRequest, rotation: Rotation, form: forms.Form | None, template: str
) -> HttpResponse:
    page = make_rotation_page(rotation)
    if page.present is None:
        return redirect(rotation)
    context = {"page": page, "cluster": rotation.cluster, "form": form}
    status = 422 if form is not None and form.errors else 200
    return render(request, template, context, status=status)


def _moved(request: HttpRequest, rotation: Rotation) -> HttpResponse:
    messages.error(request, _("The rotation has moved on since this page was shown."))
    return rotation_page(request, rotation, status=409)


def _step(request: HttpRequest) -> int:
    """The row of the step that the page showed. Raises Moved for anything else."""
    text = request.POST.get("step", "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Moved(_n("The page does not say which step it showed. Load it again."))
    return int(text)
