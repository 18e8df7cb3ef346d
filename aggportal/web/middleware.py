"""Middleware: a request id for log and ledger, bodies that no page sends kept out, and refusals of
the cores as answers with words.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware

from aggportal.web.errors import refusal, wrong_method
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n

Handler = Callable[[HttpRequest], HttpResponse]

# Several times what the largest page sends with its files; Django itself bounds fields, not files.
MAX_BODY = 4_000_000
_CHARSETS = frozenset({"", "utf-8", "utf8", "us-ascii", "ascii"})


class BodyTooLarge(RefusedError):
    """The body is larger than anything that the portal takes."""

    code = "body_too_large"
    status = 413


class ForeignCharset(RefusedError):
    """The request names a charset that no page of the portal sends."""

    code = "foreign_charset"
    status = 415


def request_id(get_response: Handler) -> Handler:
    """Give every request an id that its ledger entries and its answer carry."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.request_id = secrets.token_hex(8)  # type: ignore[attr-defined]  # read by actor_of
        response = get_response(request)
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]  # set above
        return response

    return middleware


class Languages(LocaleMiddleware):
    """Django's own; an answer that a view marked by `in_no_language` neither names a language nor
    varies by it, so that a cache keeps one of it.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if getattr(response, "is_in_no_language", False):
            return response
        return super().process_response(request, response)


def in_no_language(response: HttpResponseBase) -> HttpResponseBase:
    """Mark an answer that is the same for everybody, such as a list in ASN.1."""
    response.is_in_no_language = True  # type: ignore[attr-defined]  # read by Languages
    return response


def refuse_odd_bodies(get_response: Handler) -> Handler:
    """Refuse a body that is too large or in another charset, before anything reads it.

    Some of the codecs that Python knows yield text that UTF-8 cannot carry.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        try:
            _require_small_body(request)
            _require_utf8(request)
        except RefusedError as refused:
            return refusal(request, refused)
        return get_response(request)

    return middleware


def _require_small_body(request: HttpRequest) -> None:
    length = request.headers.get("Content-Length", "")
    limit = settings.LARGE_BODIES.get(request.path_info, MAX_BODY)
    if length.isdecimal() and (len(length) > 18 or int(length) > limit):
        raise BodyTooLarge(
            _n(
                "This is larger than %(limit)d MB, more than any file here needs. Nothing was read."
            ),
            limit=limit // 1_000_000,
        )


def _require_utf8(request: HttpRequest) -> None:
    charset = (request.content_params or {}).get("charset", "")
    if charset.lower() not in _CHARSETS:
        raise ForeignCharset(
            _n("Send text as UTF-8; the charset “%(charset)s” is not read here."),
            charset=charset[:40],
        )


class answer_refusals:  # noqa: N801  # middleware is named for what it does, as the functions beside it
    """Turn a refusal that no view put beside a field into a page that says it, and a wrong method
    into one too. The one place that maps them.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 405 and request.method == "GET" and not response.content:
            return wrong_method(request, allow=response.headers.get("Allow", "POST"))
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return refusal(request, error) if isinstance(error, RefusedError) else None
