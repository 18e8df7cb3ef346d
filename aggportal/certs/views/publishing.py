"""What an authority publishes for everybody, without signing in: its list, its certificate, and
answers about its certificates (OCSP). Clients speak plain HTTP here; what is sent is signed.
"""

from __future__ import annotations

import datetime as dt
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from aggportal.certs.models import Authority
from aggportal.certs.services.crls import served_crl
from aggportal.certs.services.ocsp import Reply, reply_to
from aggportal.pki import crls, ocsp
from aggportal.web.middleware import in_no_language

# A cache in between may keep what is published for five minutes: a revocation must get round.
_FRESH = dt.timedelta(minutes=5)
_CERTIFICATE_TYPE = "application/pkix-cert"


@login_not_required
@require_safe
def crl_file(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Send the newest list, DER; one that is missing or stale is signed first."""
    authority, now = _authority(slug), timezone.now()
    crl = served_crl(authority, now=now)
    if crl is None:
        return _plain("The revocation list cannot be signed just now.", status=503)
    response = HttpResponse(bytes(crl.der), content_type=crls.MEDIA_TYPE)
    response["Content-Disposition"] = f'inline; filename="{authority.file_base}.crl"'
    fresh = min(_FRESH, crl.next_update - now)
    return _cacheable(request, response, changed=crl.this_update, fresh=fresh)


@login_not_required
@require_safe
def issuer_file(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Send the authority's own certificate, DER: where "CA Issuers" points."""
    authority = _authority(slug)
    certificate = x509.load_pem_x509_certificate(authority.certificate_pem.encode())
    response = HttpResponse(certificate.public_bytes(Encoding.DER), content_type=_CERTIFICATE_TYPE)
    response["Content-Disposition"] = f'inline; filename="{authority.file_base}.crt"'
    return _cacheable(request, response, changed=authority.not_before, fresh=_FRESH)


@csrf_exempt
@login_not_required
@require_POST
def ocsp_post(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Answer the question in the body (RFC 6960 A.1)."""
    authority = _authority(slug)
    length = request.headers.get("Content-Length", "")
    if length.isdecimal() and int(length[:9]) > ocsp.MAX_QUESTION:
        return _plain("An OCSP question is at most 10 kB.", status=413)
    reply = reply_to(authority, request.body, now=timezone.now())
    return _unkept(reply)


@login_not_required
@require_safe
def ocsp_get(request: HttpRequest, slug: str, question: str) -> HttpResponseBase:
    """Answer the question in the address, base64 (RFC 6960 A.1), so that caches can help
    (RFC 5019 section 6).
    """
    authority, now = _authority(slug), timezone.now()
    try:
        asked = ocsp.decode_question(question)
    except ocsp.MalformedQuestion:
        return _unkept(Reply(der=ocsp.malformed_answer()))
    reply = reply_to(authority, asked, now=now)
    if reply.this_update is None or reply.next_update is None:
        return _unkept(reply)
    response = HttpResponse(reply.der, content_type=ocsp.ANSWER_TYPE)
    response["Expires"] = http_date(reply.next_update.timestamp())
    fresh = min(_FRESH, reply.next_update - now)
    return _cacheable(request, response, changed=reply.this_update, fresh=fresh)


def _authority(slug: str) -> Authority:
    return get_object_or_404(Authority.objects.select_related("key"), slug=slug)


def _cacheable(
    request: HttpRequest, response: HttpResponse, *, changed: dt.datetime, fresh: dt.timedelta
) -> HttpResponseBase:
    """Say how long the answer may be kept, and answer 304 where the client has it already."""
    etag = f'"{hashlib.sha256(response.content).hexdigest()[:40]}"'
    seconds = max(int(fresh.total_seconds()), 0)
    response["Cache-Control"] = f"public, max-age={seconds}, no-transform, must-revalidate"
    response["Last-Modified"] = http_date(changed.timestamp())
    response["ETag"] = etag
    answer = get_conditional_response(
        request, etag=etag, last_modified=int(changed.timestamp()), response=response
    )
    if answer is not None and answer.status_code == 304:
        answer["Cache-Control"] = response["Cache-Control"]
    return in_no_language(answer or response)


def _unkept(reply: Reply) -> HttpResponseBase:
    response = HttpResponse(reply.der, content_type=ocsp.ANSWER_TYPE)
    response["Cache-Control"] = "no-store"
    return in_no_language(response)


def _plain(text: str, *, status: int) -> HttpResponseBase:
    response = HttpResponse(
        text, status=status, content_type="text/plain", headers={"Cache-Control": "no-store"}
    )
    return in_no_language(response)
