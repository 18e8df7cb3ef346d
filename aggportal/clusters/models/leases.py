"""Who works: of several workers one leads, the others wait."""

from __future__ import annotations

import datetime as dt

from django.db import models

LEASE_SECONDS = 10.0


class Lease(models.Model):
    """The right to work, held as long as it is renewed. `term` counts the reigns."""

    name = models.CharField(max_length=40, primary_key=True)
    holder = models.CharField(max_length=200)
    term = models.PositiveBigIntegerField(default=1)
    renewed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.holder}"

    def is_held(self, *, now: dt.datetime) -> bool:
        """Whether somebody holds and renews it."""
        return bool(self.holder) and now - self.renewed_at < dt.timedelta(seconds=LEASE_SECONDS)
