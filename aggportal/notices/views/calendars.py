"""A person's calendar feed."""

from __future__ import annotations

import hashlib

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from aggportal.accounts.models import User
from aggportal.accounts.roles import Role, role_required
from aggportal.notices.errors import NoFeed
from aggportal.notices.models import CalendarFeed
from aggportal.notices.services.calendars import end_feed, make_feed, require_feed, write_calendar
from aggportal.notices.wording import address_of
from aggportal.web.actors import actor_of


@require_GET
@role_required(Role.VIEWER)
def calendar_show(request: HttpRequest) -> HttpResponse:
    """Say whether this person has a feed, and since when."""
    feed = CalendarFeed.objects.filter(user=_person(request)).first()
    return render(request, "notices/calendar_page.html", {"feed": feed})


@require_POST
@role_required(Role.VIEWER)
def calendar_make(request: HttpRequest) -> HttpResponse:
    """Make a feed and show its address this once."""
    token = make_feed(_person(request), by=actor_of(request), now=timezone.now())
    path = reverse("notices:calendar_feed", args=[token])
    address = address_of(path) if address_of("") else request.build_absolute_uri(path)
    response = render(request, "notices/calendar_made_page.html", {"address": address})
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@role_required(Role.VIEWER)
def calendar_end(request: HttpRequest) -> HttpResponse:
    """End the person's feed."""
    end_feed(_person(request), by=actor_of(request), now=timezone.now())
    messages.success(request, _("The feed is ended: its address answers no more."))
    return redirect("notices:calendar_show")


@require_safe
@login_not_required
def calendar_feed(request: HttpRequest, token: str) -> HttpResponse:
    """Give the calendar to whoever has the address, while its person may read."""
    try:
        require_feed(token, now=timezone.now())
    except NoFeed:
        return HttpResponse(_("There is no such calendar."), status=404, content_type="text/plain")
    body = write_calendar(now=timezone.now())
    response = HttpResponse(body, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'inline; filename="aggportal.ics"'
    response["Cache-Control"] = "private, no-cache"
    response["ETag"] = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return get_conditional_response(request, etag=response["ETag"], response=response) or response


def _person(request: HttpRequest) -> User:
    """The person who is signed in, as `role_required` has made sure."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
