"""The authorities: all of them, one of them, its files."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, role_required
from aggportal.certs.addresses import public_addresses
from aggportal.certs.forms.authority_mode import ModeForm
from aggportal.certs.forms.proxy_names import ProxyNamesForm
from aggportal.certs.forms.revoking import CrlForm
from aggportal.certs.lane_words import LANE_WORDS
from aggportal.certs.lifetimes import authority_life
from aggportal.certs.models import Authority, Kind, Lane
from aggportal.certs.scoping import of_authority
from aggportal.certs.services.authorities import change_allowed_names
from aggportal.certs.services.authority_documents import authority_documents
from aggportal.certs.services.chain_trees import nested
from aggportal.certs.services.crls import current_crl
from aggportal.certs.signing_configs import config_of
from aggportal.certs.views.chains import authority_chain_context
from aggportal.pki.reading import read_certificate
from aggportal.web.actors import actor_of

LATEST = 10


@require_GET
@role_required(Role.VIEWER)
def authority_list(request: HttpRequest) -> HttpResponse:
    """List every authority with its lane, its life and how much it issued."""
    now = timezone.now()
    authorities = Authority.objects.select_related("issued_as").annotate(
        issued=Count("certificates")
    )
    rows = [
        {
            "authority": authority,
            "depth": min(depth, 3),
            "lane": LANE_WORDS[authority.lane],
            "life": authority_life(authority, now=now),
            "issued": authority.issued,
        }
        for authority, depth in nested(list(authorities))
    ]
    return render(request, "certs/authority_list_page.html", {"rows": rows})


@require_GET
@role_required(Role.VIEWER, on=of_authority)
def authority_show(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one authority: life, lane, profiles, what it issued, its public files."""
    authority = get_object_or_404(Authority, slug=slug)
    return authority_page(request, authority)


@require_POST
@role_required(Role.ADMINISTRATOR, on=of_authority)
@confirmation_required
def authority_names(request: HttpRequest, slug: str) -> HttpResponse:
    """Say which CNs may act as front proxy under this authority."""
    authority = get_object_or_404(Authority, slug=slug)
    form = ProxyNamesForm(request.POST)
    if not form.is_valid():
        return authority_page(request, authority, status=422, names_form=form)
    names = form.cleaned_data["allowed_names"]
    change_allowed_names(authority, names, by=actor_of(request), now=timezone.now())
    messages.success(request, _("The allowed names are saved."))
    return redirect(authority)


def authority_page(
    request: HttpRequest, authority: Authority, *, status: int = 200, **changed: object
) -> HttpResponse:
    """Show the page of one authority; `changed` goes over its context, such as a refused form."""
    now = timezone.now()
    context = {
        "authority": authority,
        "names_form": ProxyNamesForm(initial={"allowed_names": authority.allowed_names}),
        "mode_form": ModeForm(initial={"mode": authority.mode}),
        "may_proxy": authority.lane in (Lane.FRONT_PROXY, Lane.GENERAL),
        "lane": LANE_WORDS[authority.lane],
        "facts": read_certificate(authority.certificate_pem),
        "life": authority_life(authority, now=now),
        "config": config_of(authority),
        "latest": authority.certificates.exclude(kind=Kind.RESPONDER).select_related("successor")[
            :LATEST
        ],
        "issued": authority.certificates.count(),
        "files": authority_documents(authority),
        "crl": current_crl(authority),
        "crl_form": CrlForm(initial={"hours": authority.crl_hours}),
        "addresses": public_addresses(authority),
        **authority_chain_context(authority, now=now),
    }
    return render(request, "certs/authority_page.html", context | changed, status=status)


@require_GET
@role_required(Role.VIEWER)
def authority_file(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Send one public file of an authority under its own name."""
    authority = get_object_or_404(Authority, slug=slug)
    found = next((doc for doc in authority_documents(authority) if doc.name == name), None)
    if found is None:
        raise Http404
    response = HttpResponse(found.file.body, content_type=found.media_type)
    response["Content-Disposition"] = f'attachment; filename="{found.name}"'
    return response
