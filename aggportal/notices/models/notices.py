"""What was noticed, and its way out."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy

from aggportal.certs.models import Authority, Certificate
from aggportal.clusters.models import Finding
from aggportal.notices.models.channels import Channel
from aggportal.web.told import told
from aggportal.words import Sentence

# A sender that breaks off leaves its delivery to others after this time; no attempt takes as long.
CLAIM = dt.timedelta(minutes=2)
# Waiting after each failed attempt; then it is given up, about two days after the first.
PAUSES = tuple(dt.timedelta(minutes=each) for each in (1, 5, 15, 60, 180, 360, 720, 1440))


class SubjectKind(models.TextChoices):
    """What may end, or go wrong."""

    CERTIFICATE = "certificate", gettext_lazy("certificate")
    AUTHORITY = "authority", gettext_lazy("authority")
    LIST = "list", gettext_lazy("revocation list")
    FINDING = "finding", gettext_lazy("finding of the doctor")


class Notice(models.Model):
    """One threshold of one subject, reached. The row is what keeps it from being said again.

    `subject_id` is a certificate's, or an authority's for itself and for its list. `stage` is the
    code of `deciding.Stage`. Of a finding `ends_at` is when it was seen first, `stage` its harm.
    """

    kind = models.CharField(max_length=11, choices=SubjectKind)
    subject_id = models.BigIntegerField()
    ends_at = models.DateTimeField()
    stage = models.PositiveIntegerField()
    at = models.DateTimeField()
    label = models.CharField(max_length=300)
    authority = models.ForeignKey(
        Authority, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    certificate = models.ForeignKey(
        Certificate, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    finding = models.ForeignKey(
        Finding, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )

    class Meta:
        ordering = ("-pk",)
        constraints = (
            # Whoever looks at the same moment: one notice.
            models.UniqueConstraint(
                fields=["kind", "subject_id", "ends_at", "stage"], name="notice_once"
            ),
        )
        indexes = (models.Index(fields=["ends_at"], name="notice_ends"),)

    def __str__(self) -> str:
        return f"{self.label} {self.ends_at:%Y-%m-%d} stage {self.stage}"


class DeliveryState(models.TextChoices):
    """pending goes out, or again after a failure · sent · failed was given up."""

    PENDING = "pending", gettext_lazy("pending")
    SENT = "sent", gettext_lazy("sent")
    FAILED = "failed", gettext_lazy("failed")


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Deliveries, and the one way to take one."""

    def due(self, *, now: dt.datetime) -> models.QuerySet[Delivery]:
        """Those to be attempted now, longest waiting first."""
        return self.filter(
            state=DeliveryState.PENDING, next_try_at__lte=now, channel__enabled=True
        ).order_by("next_try_at", "pk")

    def claim(self, pk: int, *, now: dt.datetime) -> bool:
        """Take a delivery that is due for `CLAIM`; false when another worker was first."""
        waiting = self.filter(pk=pk, state=DeliveryState.PENDING, next_try_at__lte=now)
        return bool(waiting.update(attempts=F("attempts") + 1, next_try_at=now + CLAIM))


class Delivery(models.Model):
    """One message on its way through one channel.

    `trouble` is the last failure (`web.told`). `reached` holds the addresses that have their
    mail already, so that a second attempt sends no second one.
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="deliveries")
    digest = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=DeliveryState, default=DeliveryState.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField()
    reached = models.JSONField(default=list)
    trouble = models.JSONField(null=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ("-pk",)
        indexes = (
            models.Index(fields=["next_try_at"], condition=Q(state="pending"), name="delivery_due"),
            models.Index(fields=["-id"], condition=Q(state="failed"), name="delivery_failed"),
        )

    def __str__(self) -> str:
        return f"{self.uid} through {self.channel}"

    @property
    def why(self) -> Sentence | None:
        """The last failure."""
        return told(self.trouble)


class Item(models.Model):
    """One notice that one channel is to carry; without `delivery` it still waits for one."""

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="items")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="items")
    delivery = models.ForeignKey(
        Delivery, null=True, blank=True, on_delete=models.CASCADE, related_name="items"
    )

    class Meta:
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=["notice", "channel"], name="item_once"),)
        indexes = (
            models.Index(
                fields=["channel"], condition=Q(delivery__isnull=True), name="item_waiting"
            ),
        )

    def __str__(self) -> str:
        return f"{self.notice} through {self.channel}"
