"""Many renewals in one go: a run and its items, worked off by the worker."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy

from aggportal.certs.models.authorities import Authority
from aggportal.certs.models.certificates import Certificate

# As good as everything.
LONGEST_DAYS = 36500


class RunState(models.TextChoices):
    """stopped is a person's word and can be resumed; done is the end."""

    RUNNING = "running", gettext_lazy("running")
    STOPPED = "stopped", gettext_lazy("stopped")
    DONE = "done", gettext_lazy("done")


class ItemState(models.TextChoices):
    """waiting · renewed · proposed to another person · refused with a reason · passed over, since
    it was renewed elsewhere.
    """

    WAITING = "waiting", gettext_lazy("waiting")
    RENEWED = "renewed", gettext_lazy("renewed")
    PROPOSED = "proposed", gettext_lazy("waits for another person")
    REFUSED = "refused", gettext_lazy("refused")
    PASSED = "passed", gettext_lazy("passed over")


class RenewalRun(models.Model):
    """ "Everything that ends within `within_days` days under this authority"."""

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="renewal_runs")
    state = models.CharField(max_length=8, choices=RunState, default=RunState.RUNNING)
    within_days = models.PositiveIntegerField()
    new_key = models.BooleanField(default=True)
    started_at = models.DateTimeField()
    started_by = models.CharField(max_length=150)
    # The person in whose name the worker renews.
    starter_id = models.BigIntegerField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(
                fields=["authority"],
                condition=Q(state__in=("running", "stopped")),
                name="renewal_run_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.authority}: {self.get_state_display()}"

    def get_absolute_url(self) -> str:
        return reverse("certs:renewal_run_show", args=[self.pk])


class RenewalItem(models.Model):
    """One certificate of a run."""

    run = models.ForeignKey(RenewalRun, on_delete=models.CASCADE, related_name="items")
    certificate = models.ForeignKey(Certificate, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=8, choices=ItemState, default=ItemState.WAITING)
    successor = models.ForeignKey(
        Certificate, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.TextField(blank=True, default="")

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(fields=["run", "certificate"], name="renewal_item_once"),
        )
        indexes = (
            models.Index(fields=["run"], condition=Q(state="waiting"), name="renewal_waiting"),
        )

    def __str__(self) -> str:
        return f"{self.certificate} ({self.get_state_display()})"
