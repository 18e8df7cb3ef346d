"""Taking a certificate in other forms: DER, chain and bundle by GET; stores with a passphrase by
POST, each time a private key is in it recorded.
"""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, role_required
from aggportal.certs.forms.keystores import KeystoreForm
from aggportal.certs.models import Certificate
from aggportal.certs.scoping import of_certificate
from aggportal.certs.services import keystores
from aggportal.certs.views.certificates import certificate_context
from aggportal.certs.views.files import download, found_certificate
from aggportal.web.actors import actor_of
from aggportal.web.pace import costly

_PKCS12 = "application/x-pkcs12"


@require_GET
@role_required(Role.VIEWER)
def certificate_form(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Send DER, chain or bundle."""
    forms = keystores.forms_of(found_certificate(pk))
    found = next((file for file in forms if file.name == name), None)
    if found is None:
        raise Http404
    kind = "application/pkix-cert" if name.endswith(".der") else "application/x-pem-file"
    return download(found.body, name=found.name, kind=kind)


@sensitive_post_parameters("passphrase", "again")
@never_cache
@require_POST
@role_required(Role.ISSUER, on=of_certificate)
@costly
@confirmation_required(hands_out=True)
def certificate_keystore(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a PKCS#12 with the private key; recorded."""
    certificate, form = found_certificate(pk), KeystoreForm(request.POST)
    if not form.is_valid() or form.lock is None:
        return _refused(request, certificate, form)
    file = keystores.keystore(certificate, form.lock, by=actor_of(request), now=timezone.now())
    return download(file.body, name=file.name, kind=_PKCS12)


@sensitive_post_parameters("passphrase", "again")
@never_cache
@require_POST
@role_required(Role.VIEWER)
@costly
def certificate_truststore(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a PKCS#12 in which Java trusts the authority; no key is in it."""
    certificate, form = found_certificate(pk), KeystoreForm(request.POST)
    if not form.is_valid() or form.lock is None:
        return _refused(request, certificate, form)
    file = keystores.truststore(certificate, form.lock)
    return download(file.body, name=file.name, kind=_PKCS12)


def _refused(request: HttpRequest, certificate: Certificate, form: KeystoreForm) -> HttpResponse:
    context = certificate_context(certificate) | {"keystore_form": form}
    return render(request, "certs/certificate_page.html", context, status=422)
