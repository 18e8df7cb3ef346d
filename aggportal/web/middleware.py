"""Middleware: a request id for log and ledger, and refusals of the cores as answers with words."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from aggportal.web.errors import refusal
from aggportal.words import RefusedError

Handler = Callable[[HttpRequest], HttpResponse]


def request_id(get_response: Handler) -> Handler:
    """Give every request an id that its ledger entries and its answer carry."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.request_id = secrets.token_hex(8)  # type: ignore[attr-defined]  # read by actor_of
        response = get_response(request)
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]  # set above
        return response

    return middleware


class answer_refusals:  # noqa: N801  # middleware is named for what it does, as the functions beside it
    """Turn a refusal that no view put beside a field into a page that says it.

    The one place that maps it.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return refusal(request, error) if isinstance(error, RefusedError) else None
