"""The certificates: finding them, and one of them with its files and its story."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from aggportal.accounts.roles import Role, role_required
from aggportal.certs.forms.finding import CertificateFilter
from aggportal.certs.forms.issuing import SecretForm
from aggportal.certs.forms.keystores import KeystoreForm
from aggportal.certs.lane_words import LANE_WORDS
from aggportal.certs.lifetimes import life_of
from aggportal.certs.models import Authority, Certificate
from aggportal.certs.services.files import public_files
from aggportal.certs.services.keystores import forms_of
from aggportal.ledger.models import Entry
from aggportal.pki.reading import read_certificate
from aggportal.web.pagination import Page, capped_count, page_by_id


@require_GET
@role_required(Role.VIEWER)
def certificate_list(request: HttpRequest) -> HttpResponse:
    """List the certificates that the filters leave, newest first."""
    now = timezone.now()
    form = CertificateFilter(request.GET)
    found = form.certificates(now=now)
    page = page_by_id(
        found.select_related("authority"),
        before=request.GET.get("before", ""),
        after=request.GET.get("after", ""),
    )
    rows = [(row, life_of(row.not_before, row.not_after, now=now)) for row in page.rows]
    context = {"form": form, "page": page, "rows": rows, "count": _count(found, page)}
    context["has_authorities"] = bool(rows) or Authority.objects.exists()
    return render(request, "certs/certificate_list_page.html", context)


@require_GET
@role_required(Role.VIEWER)
def certificate_show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one certificate."""
    rows = Certificate.objects.select_related("authority", "material", "request")
    certificate = get_object_or_404(rows, pk=pk)
    return render(request, "certs/certificate_page.html", certificate_context(certificate))


def _count(found: QuerySet[Certificate], page: Page[Certificate]) -> str:
    """Count what the filters leave; a list of one page is counted already."""
    if page.older is None and page.newer is None:
        return str(len(page.rows))
    return capped_count(found)


def certificate_context(certificate: Certificate) -> dict[str, object]:
    """Return what the certificate's page shows."""
    authority = certificate.authority
    story = Entry.objects.filter(object_kind="certificate", object_id=str(certificate.pk))
    return {
        "certificate": certificate,
        "authority": authority,
        "lane": LANE_WORDS[authority.lane] if authority else None,
        "facts": read_certificate(certificate.material.pem),
        "life": life_of(certificate.not_before, certificate.not_after, now=timezone.now()),
        "files": public_files(certificate),
        "secret_form": SecretForm(
            initial={"name": _secret_name(certificate), "namespace": "default"}
        ),
        "other_forms": forms_of(certificate),
        "keystore_form": KeystoreForm(initial={"alias": certificate.file_base}),
        "story": story[:50],
    }


def _secret_name(certificate: Certificate) -> str:
    return f"{certificate.file_base}-tls".lower().replace("_", "-")
