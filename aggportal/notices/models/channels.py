"""Ways on which notices leave the portal."""

from __future__ import annotations

import hashlib

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext_lazy

from aggportal.clusters.models import Cluster
from aggportal.vault.models import SealedRecord


class ChannelKind(models.TextChoices):
    """How a channel reaches people."""

    EMAIL = "email", gettext_lazy("e-mail")
    WEBHOOK = "webhook", gettext_lazy("webhook")
    EVENT = "event", gettext_lazy("Kubernetes Event")


class Rhythm(models.TextChoices):
    """When it does."""

    AT_ONCE = "at-once", gettext_lazy("each at once")
    DAILY = "daily", gettext_lazy("a digest every day")
    WEEKLY = "weekly", gettext_lazy("a digest every week")


class Weekday(models.IntegerChoices):
    """Days of the week as Python counts them."""

    MONDAY = 0, gettext_lazy("Monday")
    TUESDAY = 1, gettext_lazy("Tuesday")
    WEDNESDAY = 2, gettext_lazy("Wednesday")
    THURSDAY = 3, gettext_lazy("Thursday")
    FRIDAY = 4, gettext_lazy("Friday")
    SATURDAY = 5, gettext_lazy("Saturday")
    SUNDAY = 6, gettext_lazy("Sunday")


class SealedWebhook(SealedRecord):
    """JSON {"url", "secret"}. The address too: those of chats hold a secret in their path.

    `binding` is the SHA-256 of the part that is shown, so that it cannot be moved under another.
    """


class Channel(models.Model):
    """One way out. Which of its fields count depends on `kind`.

    `recipients` holds addresses, one a line; `target` what may be shown of a webhook's address.
    """

    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=8, choices=ChannelKind)
    enabled = models.BooleanField(default=True)
    rhythm = models.CharField(max_length=8, choices=Rhythm, default=Rhythm.AT_ONCE)
    # When a digest goes out (UTC).
    hour = models.PositiveSmallIntegerField(default=7)
    weekday = models.PositiveSmallIntegerField(choices=Weekday, default=Weekday.MONDAY)
    digested_at = models.DateTimeField()
    # Carries what the doctor finds in clusters, too.
    findings = models.BooleanField(default=True)
    # E-mail
    recipients = models.TextField(blank=True, default="")
    to_owner = models.BooleanField(default=False)
    # Webhook
    target = models.CharField(max_length=300, blank=True, default="")
    signed = models.BooleanField(default=False)
    ca_pem = models.TextField(blank=True, default="")
    sealed = models.OneToOneField(
        SealedWebhook, null=True, blank=True, on_delete=models.PROTECT, related_name="channel"
    )
    # Kubernetes Event; the cluster may be forgotten by the portal meanwhile.
    cluster = models.ForeignKey(
        Cluster, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    namespace = models.CharField(max_length=63, blank=True, default="")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)

    class Meta:
        ordering = ("name", "pk")
        constraints = (
            models.UniqueConstraint(Lower("name"), name="channel_name_once"),
            models.CheckConstraint(
                condition=Q(hour__lte=23) & Q(weekday__lte=6), name="channel_time_exists"
            ),
            models.CheckConstraint(
                condition=~Q(kind="webhook") | Q(sealed__isnull=False),
                name="channel_webhook_has_address",
            ),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("notices:channel_edit", args=[self.pk])

    @property
    def addresses(self) -> tuple[str, ...]:
        """The recipients of its mails."""
        return tuple(self.recipients.split())

    @property
    def is_digest(self) -> bool:
        return self.rhythm != Rhythm.AT_ONCE

    @property
    def digest_weekday(self) -> int | None:
        """The day of its digest from Monday, 0; None when it goes out every day."""
        return self.weekday if self.rhythm == Rhythm.WEEKLY else None

    @property
    def binding(self) -> str:
        """What the sealed address is bound to."""
        return hashlib.sha256(self.target.encode()).hexdigest()
