"""How long a session lasts: it ends when nobody is there, and after a working day in any case."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from aggportal.accounts.models import User
from aggportal.ledger.services import record
from aggportal.web.actors import actor_of

BEGAN_AT = "accounts.began_at"
SEEN_AT = "accounts.seen_at"
# A page that asks by itself says so with this header; that nobody is there changes nothing then.
POLL = "X-Poll"
# What is written at each request would be a write at each request.
STEP_SECONDS = 20


@receiver(user_logged_in)
def begin(sender: object, request: HttpRequest, user: User, **rest: object) -> None:
    """Start both clocks."""
    now = int(timezone.now().timestamp())
    request.session.set_expiry(None)
    request.session[BEGAN_AT] = request.session[SEEN_AT] = now


class SessionLimits:
    """Ends a session that is over, before anything asks who is signed in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: object, rest: object) -> None:
        """Look at the session only where a view asks for somebody, as SignInRequired does."""
        if getattr(view, "login_required", True) and isinstance(request.user, User):
            limit(request, now=timezone.now())


def limit(request: HttpRequest, *, now: dt.datetime) -> None:
    """End the session that was idle or open for too long; else note that somebody is there."""
    moment = int(now.timestamp())
    began = request.session.setdefault(BEGAN_AT, moment)
    seen = request.session.setdefault(SEEN_AT, moment)
    if moment - began >= settings.SESSION_HOURS * 3600:
        _end(request, why="absolute")
    elif moment - seen >= settings.SESSION_IDLE_MINUTES * 60:
        _end(request, why="idle")
    elif moment - seen >= STEP_SECONDS and POLL not in request.headers:
        request.session[SEEN_AT] = moment


def _end(request: HttpRequest, *, why: str) -> None:
    user = request.user
    subject = ("user", user.pk, str(user))
    record("account.session_ended", actor=actor_of(request), subject=subject, detail={"why": why})
    request.session.flush()
    request.user = AnonymousUser()


def shorten(request: HttpRequest) -> None:
    """Let a session in which nobody is signed in yet be short: anybody can have many."""
    request.session.set_expiry(settings.ACCOUNT_LOGIN_TIMEOUT)


def end_sessions(user: User) -> int:
    """End every session of `user` on the server, and return how many there were."""
    ended = 0
    for session in Session.objects.filter(expire_date__gte=timezone.now()).iterator():
        if session.get_decoded().get(SESSION_KEY) == str(user.pk):
            session.delete()
            ended += 1
    return ended
