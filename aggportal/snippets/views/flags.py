"""The flags page: choices at left, what to install at right, following as one chooses."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from aggportal.accounts.roles import Role, role_required
from aggportal.snippets.forms.flags import FlagsForm
from aggportal.snippets.showing import file_with_key, show


@require_GET
@role_required(Role.VIEWER)
def flags_show(request: HttpRequest) -> HttpResponse:
    """Show the flags for what was chosen; without a choice, for the newest that could be chosen."""
    form = FlagsForm.chosen(request.GET, now=timezone.now())
    template = "snippets/_flags_live.html" if _is_live(request) else "snippets/flags_page.html"
    refused = not form.is_valid() and bool(request.GET)
    context = {"form": form, "shown": show(form)}
    return render(request, template, context, status=422 if refused else 200)


@require_GET
@role_required(Role.VIEWER)
def flags_download(request: HttpRequest, key: str) -> HttpResponse:
    """Hand out one file for what was chosen; where it cannot be rendered, the page says why."""
    form = FlagsForm.chosen(request.GET, now=timezone.now())
    file = file_with_key(form, key)
    if file is None:
        context = {"form": form, "shown": show(form)}
        return render(request, "snippets/flags_page.html", context, status=422)
    disposition = f'attachment; filename="{file.filename}"'
    return HttpResponse(
        file.body,
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": disposition},
    )


def _is_live(request: HttpRequest) -> bool:
    """Tell whether htmx asks for the changed parts alone."""
    headers = request.headers
    return "HX-Request" in headers and "HX-History-Restore-Request" not in headers
