"""Taking a message out through a channel. Each way is bounded in time and says why it failed."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import smtplib
import socket
import threading
from collections.abc import Callable, Iterable
from functools import partial
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.validators import validate_email

from aggportal.clusters.services.connections import client_for, egress_policy
from aggportal.kube.client import Timeouts
from aggportal.kube.errors import Conflict
from aggportal.notices.errors import DeliveryFailed, NotConfigured
from aggportal.notices.kubernetes_events import events_of, events_path
from aggportal.notices.models import Channel, ChannelKind, Delivery
from aggportal.notices.posting import post
from aggportal.notices.webhooks import body_of, headers_for, parse_target
from aggportal.notices.wording import Line, Message, compose, one_line
from aggportal.vault.errors import CannotOpen
from aggportal.words import gettext_noop as _n

# An SMTP dialogue has many steps with a timeout each; all of them together take no longer.
MAIL_SECONDS = 20.0
CLUSTER = Timeouts(connect=2.0, total=5.0, listing=5.0)

Reached = Callable[[str], None]


def send(
    channel: Channel,
    message: Message,
    *,
    now: dt.datetime,
    delivery: Delivery | None = None,
    reached: Reached = lambda address: None,
) -> None:
    """Send a delivery's message, or a test when `delivery` is None. Raises a RefusedError.

    `reached` is called with each address that has its mail.
    """
    match ChannelKind(channel.kind):
        case ChannelKind.EMAIL:
            _send_mails(channel, message, delivery, now=now, reached=reached)
        case ChannelKind.WEBHOOK:
            _send_webhook(channel, message, delivery, now=now)
        case ChannelKind.EVENT:
            _send_events(channel, message, delivery, now=now)


def owners_of(lines: Iterable[Line]) -> dict[str, list[Line]]:
    """Return the owners that are addresses, each with the lines of what they own."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        owner = line.notice.certificate.owner.strip() if line.notice.certificate else ""
        if is_address(owner):
            found.setdefault(owner, []).append(line)
    return found


def is_address(text: str) -> bool:
    """Whether mail can be sent to `text`."""
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def _send_mails(
    channel: Channel,
    message: Message,
    delivery: Delivery | None,
    *,
    now: dt.datetime,
    reached: Reached,
) -> None:
    """One mail to the recipients together, and one to each owner about what is theirs."""
    if not settings.EMAIL_CONFIGURED:
        raise NotConfigured(
            _n("The portal has no way to send mail: set AGGPORTAL_EMAIL_URL and start it again.")
        )
    had = set(delivery.reached) if delivery else set()
    mails = [(message, channel.addresses)] if channel.addresses else []
    if channel.to_owner and delivery is not None:
        lines = (line for group in message.groups for line in group.lines)
        for owner, own in owners_of(lines).items():
            if owner not in channel.addresses:
                mails.append((compose(own, digest=delivery.digest), (owner,)))
    for mail, addresses in mails:
        if not had.issuperset(addresses):
            _send_mail(mail, addresses, uid=str(delivery.uid if delivery else uuid4()))
            for address in addresses:
                reached(address)


def _send_mail(message: Message, addresses: tuple[str, ...], *, uid: str) -> None:
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
    mail = EmailMessage(
        subject=one_line(message.subject),
        body=message.text,
        to=list(addresses),
        headers={
            # The same when it is sent again, so that readers can drop the second.
            "Message-ID": f"<{uid}.{_digest(addresses)}@{domain}>",
            "Auto-Submitted": "auto-generated",
        },
        connection=get_connection(),
    )
    _within(MAIL_SECONDS, partial(_dialogue, mail))


def _digest(addresses: tuple[str, ...]) -> str:
    return hashlib.sha256("\n".join(addresses).encode()).hexdigest()[:16]


def _dialogue(mail: EmailMessage) -> None:
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as exc:
        raise DeliveryFailed(
            _n("The mail server refuses the recipients: %(who)s."), who=", ".join(exc.recipients)
        ) from exc
    except smtplib.SMTPResponseException as exc:
        said = exc.smtp_error
        raise DeliveryFailed(
            _n("The mail server says %(code)d: %(said)s"),
            code=exc.smtp_code,
            said=one_line(said.decode("utf-8", "replace") if isinstance(said, bytes) else said),
        ) from exc
    except TimeoutError as exc:
        raise DeliveryFailed(_n("The mail server did not answer in time.")) from exc
    except (OSError, smtplib.SMTPException, ValueError) as exc:
        raise DeliveryFailed(
            _n("The mail server at %(host)s is not reached: %(why)s"),
            host=f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}",
            why=one_line(exc),
        ) from exc


def _within(seconds: float, deed: Callable[[], None]) -> None:
    """Do `deed` beside us, and leave it behind when it is late."""
    ends: list[DeliveryFailed | None] = []
    done = threading.Event()

    def run() -> None:
        try:
            deed()
            ends.append(None)
        except DeliveryFailed as failed:
            ends.append(failed)
        finally:
            done.set()

    threading.Thread(target=run, daemon=True, name="aggportal-mail").start()
    if not done.wait(seconds):
        raise DeliveryFailed(
            _n("The mail server took longer than %(seconds)d s."), seconds=round(seconds)
        )
    failed = ends[0] if ends else DeliveryFailed(_n("Sending broke off; the log says where."))
    if failed is not None:
        raise failed


def _send_webhook(
    channel: Channel, message: Message, delivery: Delivery | None, *, now: dt.datetime
) -> None:
    if channel.sealed is None or channel.sealed.binding != channel.binding:
        raise CannotOpen.changed()
    kept = json.loads(channel.sealed.open())
    body = body_of(message, delivery, now=now)
    uid = str(delivery.uid if delivery else uuid4())
    headers = headers_for(body, uid=uid, secret=kept["secret"], now=now)
    target = parse_target(kept["url"])
    post(target, body, headers, policy=egress_policy(), ca_pem=channel.ca_pem)


def _send_events(
    channel: Channel, message: Message, delivery: Delivery | None, *, now: dt.datetime
) -> None:
    if channel.cluster is None:
        raise NotConfigured(_n("The cluster of this channel was removed: choose another."))
    client = client_for(channel.cluster, timeouts=CLUSTER)
    uid = str(delivery.uid if delivery else uuid4())
    events = events_of(
        message, uid=uid, namespace=channel.namespace, reporter=socket.gethostname(), now=now
    )
    for event in events:
        try:
            client.create(events_path(channel.namespace), event)
        except Conflict:  # an attempt before this one created it
            continue
