"""Taking files away: public ones by GET, private keys by POST and each time recorded."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from aggportal.accounts.confirming import confirmation_required
from aggportal.accounts.roles import Role, require_role, role_required
from aggportal.certs.forms.issuing import SecretForm
from aggportal.certs.models import Certificate
from aggportal.certs.scoping import of_certificate, scope_of
from aggportal.certs.services import files
from aggportal.certs.views.certificates import certificate_context
from aggportal.pki.errors import PkiError
from aggportal.web.actors import actor_of
from aggportal.web.sentences import words


def found_certificate(pk: int) -> Certificate:
    """Return a certificate with all that its files are made of, or answer 404."""
    return get_object_or_404(
        Certificate.objects.select_related("authority", "material", "key"), pk=pk
    )


def download(body: bytes | str, *, name: str, kind: str) -> HttpResponse:
    """Answer a file; `name` was checked as a safe base name when the certificate was issued."""
    response = HttpResponse(body, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


@never_cache
@require_http_methods(["GET", "POST"])
@role_required(Role.VIEWER, on=of_certificate)
@confirmation_required(hands_out=True)
def certificate_file(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Send one file. The private key needs the role issuer and a POST, and is recorded."""
    certificate = found_certificate(pk)
    if name == f"{certificate.file_base}-key.pem" and certificate.key_id:
        require_role(request.user, Role.ISSUER, on=scope_of(certificate.authority))
        if request.method != "POST":
            return HttpResponse(status=405, headers={"Allow": "POST"})
        file = files.key_file(certificate, by=actor_of(request), now=timezone.now())
    else:
        found = {file.name: file for file in files.public_files(certificate)}.get(name)
        if found is None:
            raise Http404
        file = found
    return download(file.body, name=file.name, kind="application/x-pem-file")


@require_POST
@role_required(Role.ISSUER, on=of_certificate)
@confirmation_required(hands_out=True)
def certificate_bundle(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the archive for a master, with the key and install.sh; recorded."""
    certificate = found_certificate(pk)
    packed = files.bundle(certificate, by=actor_of(request), now=timezone.now())
    return download(packed, name=f"{certificate.file_base}.tar.gz", kind="application/gzip")


@require_POST
@role_required(Role.ISSUER, on=of_certificate)
@confirmation_required(hands_out=True)
def certificate_secret(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the Secret (kubernetes.io/tls) with the key; recorded."""
    certificate, form = found_certificate(pk), SecretForm(request.POST)
    if form.is_valid():
        try:
            text = files.secret(
                certificate, **form.cleaned_data, by=actor_of(request), now=timezone.now()
            )
            return download(
                text, name=f"{certificate.file_base}-secret.yaml", kind="application/yaml"
            )
        except PkiError as refused:
            form.add_error(_field(refused), words(refused.sentence))
    context = certificate_context(certificate) | {"secret_form": form}
    return render(request, "certs/certificate_page.html", context, status=422)


@require_GET
@role_required(Role.VIEWER)
def certificate_configmap(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a ConfigMap with the authority's certificate."""
    certificate, form = found_certificate(pk), SecretForm(request.GET)
    if form.is_valid():
        try:
            text = files.config_map(certificate, **form.cleaned_data)
            return download(text, name=f"{certificate.file_base}-ca.yaml", kind="application/yaml")
        except PkiError as refused:
            form.add_error(_field(refused), words(refused.sentence))
    context = certificate_context(certificate) | {"secret_form": form}
    return render(request, "certs/certificate_page.html", context, status=422)


def _field(refused: PkiError) -> str | None:
    return refused.field if refused.field in SecretForm.base_fields else None
