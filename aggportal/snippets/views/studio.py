"""The studio: describe an extension API server, see its manifest set, take it with a certificate.

The page and its panel are for whoever reads; taking the set issues a certificate and hands out its
key, so it is for issuers and by POST.
"""

from __future__ import annotations

import hashlib
import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, has_role, require_role, role_required
from aggportal.certs.models import Certificate
from aggportal.clusters.models import Cluster
from aggportal.clusters.scoping import of_cluster
from aggportal.kube.errors import KubeError
from aggportal.pki.errors import PkiError
from aggportal.snippets.forms.studio import StudioForm
from aggportal.snippets.services.studio import (
    FORMS,
    Described,
    issue_for,
    require_issuable,
    take_set,
)
from aggportal.snippets.studio_pages import described_by, require_free, show
from aggportal.web.actors import actor_of
from aggportal.web.pace import costly

_PAGE = "snippets/studio_page.html"
# What a session remembers of the sets that were taken; more open pages than anybody has.
_SESSION_KEY, _MOST_REMEMBERED = "studio", 50
_MOST_SETS = 50


@require_http_methods(["GET", "POST"])
@role_required(Role.VIEWER, on=of_cluster)
def extension_new(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Show the empty studio, started from the address; or what was described."""
    cluster = _cluster(slug)
    if request.method == "GET":
        asked = {
            name: request.GET[name][:400] for name in StudioForm.base_fields & request.GET.keys()
        }
        return studio_page(request, StudioForm(initial=asked, cluster=cluster), cluster)
    form = StudioForm.posted(request.POST, cluster=cluster)
    described = judged(form, cluster)
    return studio_page(request, form, cluster, described, status=200 if described else 422)


@require_POST
@role_required(Role.VIEWER, on=of_cluster)
def extension_preview(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Answer the panel and the notes beside the fields while one types."""
    cluster = _cluster(slug)
    form = StudioForm.posted(request.POST, cluster=cluster)
    described = judged(form, cluster)
    form.forgive_empty()
    context = _context(request, form, cluster, described)
    return render(request, "snippets/_studio_live.html", context)


@never_cache
@require_POST
@role_required(Role.ISSUER)
@costly
@confirmation_required(hands_out=True)
def extension_take(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Issue the serving certificate and send the set with its key, in the form `do`.

    From the same page the set comes again, in any form, with the same certificate.
    """
    cluster = _cluster(slug)
    form = StudioForm.posted(request.POST, cluster=cluster)
    kind = request.POST.get("do", "")
    described = judged(form, cluster)
    if described is None or kind not in FORMS:
        return studio_page(request, form, cluster, described, status=422)
    require_role(request.user, Role.ISSUER, on=described.authority.scope)
    try:
        certificate = _certificate(request, described)
    except PkiError as refused:
        form.refuse(refused)
        return studio_page(request, form, cluster, status=422)
    by, now = actor_of(request), timezone.now()
    taken = take_set(described, certificate, form=kind, by=by, now=now)
    headers = {
        "Content-Disposition": f'attachment; filename="{taken.filename}"',
        "Cache-Control": "no-store",
    }
    return HttpResponse(taken.body, content_type=taken.content_type, headers=headers)


def _may_issue(request: HttpRequest, described: Described | None) -> bool:
    scope = described.authority.scope if described else None
    return has_role(request.user, Role.ISSUER, on=scope)


def _cluster(slug: str) -> Cluster | None:
    if not slug:
        return None
    return get_object_or_404(Cluster.objects.select_related("state"), slug=slug)


def judged(form: StudioForm, cluster: Cluster | None) -> Described | None:
    """Return what can be issued; what stands in the way is said beside its field."""
    described = described_by(form) if form.is_valid() else None
    if described is None:
        return None
    try:
        require_free(described.extension, cluster)
        require_issuable(described, now=timezone.now())
    except (PkiError, KubeError) as refused:
        form.refuse(refused)
        return None
    return described


def _certificate(request: HttpRequest, described: Described) -> Certificate:
    """Return the certificate that this page issued for the same names, or a new one."""
    said = [request.POST.get("once", "")[:64], described.authority.slug, described.profile]
    said += [str(described.end_with_authority), *described.extension.hosts]
    key = hashlib.sha256("\n".join(said).encode()).hexdigest()
    remembered = request.session.get(_SESSION_KEY, {})
    certificates = Certificate.objects.select_related("authority", "material", "key")
    now = timezone.now()
    found = certificates.good(now=now).filter(pk=remembered.get(key)).first()
    if found is not None:
        return found
    made = issue_for(described, by=actor_of(request), now=now)
    latest = list(remembered.items())[-_MOST_REMEMBERED + 1 :]
    request.session[_SESSION_KEY] = {**dict(latest), key: made.pk}
    return certificates.get(pk=made.pk)


def _context(
    request: HttpRequest,
    form: StudioForm,
    cluster: Cluster | None,
    described: Described | None = None,
) -> dict[str, object]:
    place, arguments = ("cluster_extension", [cluster.slug]) if cluster else ("extension", [])
    return {
        "form": form,
        "cluster": cluster,
        "shown": show(described, cluster=cluster) if described else None,
        "once": request.POST.get("once", "")[:64] or uuid.uuid4().hex,
        "page_url": reverse(f"snippets:{place}_new", args=arguments),
        "preview_url": reverse(f"snippets:{place}_preview", args=arguments),
        "take_url": reverse(f"snippets:{place}_take", args=arguments),
        "apply_url": reverse(f"snippets:{place}_apply", args=arguments) if cluster else "",
        "may_issue": _may_issue(request, described),
        "sets": cluster.extension_sets.all()[:_MOST_SETS] if cluster else (),
    }


def studio_page(
    request: HttpRequest,
    form: StudioForm,
    cluster: Cluster | None,
    described: Described | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """Show the studio with what was described and what is wrong with it."""
    return render(request, _PAGE, _context(request, form, cluster, described), status=status)
