"""Who works: of several workers one leads, the others wait."""

from __future__ import annotations

import datetime as dt

from django.db import models

LEASE_SECONDS = 10.0
# How far the clocks of two machines may lie apart; a moment farther ahead tells of a clock that
# was set back since.
AHEAD = dt.timedelta(minutes=1)


def is_ahead(moment: dt.datetime | None, *, now: dt.datetime) -> bool:
    """Whether what has happened at `moment` is still to come: the clock was set back since."""
    return moment is not None and moment - now > AHEAD


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
        recent = now - self.renewed_at < dt.timedelta(seconds=LEASE_SECONDS)
        return bool(self.holder) and recent and not self.is_ahead(now=now)

    def is_ahead(self, *, now: dt.datetime) -> bool:
        """Whether it was renewed at a moment that is still to come."""
        return bool(self.holder) and is_ahead(self.renewed_at, now=now)
