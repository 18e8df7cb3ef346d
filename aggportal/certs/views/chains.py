"""Chains: the tree of a page, each way to a root as a file, and the bundle of what one pastes."""

from __future__ import annotations

import datetime as dt

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from aggportal.accounts.roles import Role, role_required
from aggportal.certs.forms.bundles import BundleForm
from aggportal.certs.models import Authority, Certificate
from aggportal.certs.services.chain_trees import authority_tree, certificate_tree
from aggportal.certs.services.ways import (
    authority_ways,
    certificate_ways,
    pasted_bundle,
    way_file,
)
from aggportal.pki.bags import read_bag
from aggportal.pki.bundles import Bundle
from aggportal.pki.constraints import constraints_of
from aggportal.pki.errors import PkiError
from aggportal.pki.exports import ExportedFile
from aggportal.pki.reading import load_certificate, read_certificate
from aggportal.web.pace import costly
from aggportal.web.sentences import words


def authority_chain_context(authority: Authority, *, now: dt.datetime) -> dict[str, object]:
    """Return the tree of an authority's page and its ways up."""
    paths = authority_ways(authority, now=now)
    files = [(path, way_file(path, authority.file_base)) for path in paths]
    return {
        "limits": constraints_of(load_certificate(read_certificate(authority.certificate_pem))),
        "tree": authority_tree(authority, now=now),
        "ways": [
            {
                "path": path,
                "file": file,
                "url": reverse("certs:authority_way", args=[authority.slug, file.name]),
            }
            for path, file in files
        ],
    }


def certificate_chain_context(certificate: Certificate, *, now: dt.datetime) -> dict[str, object]:
    """Return the tree of a certificate's page and its ways up."""
    paths = certificate_ways(certificate, now=now)
    files = [(path, way_file(path, certificate.file_base)) for path in paths]
    return {
        "tree": certificate_tree(certificate, now=now),
        "ways": [
            {
                "path": path,
                "file": file,
                "url": reverse("certs:certificate_way", args=[certificate.pk, file.name]),
            }
            for path, file in files
        ],
    }


@require_GET
@role_required(Role.VIEWER)
def authority_way(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Send one way from an authority to a root as a bundle."""
    authority = get_object_or_404(Authority, slug=slug)
    paths = authority_ways(authority, now=timezone.now())
    return _sent([way_file(path, authority.file_base) for path in paths], name)


@require_GET
@role_required(Role.VIEWER)
def certificate_way(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Send one way from a certificate to a root as a bundle."""
    rows = Certificate.objects.select_related("authority", "material")
    certificate = get_object_or_404(rows, pk=pk)
    paths = certificate_ways(certificate, now=timezone.now())
    return _sent([way_file(path, certificate.file_base) for path in paths], name)


@require_http_methods(["GET", "POST"])
@role_required(Role.VIEWER)
@costly
def bundle_show(request: HttpRequest) -> HttpResponse:
    """Put certificates that somebody gives in order, from the end to a root."""
    if request.method == "GET":
        return render(request, "certs/bundle_page.html", {"form": BundleForm()})
    form = BundleForm(request.POST, request.FILES)
    made: Bundle | None = None
    if form.is_valid():
        try:
            given = read_bag(form.content(), field="text")
            # A browser does not send a file twice; its text stays on the page instead.
            form.data = {**form.data.dict(), "text": "".join(one.pem for one in given)}  # type: ignore[attr-defined]  # a QueryDict
            made = pasted_bundle(
                given,
                root=form.cleaned_data["root"],
                usage=form.cleaned_data["usage"],
                now=timezone.now(),
            )
        except PkiError as refused:
            form.add_error("text", words(refused.sentence))
    context = {"form": form, "bundle": made, "pem": _pem(made, form)}
    return render(request, "certs/bundle_page.html", context, status=200 if made else 422)


def _pem(made: Bundle | None, form: BundleForm) -> str:
    return made.pem(with_root=form.cleaned_data["with_root"]) if made else ""


def _sent(files: list[ExportedFile], name: str) -> HttpResponse:
    found = next((file for file in files if file.name == name), None)
    if found is None:
        raise Http404
    response = HttpResponse(found.body, content_type="application/x-pem-file")
    response["Content-Disposition"] = f'attachment; filename="{found.name}"'
    return response
