"""Applying a set to a cluster: tried on its API server, confirmed, then begun."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, require_role, role_required
from aggportal.clusters.models import Cluster
from aggportal.clusters.scoping import of_cluster
from aggportal.kube.errors import KubeError
from aggportal.pki.errors import PkiError
from aggportal.snippets.forms.applying import ApplyForm
from aggportal.snippets.forms.studio import StudioForm
from aggportal.snippets.services.sets import Plan, SetUnderWay, plan_set, start_applying
from aggportal.snippets.services.studio import Described
from aggportal.snippets.views.studio import judged, studio_page
from aggportal.vault.errors import CannotOpen, NoKey
from aggportal.web.actors import actor_of
from aggportal.web.sentences import visible, words
from aggportal.words import RefusedError


@require_POST
@role_required(Role.OPERATOR, on=of_cluster)
@confirmation_required(deeds={"apply"})
def extension_apply(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what the cluster says to each object; with `do` = apply, begin."""
    rows = Cluster.objects.select_related("state", "sealed")
    cluster = get_object_or_404(rows, slug=slug)
    form = StudioForm.posted(request.POST, cluster=cluster)
    described = judged(form, cluster)
    if described is None:
        return studio_page(request, form, cluster, status=422)
    require_role(request.user, Role.ISSUER, on=described.authority.scope)
    try:
        plan = plan_set(cluster, described)
    except (KubeError, CannotOpen, NoKey) as refused:
        return _page(request, cluster, form, described, trouble=refused, status=422)
    asked = request.POST.get("do") == "apply"
    apply_form = _form(described, plan, request if asked else None)
    if asked and plan.refused:
        return _page(request, cluster, form, described, plan=plan, confirm=apply_form, status=409)
    if not asked or not apply_form.is_valid():
        status = 422 if apply_form.errors else 200
        return _page(
            request, cluster, form, described, plan=plan, confirm=apply_form, status=status
        )
    return _begin(request, cluster, form, described, plan, apply_form)


def _begin(
    request: HttpRequest,
    cluster: Cluster,
    form: StudioForm,
    described: Described,
    plan: Plan,
    confirm: ApplyForm,
) -> HttpResponse:
    try:
        applied = start_applying(
            cluster,
            described,
            allowed=confirm.cleaned_data["allowed"],
            by=actor_of(request),
            now=timezone.now(),
        )
    except PkiError as refused:
        form.refuse(refused)
        return studio_page(request, form, cluster, status=422)
    except SetUnderWay as late:
        confirm.add_error(None, words(late.sentence))
        return _page(request, cluster, form, described, plan=plan, confirm=confirm, status=409)
    messages.success(request, _("The work has begun. You may leave this page meanwhile."))
    return redirect(applied)


def _form(described: Described, plan: Plan, request: HttpRequest | None) -> ApplyForm:
    foreign = [
        (f"{each.manifest.key} {each.uid}", visible(str(each.place))) for each in plan.foreign
    ]
    data = request.POST if request else None
    return ApplyForm(data, expected=described.extension.name, foreign=foreign)


def _page(
    request: HttpRequest,
    cluster: Cluster,
    form: StudioForm,
    described: Described,
    *,
    status: int,
    **shown: Plan | ApplyForm | RefusedError,
) -> HttpResponse:
    context = {
        "cluster": cluster,
        "form": form,
        "extension": described.extension,
        "once": request.POST.get("once", "")[:64],
        **shown,
    }
    return render(request, "snippets/studio_try_page.html", context, status=status)
