"""What ends, what was said of it, and what did not leave."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from aggportal.accounts.roles import PORTAL, Role, role_required
from aggportal.notices.models import Channel, ChannelKind, Delivery, DeliveryState, Notice
from aggportal.notices.services.coming import soonest
from aggportal.notices.services.delivering import retry_delivery
from aggportal.notices.services.standing import lines_of
from aggportal.web.actors import actor_of
from aggportal.web.pagination import page_by_id

PAGE = 25
MOST_FAILED = 20


@require_GET
@role_required(Role.VIEWER)
def notice_list(request: HttpRequest) -> HttpResponse:
    """Show what is coming, what was noticed lately, what failed, and the channels."""
    now = timezone.now()
    rows = Notice.objects.select_related(
        "authority__successor", "certificate__successor", "finding__cluster"
    ).prefetch_related("items__channel", "items__delivery")
    page = page_by_id(
        rows, before=request.GET.get("before", ""), after=request.GET.get("after", ""), size=PAGE
    )
    stuck = Delivery.objects.select_related("channel").exclude(state=DeliveryState.SENT)
    context = {
        "page": page,
        "lines": lines_of(page.rows, now=now),
        "coming": soonest(now=now),
        "troubled": stuck.exclude(trouble=None)[:MOST_FAILED],
        "channels": Channel.objects.select_related("cluster"),
        "kinds": ChannelKind.choices,
        "email_configured": settings.EMAIL_CONFIGURED,
        "now": now,
    }
    return render(request, "notices/notice_list_page.html", context)


@require_POST
@role_required(Role.ADMINISTRATOR, on=PORTAL)
def delivery_retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a delivery that was given up go out again."""
    delivery = get_object_or_404(Delivery.objects.select_related("channel"), pk=pk)
    retry_delivery(delivery, by=actor_of(request), now=timezone.now())
    messages.success(request, _("It goes out again within seconds, while a worker runs."))
    return redirect("notices:notice_list")
