"""One certificate with its files and its story."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from aggportal.accounts.roles import Role, role_required
from aggportal.certs.forms.issuing import SecretForm
from aggportal.certs.forms.keeping import KeepingForm
from aggportal.certs.forms.keystores import KeystoreForm
from aggportal.certs.lane_words import LANE_WORDS
from aggportal.certs.lifetimes import Life, certificate_life
from aggportal.certs.models import Certificate
from aggportal.certs.scoping import of_certificate
from aggportal.certs.services.files import public_files
from aggportal.certs.services.keeping import keeping_of
from aggportal.certs.services.keystores import forms_of
from aggportal.certs.views.chains import certificate_chain_context
from aggportal.ledger.models import Entry
from aggportal.pki.reading import read_certificate


@require_GET
@role_required(Role.VIEWER, on=of_certificate)
def certificate_show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one certificate."""
    rows = Certificate.objects.select_related("authority", "material", "request")
    certificate = get_object_or_404(rows, pk=pk)
    return render(request, "certs/certificate_page.html", certificate_context(certificate))


def certificate_context(certificate: Certificate) -> dict[str, object]:
    """Return what the certificate's page shows."""
    authority, facts = certificate.authority, read_certificate(certificate.material.pem)
    life = certificate_life(certificate, now=timezone.now())
    story = Entry.objects.filter(object_kind="certificate", object_id=str(certificate.pk))
    return {
        "certificate": certificate,
        "authority": authority,
        "lane": LANE_WORDS[authority.lane] if authority else None,
        "facts": facts,
        "life": life,
        "first_deed": _first_deed(certificate, life, is_ca=facts.is_ca),
        "files": public_files(certificate),
        "secret_form": SecretForm(
            initial={"name": _secret_name(certificate), "namespace": "default"}
        ),
        "other_forms": forms_of(certificate),
        "keystore_form": KeystoreForm(initial={"alias": certificate.file_base}),
        "keeping_form": KeepingForm.showing(keeping_of(certificate)),
        "story": story[:50],
        **certificate_chain_context(certificate, now=timezone.now()),
    }


def _first_deed(certificate: Certificate, life: Life, *, is_ca: bool) -> str:
    """Tell what comes first: renewal once its life is nearly or wholly over or where nothing can be
    taken, else to take its archive; neither while it is on hold.
    """
    match life.state:
        case "soon" | "over" | "revoked":
            return "renewal"
        case "held":
            return ""
    return "archive" if certificate.key_leaves and not is_ca else "renewal"


def _secret_name(certificate: Certificate) -> str:
    return f"{certificate.file_base}-tls".lower().replace("_", "-")
