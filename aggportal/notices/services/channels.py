"""Channels: made, changed, tried, removed; each with its record, and never with a secret in it."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction

from aggportal.clusters.models import Cluster
from aggportal.ledger.models import Outcome
from aggportal.ledger.services import record
from aggportal.notices.errors import NameTaken
from aggportal.notices.models import Channel, ChannelKind, Rhythm, SealedWebhook
from aggportal.notices.services.sending import send
from aggportal.notices.webhooks import parse_target
from aggportal.notices.wording import test_message
from aggportal.vault.errors import CannotOpen
from aggportal.web.actors import Actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n

PURPOSE = "notice-webhook"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelChoices:
    """What a person chose. `url` and `secret` None keep what is there; an empty secret ends it."""

    name: str
    enabled: bool = True
    rhythm: str = Rhythm.AT_ONCE
    hour: int = 7
    weekday: int = 0
    findings: bool = True
    recipients: tuple[str, ...] = ()
    to_owner: bool = False
    url: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    ca_pem: str = ""
    cluster: Cluster | None = None
    namespace: str = ""


@transaction.atomic
def create_channel(
    kind: ChannelKind, choices: ChannelChoices, *, by: Actor, now: dt.datetime
) -> Channel:
    """Make a channel. Raises NameTaken, BadAddress."""
    channel = Channel(kind=kind, created_at=now, created_by=by.name, digested_at=now)
    _fill(channel, choices)
    _save(channel)
    _record("channel.created", channel, by=by, now=now)
    return channel


@transaction.atomic
def change_channel(
    channel: Channel, choices: ChannelChoices, *, by: Actor, now: dt.datetime
) -> None:
    """Change it to `choices`. What was to be sent goes the new way. NameTaken, BadAddress."""
    before = channel.sealed
    _fill(channel, choices)
    _save(channel)
    if before is not None and before.pk != channel.sealed_id:
        before.delete()
    _record("channel.changed", channel, by=by, now=now)


@transaction.atomic
def delete_channel(channel: Channel, *, by: Actor, now: dt.datetime) -> None:
    """Remove it, with what waits for it; the notices stay."""
    sealed, pk = channel.sealed, channel.pk
    channel.delete()
    channel.pk = pk
    if sealed is not None:
        sealed.delete()
    _record("channel.deleted", channel, by=by, now=now)


def try_channel(channel: Channel, *, by: Actor, now: dt.datetime) -> None:
    """Send a test now and record how it went. Raises what sending raises."""
    try:
        send(channel, test_message(), now=now)
    except RefusedError:
        _record("channel.tested", channel, by=by, now=now, outcome=Outcome.FAILED)
        raise
    _record("channel.tested", channel, by=by, now=now)


def _fill(channel: Channel, choices: ChannelChoices) -> None:
    channel.name, channel.enabled = choices.name, choices.enabled
    channel.rhythm, channel.findings = choices.rhythm, choices.findings
    channel.hour, channel.weekday = choices.hour, choices.weekday
    match ChannelKind(channel.kind):
        case ChannelKind.EMAIL:
            channel.recipients = "\n".join(choices.recipients)
            channel.to_owner = choices.to_owner
        case ChannelKind.WEBHOOK:
            channel.ca_pem = choices.ca_pem
            _seal(channel, choices)
        case ChannelKind.EVENT:
            channel.cluster, channel.namespace = choices.cluster, choices.namespace


def _seal(channel: Channel, choices: ChannelChoices) -> None:
    """Put address and secret into a new sealed row, where either changed."""
    if choices.url is None and choices.secret is None:
        return
    kept = _opened(channel)
    url = kept["url"] if choices.url is None else choices.url
    secret = kept["secret"] if choices.secret is None else choices.secret
    channel.target = parse_target(url).shown
    channel.signed = bool(secret)
    sealed = SealedWebhook(purpose=PURPOSE, binding=channel.binding)
    sealed.seal(json.dumps({"url": url, "secret": secret}).encode())
    sealed.save(force_insert=True)
    channel.sealed = sealed


def _opened(channel: Channel) -> dict[str, str]:
    if channel.sealed is None:
        return {"url": "", "secret": ""}
    if channel.sealed.binding != channel.binding:
        raise CannotOpen.changed()
    found: dict[str, str] = json.loads(channel.sealed.open())
    return found


def _save(channel: Channel) -> None:
    try:
        with transaction.atomic():
            channel.save()
    except IntegrityError as exc:
        text = _n("Another channel has this name. Choose another.")
        raise NameTaken(text, field="name") from exc


def _record(
    action: str,
    channel: Channel,
    *,
    by: Actor,
    now: dt.datetime,
    outcome: Outcome = Outcome.DONE,
) -> None:
    detail: dict[str, object] = {"kind": channel.kind, "rhythm": channel.rhythm}
    detail |= {"enabled": channel.enabled, "findings": channel.findings}
    match ChannelKind(channel.kind):
        case ChannelKind.EMAIL:
            detail |= {"recipients": list(channel.addresses), "to_owner": channel.to_owner}
        case ChannelKind.WEBHOOK:
            detail |= {"target": channel.target, "signed": channel.signed}
        case ChannelKind.EVENT:
            cluster = channel.cluster.name if channel.cluster else None
            detail |= {"cluster": cluster, "namespace": channel.namespace}
    subject = ("channel", channel.pk, channel.name)
    record(action, actor=by, subject=subject, outcome=outcome, detail=detail, at=now)
