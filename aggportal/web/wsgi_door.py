"""What is refused before Django makes a request of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

_EXTENDED = re.compile(r";[^=]*\*\s*=")
_REFUSED = (
    b"The header Content-Type has a parameter in the extended form (name*=charset'...), which is "
    b"not read here. Send text as UTF-8 and say charset=utf-8, or nothing.\n"
)


def refuse_extended_content_types(application: WSGIApplication) -> WSGIApplication:
    """Answer 400 where Content-Type has an extended parameter (RFC 8187): Django decodes those
    with whatever codec they name while it makes the request, outside all middleware.
    """

    def door(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if not _EXTENDED.search(environ.get("CONTENT_TYPE", "")):
            return application(environ, start_response)
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(_REFUSED))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        start_response("400 Bad Request", headers)
        return [_REFUSED]

    return door
