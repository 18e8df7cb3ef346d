"""How early to warn, and where; an authority without a row follows the defaults."""

from __future__ import annotations

from django.db import models
from django.db.models import Value
from django.db.models.functions import Coalesce
from django.urls import reverse

from aggportal.certs.models import Authority
from aggportal.notices.deciding import DEFAULT_AUTHORITY_DAYS, DEFAULT_DAYS
from aggportal.notices.models.channels import Channel


def default_days() -> list[int]:
    """Return the usual thresholds of certificates, days."""
    return list(DEFAULT_DAYS)


def default_authority_days() -> list[int]:
    """Return the usual thresholds of authorities, days."""
    return list(DEFAULT_AUTHORITY_DAYS)


class Policy(models.Model):
    """What differs from the defaults for one authority and what it issued; with authority None,
    for certificates of no authority of ours.
    """

    authority = models.OneToOneField(
        Authority,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="notice_policy",
    )
    enabled = models.BooleanField(default=True)
    # Days before the end, wide to tight; 0 is the end itself.
    days = models.JSONField(default=default_days)
    authority_days = models.JSONField(default=default_authority_days)
    # Warn of revocation lists that are not published anew.
    lists = models.BooleanField(default=True)
    # Every channel, those to come too; else `channels`.
    all_channels = models.BooleanField(default=True)
    channels = models.ManyToManyField(Channel, blank=True, related_name="policies")

    class Meta:
        verbose_name_plural = "policies"
        constraints = (
            models.UniqueConstraint(Coalesce("authority", Value(0)), name="policy_once"),
        )

    def __str__(self) -> str:
        return str(self.authority or "certificates of no authority of ours")

    def get_absolute_url(self) -> str:
        if self.authority is None:
            return reverse("notices:policy_edit_others")
        return reverse("notices:policy_edit", args=[self.authority.slug])
