"""Looking at whatever a person brings. Nothing of it is stored, logged, or written to a disk."""

from __future__ import annotations

from django.conf import settings
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from aggportal.accounts.roles import Role, role_required
from aggportal.certs.forms.inspecting import InspectForm
from aggportal.certs.services.inspecting import record_inspection, standings
from aggportal.pki.errors import PkiError
from aggportal.pki.inspecting import inspect
from aggportal.web.actors import actor_of
from aggportal.web.pace import costly
from aggportal.web.sentences import words


# The token is checked in `_answer`: before it is, the body would be read with the handler that
# writes large files to a disk.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
@role_required(Role.VIEWER)
@costly
def inspection_show(request: HttpRequest) -> HttpResponse:
    """Show the drop area, or what was dropped."""
    request.upload_handlers = [MemoryFileUploadHandler(request)]
    limit = settings.FILE_UPLOAD_MAX_MEMORY_SIZE
    if _size(request) > limit:  # the body is not read at all
        context = {"form": InspectForm(), "limit": limit}
        return render(request, "certs/inspection_page.html", context, status=422)
    return _answer(request)


def _size(request: HttpRequest) -> int:
    told = request.META.get("CONTENT_LENGTH") or "0"
    return int(told) if told.isdecimal() else 0


@csrf_protect
@sensitive_post_parameters()
def _answer(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "certs/inspection_page.html", {"form": InspectForm()})
    form = InspectForm(request.POST, request.FILES)
    now = timezone.now()
    if form.is_valid():
        try:
            passphrase = form.cleaned_data["passphrase"]
            inspection = inspect(form.given(), passphrase=passphrase, now=now)
        except PkiError as refused:
            form.add_error("text", words(refused.sentence))
        else:
            record_inspection(by=actor_of(request), now=now)
            context = {"form": InspectForm(), "standings": standings(inspection)}
            return render(request, "certs/inspection_page.html", context)
    return render(request, "certs/inspection_page.html", {"form": form}, status=422)
