"""From what waits to what was sent: bundling, claiming, attempting, trying again.

Of several that do it at once, one UPDATE decides who sends. A sender that dies between sending and
writing so leaves its delivery to be sent again: at least once, then, and with the same id.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from aggportal.ledger.models import Outcome
from aggportal.ledger.services import record
from aggportal.notices.deciding import last_slot
from aggportal.notices.errors import NothingToRetry
from aggportal.notices.models import Channel, Delivery, DeliveryState, Item
from aggportal.notices.models.notices import PAUSES
from aggportal.notices.services.sending import send
from aggportal.notices.services.standing import lines_of
from aggportal.notices.wording import Message, compose
from aggportal.web.actors import Actor, system_actor
from aggportal.web.told import tell
from aggportal.words import RefusedError, Sentence
from aggportal.words import gettext_noop as _n

log = logging.getLogger("aggportal.notices")

# What one message tells at most; of the rest it says how many there are.
MOST_LINES = 200
# What one call attempts at most.
BATCH = 20

Clock = Callable[[], dt.datetime]


def bundle_waiting(*, now: dt.datetime) -> int:
    """Make deliveries of what waits: at once, or when the hour of a digest has come.

    Returns how many were made.
    """
    waiting = Item.objects.filter(delivery=None).values("channel")
    channels = Channel.objects.filter(pk__in=waiting, enabled=True)
    return sum(_bundle(channel, now=now) for channel in channels)


@transaction.atomic
def _bundle(channel: Channel, *, now: dt.datetime) -> bool:
    """Make one delivery of all that waits for `channel`; false while it is not time.

    The channel's row is locked, so of two that bundle the second finds nothing.
    """
    held = Channel.objects.select_for_update().get(pk=channel.pk)
    waiting = Item.objects.filter(channel=held, delivery=None)
    if not waiting.exists():
        return False
    if held.is_digest:
        slot = last_slot(now, hour=held.hour, weekday=held.digest_weekday)
        if held.digested_at >= slot:
            return False
        Channel.objects.filter(pk=held.pk).update(digested_at=slot)
    delivery = Delivery.objects.create(
        channel=held, digest=held.is_digest, next_try_at=now, created_at=now
    )
    waiting.update(delivery=delivery)
    return True


def deliver_due(*, clock: Clock = timezone.now, limit: int = BATCH) -> int:
    """Attempt what is due, one after another. Returns how many left."""
    bundle_waiting(now=clock())
    due = list(Delivery.objects.due(now=clock()).values_list("pk", flat=True)[:limit])
    return sum(_deliver(pk, clock=clock) for pk in due)


def _deliver(pk: int, *, clock: Clock) -> bool:
    """Claim one delivery and attempt it; false when somebody else has it, or it failed."""
    if not Delivery.objects.claim(pk, now=clock()):
        return False
    delivery = Delivery.objects.select_related("channel__sealed", "channel__cluster__sealed").get(
        pk=pk
    )
    if delivery.attempts > len(PAUSES) + 1:
        text = _n("Every attempt broke off before its end.")
        _end(delivery, DeliveryState.FAILED, trouble=Sentence(text=text), now=clock())
        return False
    try:
        send(
            delivery.channel,
            message_of(delivery, now=clock()),
            now=clock(),
            delivery=delivery,
            reached=lambda address: _note_reached(delivery, address),
        )
    except RefusedError as refused:
        _put_off(delivery, refused.sentence, now=clock())
        return False
    _end(delivery, DeliveryState.SENT, trouble=None, now=clock())
    return True


def message_of(delivery: Delivery, *, now: dt.datetime) -> Message:
    """Return what a delivery says, as things stand now."""
    items = delivery.items.order_by("notice__ends_at", "pk").select_related(
        "notice__authority__successor", "notice__certificate__successor", "notice__finding__cluster"
    )
    notices = [item.notice for item in items[:MOST_LINES]]
    more = delivery.items.count() - len(notices)
    return compose(lines_of(notices, now=now), digest=delivery.digest, more=more)


def _note_reached(delivery: Delivery, address: str) -> None:
    delivery.reached = [*delivery.reached, address]
    delivery.save(update_fields=["reached"])


def _put_off(delivery: Delivery, trouble: Sentence, *, now: dt.datetime) -> None:
    """Wait longer after each failure, and give up after the last."""
    log.warning("a notice through %s did not leave: %s", delivery.channel, trouble)
    if delivery.attempts > len(PAUSES):
        _end(delivery, DeliveryState.FAILED, trouble=trouble, now=now)
        return
    pause = PAUSES[delivery.attempts - 1]
    _mine(delivery).update(next_try_at=now + pause, trouble=tell(trouble))


def _mine(delivery: Delivery) -> QuerySet[Delivery]:
    """The row, unless another attempt has begun or it has ended."""
    return Delivery.objects.filter(
        pk=delivery.pk, state=DeliveryState.PENDING, attempts=delivery.attempts
    )


@transaction.atomic
def _end(
    delivery: Delivery, state: DeliveryState, *, trouble: Sentence | None, now: dt.datetime
) -> None:
    """Write the end once, with its record; not when another attempt has begun meanwhile."""
    if not _mine(delivery).update(state=state, trouble=tell(trouble), ended_at=now):
        return
    sent = state == DeliveryState.SENT
    record(
        "notice.sent" if sent else "notice.failed",
        actor=system_actor("worker"),
        subject=("channel", delivery.channel_id, delivery.channel.name),
        outcome=Outcome.DONE if sent else Outcome.FAILED,
        detail={
            "delivery": str(delivery.uid),
            "notices": delivery.items.count(),
            "attempts": delivery.attempts,
            **({"why": str(trouble)} if trouble else {}),
        },
        at=now,
    )


@transaction.atomic
def retry_delivery(delivery: Delivery, *, by: Actor, now: dt.datetime) -> None:
    """Let a delivery that was given up go out again. Raises NothingToRetry."""
    failed = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.FAILED)
    changes = {"state": DeliveryState.PENDING, "attempts": 0, "next_try_at": now, "ended_at": None}
    if not failed.update(**changes):
        raise NothingToRetry(_n("This delivery is not one that was given up."))
    record(
        "notice.retried",
        actor=by,
        subject=("channel", delivery.channel_id, delivery.channel.name),
        detail={"delivery": str(delivery.uid)},
        at=now,
    )
