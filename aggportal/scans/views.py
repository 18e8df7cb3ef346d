"""The page Scan. What was found stands in the answer to the POST and is kept nowhere."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from aggportal.accounts.roles import Role, role_required
from aggportal.kube.errors import EgressDenied, TransportError
from aggportal.scans.forms import ScanForm
from aggportal.scans.services.answering import answer
from aggportal.scans.services.scanning import TooManyScans, scan_endpoint
from aggportal.tls.errors import HandshakeFailed, TlsError
from aggportal.tls.targets import parse_target
from aggportal.web.actors import actor_of
from aggportal.web.sentences import words

PAGE = "scans/scan_page.html"


@never_cache
@require_http_methods(["GET", "POST"])
@role_required(Role.ISSUER)
def scan_show(request: HttpRequest) -> HttpResponse:
    """Show the form, filled in with `?host=`; or scan, and show what was found."""
    if request.method == "POST":
        return _scan(request, ScanForm(request.POST))
    try:
        first = str(parse_target(request.GET.get("host", "")))
    except TlsError:
        first = ""
    return render(request, PAGE, {"form": ScanForm(initial={"target": first})})


def _scan(request: HttpRequest, form: ScanForm) -> HttpResponse:
    context: dict[str, object] = {"form": form}
    status = 422
    if form.is_valid():
        question = form.question()
        context["question"], status = question, 200
        try:
            found = scan_endpoint(question, by=actor_of(request), now=timezone.now())
            context["answer"] = answer(found)
        except (HandshakeFailed, TransportError) as failed:
            context["failed"] = failed.sentence
        except EgressDenied as refused:
            form.add_error("target", words(refused.sentence))
            status = 422
        except TooManyScans as refused:
            form.add_error("target", words(refused.sentence))
            status = refused.status
    return render(request, PAGE, context, status=status)
