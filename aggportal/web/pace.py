"""How often one person may do what costs the portal much: making keys, signing, taking files
apart.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from aggportal.web.errors import refusal
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)

SECONDS = 60.0
# People whose last minute is remembered; the longest silent are forgotten first.
_REMEMBERED = 10_000
_lock = threading.Lock()
_deeds: dict[int, deque[float]] = {}


class TooOften(RefusedError):
    """One person did more of what is costly in a minute than the settings allow."""

    code = "too-often"
    status = 429


def costly(
    view: Callable[Concatenate[HttpRequest, P], R],
) -> Callable[Concatenate[HttpRequest, P], R | HttpResponse]:
    """Count what a person sends to `view` and to all others marked so, GET apart.

    More than AGGPORTAL_COSTLY_PER_MINUTE of them in a minute, in one process, answer 429.
    """

    @wraps(view)
    def counted(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R | HttpResponse:
        limit = settings.COSTLY_PER_MINUTE
        wait = 0.0
        if request.method == "POST" and limit:
            wait = _seconds_to_wait(int(request.user.pk or 0), limit, now=time.monotonic())
        return _later(request, wait, limit) if wait else view(request, *args, **kwargs)

    return counted


def forget_all() -> None:
    """Begin anew, as a process does that starts."""
    with _lock:
        _deeds.clear()


def _seconds_to_wait(person: int, limit: int, *, now: float) -> float:
    """Count one more, and return 0; or count nothing, and return how long to wait."""
    with _lock:
        done = _deeds.pop(person, deque())
        while done and done[0] <= now - SECONDS:
            done.popleft()
        wait = max(0.001, done[0] + SECONDS - now) if len(done) >= limit else 0.0
        if not wait:
            done.append(now)
        _deeds[person] = done
        if len(_deeds) > _REMEMBERED:
            del _deeds[next(iter(_deeds))]
    return wait


def _later(request: HttpRequest, wait: float, limit: int) -> HttpResponse:
    seconds = int(wait) + 1
    error = TooOften(
        _n(
            "You have done this or the like %(limit)d times within a minute. Nothing was done. "
            "Wait %(seconds)d s and send it again."
        ),
        limit=limit,
        seconds=seconds,
    )
    response = refusal(request, error)
    response["Retry-After"] = str(seconds)
    return response
