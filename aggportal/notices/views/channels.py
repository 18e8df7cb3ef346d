"""Making, changing, trying and removing channels."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from aggportal.accounts.roles import PORTAL, Role, role_required
from aggportal.clusters.forms.settings import ConfirmForm
from aggportal.notices.errors import NameTaken
from aggportal.notices.forms.channels import FORMS, ChannelForm
from aggportal.notices.kubernetes_events import role_yaml
from aggportal.notices.models import Channel, ChannelKind
from aggportal.notices.services import channels
from aggportal.web.actors import actor_of
from aggportal.web.sentences import words
from aggportal.words import RefusedError


@require_http_methods(["GET", "POST"])
@role_required(Role.ADMINISTRATOR, on=PORTAL)
def channel_new(request: HttpRequest, kind: str) -> HttpResponse:
    """Make a channel of this kind."""
    if kind not in FORMS:
        raise Http404
    form = FORMS[kind](_sent(request))
    if form.is_valid():
        choices = _choices(form)
        try:
            channel = channels.create_channel(
                ChannelKind(kind), choices, by=actor_of(request), now=timezone.now()
            )
        except NameTaken as taken:
            form.add_error(taken.field, words(taken.sentence))
        else:
            messages.success(request, _("The channel is made. Send a test to see that it works."))
            return redirect(channel)
    return _page(request, form, kind=kind)


@require_http_methods(["GET", "POST"])
@role_required(Role.ADMINISTRATOR, on=PORTAL)
def channel_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a channel and change it."""
    channel = get_object_or_404(Channel.objects.select_related("sealed", "cluster"), pk=pk)
    form = FORMS[channel.kind](_sent(request), channel=channel)
    if form.is_valid():
        try:
            channels.change_channel(
                channel, _choices(form), by=actor_of(request), now=timezone.now()
            )
        except NameTaken as taken:
            channel.refresh_from_db()
            form.add_error(taken.field, words(taken.sentence))
        else:
            messages.success(request, _("The channel is changed."))
            return redirect(channel)
    return _page(request, form, kind=channel.kind)


@require_POST
@role_required(Role.ADMINISTRATOR, on=PORTAL)
def channel_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a test and say how it went."""
    channel = get_object_or_404(Channel.objects.select_related("sealed", "cluster__sealed"), pk=pk)
    try:
        channels.try_channel(channel, by=actor_of(request), now=timezone.now())
    except RefusedError as refused:
        said = {"why": words(refused.sentence)}
        messages.error(request, _("The test did not leave: %(why)s") % said)
    else:
        messages.success(request, _("The test was taken: look whether it arrived."))
    return redirect(channel)


@require_http_methods(["GET", "POST"])
@role_required(Role.ADMINISTRATOR, on=PORTAL)
def channel_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for the name, then remove the channel."""
    channel = get_object_or_404(Channel.objects.select_related("sealed", "cluster"), pk=pk)
    form = ConfirmForm(_sent(request), expected=channel.name)
    if form.is_valid():
        channels.delete_channel(channel, by=actor_of(request), now=timezone.now())
        messages.success(request, _("%(name)s is removed.") % {"name": channel.name})
        return redirect("notices:notice_list")
    context = {"channel": channel, "form": form, "waiting": channel.items.count()}
    status = 422 if form.errors else 200
    return render(request, "notices/channel_delete_page.html", context, status=status)


def _sent(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _choices(form: ChannelForm) -> channels.ChannelChoices:
    chosen = {name: value for name, value in form.cleaned_data.items() if name != "unsigned"}
    return channels.ChannelChoices(**chosen)


def _page(request: HttpRequest, form: ChannelForm, *, kind: str) -> HttpResponse:
    context = {
        "form": form,
        "channel": form.channel,
        "kind": ChannelKind(kind),
        "email_configured": settings.EMAIL_CONFIGURED,
        "sender": settings.DEFAULT_FROM_EMAIL,
        "role_yaml": role_yaml(namespace=form["namespace"].value() or "default")
        if kind == ChannelKind.EVENT and not form.errors
        else "",
    }
    status = 422 if form.errors else 200
    return render(request, "notices/channel_page.html", context, status=status)
