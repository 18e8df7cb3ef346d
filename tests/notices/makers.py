"""Channels, and time passing."""

from __future__ import annotations

import datetime as dt

from aggportal.certs.models import Authority, Certificate
from aggportal.notices.models import Channel, ChannelKind
from aggportal.notices.services.channels import ChannelChoices, create_channel
from aggportal.web.actors import Actor
from tests.certs.makers import ANA, make_authority, make_certificate

__all__ = ["ANA", "NOW", "ending", "mail_channel", "make_authority", "webhook_channel"]

NOW = dt.datetime(2027, 3, 1, 12, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
ADA = Actor(id=None, name="ada", address="192.0.2.1")


def ending(
    issuer: Authority, name: str = "api", /, *, days: float, **changes: object
) -> Certificate:
    """A certificate of a year's life that ends `days` after `NOW`."""
    certificate = make_certificate(issuer, name, now=NOW - 30 * DAY)
    ends = NOW + days * DAY
    changes = {"not_before": ends - 365 * DAY, "not_after": ends} | changes
    Certificate.objects.filter(pk=certificate.pk).update(**changes)
    certificate.refresh_from_db()
    return certificate


def mail_channel(name: str = "ops", *recipients: str, **changes: object) -> Channel:
    """A channel that mails to `recipients`, or to ops@example.com."""
    choices = ChannelChoices(
        name=name,
        recipients=recipients or ("ops@example.com",),
        **changes,  # type: ignore[arg-type]
    )
    return create_channel(ChannelKind.EMAIL, choices, by=ADA, now=NOW)


def webhook_channel(
    url: str, *, name: str = "hook", secret: str = "", **changes: object
) -> Channel:
    """A channel that posts to `url`."""
    choices = ChannelChoices(name=name, url=url, secret=secret, **changes)  # type: ignore[arg-type]
    return create_channel(ChannelKind.WEBHOOK, choices, by=ADA, now=NOW)
