"""The authorities: all of them, one of them, its files."""

from __future__ import annotations

from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from aggportal.accounts.roles import Role, role_required
from aggportal.certs.lane_words import LANE_WORDS
from aggportal.certs.lifetimes import life_of
from aggportal.certs.models import Authority
from aggportal.certs.services.authority_documents import authority_documents
from aggportal.pki.config import parse_config
from aggportal.pki.reading import read_certificate

LATEST = 10


@require_GET
@role_required(Role.VIEWER)
def authority_list(request: HttpRequest) -> HttpResponse:
    """List every authority with its lane, its life and how much it issued."""
    now = timezone.now()
    rows = [
        {
            "authority": authority,
            "lane": LANE_WORDS[authority.lane],
            "life": life_of(authority.not_before, authority.not_after, now=now),
            "issued": authority.issued,
        }
        for authority in Authority.objects.annotate(issued=Count("certificates"))
    ]
    return render(request, "certs/authority_list_page.html", {"rows": rows})


@require_GET
@role_required(Role.VIEWER)
def authority_show(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one authority: life, lane, profiles, what it issued, its public files."""
    authority = get_object_or_404(Authority, slug=slug)
    context = {
        "authority": authority,
        "lane": LANE_WORDS[authority.lane],
        "facts": read_certificate(authority.certificate_pem),
        "life": life_of(authority.not_before, authority.not_after, now=timezone.now()),
        "config": parse_config(authority.signing_config),
        "latest": authority.certificates.all()[:LATEST],
        "issued": authority.certificates.count(),
        "files": authority_documents(authority),
    }
    return render(request, "certs/authority_page.html", context)


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
