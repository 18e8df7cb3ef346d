"""Deeds of weight are done by somebody who proved lately who they are.

A sign-in counts for AGGPORTAL_CONFIRM_SECONDS. A form that is sent later is answered by a page that
asks for the password (or another proof) and sends the same form again, so nothing typed is lost.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from functools import wraps
from typing import Concatenate, ParamSpec, overload

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from aggportal.accounts import proofs
from aggportal.accounts.carrying import carry, still_missing, without_proof
from aggportal.accounts.models import User
from aggportal.ledger.services import record
from aggportal.web.actors import actor_of

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

Values = Collection[str]

CONFIRMED_AT = "accounts.confirmed_at"


def mark_confirmed(request: HttpRequest, *, now: dt.datetime) -> None:
    """Write down that the session's person proved just now who they are."""
    request.session[CONFIRMED_AT] = int(now.timestamp())


def is_confirmed(request: HttpRequest, *, now: dt.datetime) -> bool:
    """Tell whether the last proof is fresh enough; one from the future is none."""
    at = request.session.get(CONFIRMED_AT)
    if not isinstance(at, int):
        return False
    return -60 <= now.timestamp() - at < settings.CONFIRM_SECONDS


@receiver(user_logged_in)
def signed_in(sender: object, request: HttpRequest, user: User, **rest: object) -> None:
    """A sign-in is a proof."""
    mark_confirmed(request, now=timezone.now())


@overload
def confirmation_required(view: View[P], /) -> View[P]: ...
@overload
def confirmation_required(
    *, deeds: Values | None = None, looks: Values = (), hands_out: bool = False
) -> Callable[[View[P]], View[P]]: ...
def confirmation_required(
    view: View[P] | None = None,
    /,
    *,
    deeds: Values | None = None,
    looks: Values = (),
    hands_out: bool = False,
) -> View[P] | Callable[[View[P]], View[P]]:
    """Let a view's POST through only after a recent proof; stands right above the view.

    `deeds` are the values of the button `do` that do something where all others only look; `looks`
    are those that only look where all others do something. `hands_out`: the answer is a file.
    """

    def _only_looks(request: HttpRequest) -> bool:
        do = request.POST.get("do", "")
        return do in looks or (deeds is not None and do not in deeds)

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.method != "POST" or _only_looks(request):
                return view(request, *args, **kwargs)
            request.hands_out = hands_out  # type: ignore[attr-defined]  # read by the page
            asked = _asked(request)
            return view(request, *args, **kwargs) if asked is None else asked

        guarded.needs_confirmation = True  # type: ignore[attr-defined]  # a test walks the URLconf
        return guarded

    return decorate if view is None else decorate(view)


def _asked(request: HttpRequest) -> HttpResponse | None:
    """Return the page that asks for a proof, or None where there is one."""
    proof = proofs.given(request)
    if missing := still_missing(request):
        return confirmation_page(request, missing=missing)
    if proof is None:
        if not is_confirmed(request, now=timezone.now()):
            return confirmation_page(request)
    else:
        if problem := proofs.problem_with(request, proof):
            return confirmation_page(request, field=proof.name, problem=problem)
        confirm(request)
    request.POST = without_proof(request.POST)  # type: ignore[assignment]  # as a view expects it
    return None


def confirm(request: HttpRequest) -> None:
    """Write down a proof, in the session and in the ledger."""
    mark_confirmed(request, now=timezone.now())
    user = request.user
    record("account.confirmed", actor=actor_of(request), subject=("user", user.pk, str(user)))


def confirmation_page(
    request: HttpRequest,
    *,
    field: str = "",
    problem: str = "",
    missing: frozenset[str] = frozenset(),
) -> HttpResponse:
    """Answer 403 with the page that asks; to htmx in a way that it shows it as a page."""
    context = {
        "carried": carry(request),
        "target": request.get_full_path(),
        "ways": proofs.ways_of(proofs.person_of(request)),
        "field": field,
        "problem": problem,
        "missing": missing,
        "hands_out": getattr(request, "hands_out", False),
    }
    page = render(request, "accounts/confirm_page.html", context, status=403)
    page["Cache-Control"] = "no-store"
    if request.headers.get("HX-Request") == "true":
        # htmx swaps what it is told to swap only for some statuses; 422 is among them.
        page.status_code = 422
        page["HX-Retarget"] = "body"
        page["HX-Reswap"] = "innerHTML"
    return page
