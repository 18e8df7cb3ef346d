"""A set that is or was in a cluster: how far it is, stopping and going on, removing it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, role_required
from aggportal.clusters.models import Deed, ExtensionSet, ObjectState
from aggportal.clusters.scoping import of_cluster
from aggportal.kube.errors import KubeError
from aggportal.ledger.models import Entry
from aggportal.snippets.forms.applying import RemoveForm
from aggportal.snippets.services.sets import (
    RemovalPlan,
    SetUnderWay,
    extension_of,
    plan_removal,
    resume_set,
    start_removing,
    stop_set,
)
from aggportal.vault.errors import CannotOpen, NoKey
from aggportal.web.actors import actor_of
from aggportal.web.sentences import words
from aggportal.words import RefusedError

_DEEDS: dict[str, Callable[..., None]] = {"stop": stop_set, "resume": resume_set}
_PAST = (ObjectState.DONE, ObjectState.LEFT)


@require_GET
@role_required(Role.VIEWER, on=of_cluster)
def extension_show(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show a set with its steps and its story."""
    return render(request, "snippets/extension_set_page.html", _progress(_set(slug, pk)))


@require_GET
@role_required(Role.VIEWER, on=of_cluster)
def extension_progress(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Answer how far it is when that is newer than what the page has; 204 if not."""
    context = _progress(_set(slug, pk))
    if request.GET.get("was") == context["mark"]:
        return HttpResponse(status=204)
    return render(request, "snippets/_set_progress.html", context)


@require_POST
@role_required(Role.OPERATOR, on=of_cluster)
@confirmation_required
def extension_change(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Stop, or go on where it stood."""
    applied, deed = _set(slug, pk), _DEEDS.get(request.POST.get("do", ""))
    if deed is None:
        return HttpResponse(_("Choose to stop it or to go on."), status=422)
    deed(applied, by=actor_of(request), now=timezone.now())
    return redirect(applied)


@require_http_methods(["GET", "POST"])
@role_required(Role.OPERATOR, on=of_cluster)
@confirmation_required
def extension_remove(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show what the cluster says to the removal, ask for the name, then begin."""
    applied = _set(slug, pk)
    form = RemoveForm(request.POST if request.method == "POST" else None, expected=applied.name)
    if applied.is_running or applied.is_removed:
        return _removal(request, applied, form, status=409 if form.is_bound else 200)
    try:
        plan = plan_removal(applied)
    except (KubeError, CannotOpen, NoKey) as refused:
        return _removal(request, applied, form, trouble=refused, status=422)
    if plan.refused or not form.is_valid():
        status = 409 if form.is_bound and plan.refused else 422 if form.errors else 200
        return _removal(request, applied, form, plan=plan, status=status)
    return _begin(request, applied, form, plan)


def _begin(
    request: HttpRequest, applied: ExtensionSet, form: RemoveForm, plan: RemovalPlan
) -> HttpResponse:
    wanted = bool(form.cleaned_data["with_namespace"]) and plan.has_namespace
    try:
        start_removing(applied, with_namespace=wanted, by=actor_of(request), now=timezone.now())
    except SetUnderWay as late:
        form.add_error(None, words(late.sentence))
        return _removal(request, applied, form, plan=plan, status=409)
    messages.success(request, _("The work has begun. You may leave this page meanwhile."))
    return redirect(applied)


def _removal(
    request: HttpRequest,
    applied: ExtensionSet,
    form: RemoveForm,
    *,
    status: int,
    **shown: RemovalPlan | RefusedError,
) -> HttpResponse:
    context = {"applied": applied, "cluster": applied.cluster, "form": form, **shown}
    return render(request, "snippets/extension_set_remove_page.html", context, status=status)


def _set(slug: str, pk: int) -> ExtensionSet:
    rows = ExtensionSet.objects.select_related("cluster__sealed", "certificate")
    return get_object_or_404(rows, cluster__slug=slug, pk=pk)


def _progress(applied: ExtensionSet) -> dict[str, object]:
    removing = applied.deed == Deed.REMOVE
    steps = list(applied.steps.reverse() if removing else applied.steps.all())
    said = [applied.state, applied.deed, *(f"{step.state} {step.note}" for step in steps)]
    return {
        "applied": applied,
        "cluster": applied.cluster,
        "extension": extension_of(applied),
        "steps": steps,
        "removing": removing,
        "story": Entry.objects.filter(object_kind="extension", object_id=str(applied.pk))[:20],
        "done": sum(step.state in _PAST for step in steps),
        "mark": hashlib.sha256("\n".join(said).encode()).hexdigest()[:16],
    }
