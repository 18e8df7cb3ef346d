"""Pages for what went wrong: each says what happened and what to do next, never a bare number."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from aggportal.web.sentences import words
from aggportal.words import RefusedError


def _page(request: HttpRequest, *, status: int, title: str, text: str) -> HttpResponse:
    return render(request, "web/error_page.html", {"title": title, "text": text}, status=status)


def refusal(request: HttpRequest, error: RefusedError) -> HttpResponse:
    """Answer a refusal with its own words; its `status` (else 409) is the error's to say."""
    status = getattr(error, "status", 409)
    return _page(request, status=status, title=_("That cannot be done"), text=words(error.sentence))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400: the request itself was malformed."""
    text = _(
        "The browser sent something that cannot be read. Go back, reload the page and try again."
    )
    return _page(request, status=400, title=_("This request cannot be read"), text=text)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403 with the refusal's own words where it has some."""
    text = str(exception) or _("Your role does not allow this. An administrator can change it.")
    return _page(request, status=403, title=_("You may not do this"), text=text)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404; an open page whose object is gone loads anew instead of asking for ever."""
    text = _("Nothing is at this address. It may have been deleted, or the address is mistyped.")
    page = _page(request, status=404, title=_("Not found"), text=text)
    if request.method == "GET" and request.headers.get("HX-Request") == "true":
        page["HX-Refresh"] = "true"
    return page


def wrong_method(request: HttpRequest, *, allow: str) -> HttpResponse:
    """Answer 405: mostly a form's own address, opened again by a reload or a bookmark."""
    text = _(
        "This address only takes what a form sends, and nothing was changed. Go back to the page "
        "with the form, or choose from the left bar."
    )
    page = _page(request, status=405, title=_("Not a page of its own"), text=text)
    page["Allow"] = allow
    return page


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500: our fault, said plainly, with the id that finds it in the log. Where it is the
    database that does not answer: 503, by a page that asks it for nothing.
    """
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        page = render_to_string("web/database_page.html")
        return HttpResponse(page, status=503, headers={"Retry-After": "5"})
    text = _("This is a fault of the portal. Nothing was half done. The log has it as %(id)s.") % {
        "id": getattr(request, "request_id", "?")
    }
    return render(request, "web/fault_page.html", {"text": text}, status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a failed cross-site check: mostly an old page or blocked cookies."""
    text = _("The page was too old, or the browser blocks cookies. Reload the page and try again.")
    return _page(request, status=403, title=_("The form could not be trusted"), text=text)


def foreign_site(request: HttpRequest) -> HttpResponse:
    """Answer what another site made the browser send: nothing of it is done."""
    text = _(
        "Another site made your browser send this, and nothing was changed. Open the page here and "
        "send its form yourself."
    )
    return _page(request, status=403, title=_("The form could not be trusted"), text=text)
