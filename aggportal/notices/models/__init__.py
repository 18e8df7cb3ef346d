"""Channels, policies, notices and their deliveries, and feeds for calendars."""

from __future__ import annotations

from aggportal.notices.models.calendars import CalendarFeed
from aggportal.notices.models.channels import Channel, ChannelKind, Rhythm, SealedWebhook
from aggportal.notices.models.notices import Delivery, DeliveryState, Item, Notice, SubjectKind
from aggportal.notices.models.policies import Policy

__all__ = [
    "CalendarFeed",
    "Channel",
    "ChannelKind",
    "Delivery",
    "DeliveryState",
    "Item",
    "Notice",
    "Policy",
    "Rhythm",
    "SealedWebhook",
    "SubjectKind",
]
