"""Extension API servers that were put into a cluster from here: sets of objects, one by one."""

from __future__ import annotations

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy

from aggportal.clusters.models.clusters import Cluster
from aggportal.web.told import told
from aggportal.words import Sentence


class Deed(models.TextChoices):
    """What is being done, or was done last, with a set."""

    APPLY = "apply", gettext_lazy("applying")
    REMOVE = "remove", gettext_lazy("removing")


class SetState(models.TextChoices):
    """stopped is a failure or a person's word, and can be resumed; done is the end of the deed."""

    RUNNING = "running", gettext_lazy("under way")
    STOPPED = "stopped", gettext_lazy("stopped")
    DONE = "done", gettext_lazy("done")


class ObjectState(models.TextChoices):
    """waiting · written, and not yet ready or gone · done · failed · left as it is."""

    WAITING = "waiting", gettext_lazy("waiting")
    WRITTEN = "written", gettext_lazy("not ready yet")
    DONE = "done", gettext_lazy("done")
    FAILED = "failed", gettext_lazy("failed")
    LEFT = "left", gettext_lazy("left as it is")


class ExtensionSet(models.Model):
    """One extension API server in one cluster; applying it again is the same row.

    `described` holds the values of a `kube.studio.Extension`; no key is among them. The worker
    acts in the name of `started_by`.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="extension_sets")
    name = models.CharField(max_length=63)
    namespace = models.CharField(max_length=63)
    described = models.JSONField()
    certificate = models.ForeignKey(
        "certs.Certificate", on_delete=models.PROTECT, related_name="extension_sets"
    )
    deed = models.CharField(max_length=8, choices=Deed, default=Deed.APPLY)
    state = models.CharField(max_length=8, choices=SetState, default=SetState.RUNNING)
    with_namespace = models.BooleanField(default=False)
    trouble = models.JSONField(null=True)
    started_at = models.DateTimeField()
    started_by = models.CharField(max_length=150)
    starter_id = models.BigIntegerField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(
                fields=["cluster", "namespace", "name"], name="extension_set_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    def get_absolute_url(self) -> str:
        return reverse("snippets:extension_show", args=[self.cluster.slug, self.pk])

    @property
    def trouble_sentence(self) -> Sentence | None:
        return told(self.trouble)

    @property
    def is_running(self) -> bool:
        return self.state == SetState.RUNNING

    @property
    def is_removed(self) -> bool:
        return self.deed == Deed.REMOVE and self.state == SetState.DONE


class ExtensionStep(models.Model):
    """One object of a set, by its coordinates, and how far the deed is with it.

    `uid` is the object's as it was applied; `allowed_uid` that of somebody else's object which a
    person allowed to be taken over. `written_at` is since when it is waited for.
    """

    of = models.ForeignKey(ExtensionSet, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveIntegerField()
    key = models.CharField(max_length=32)
    api_version = models.CharField(max_length=80)
    kind = models.CharField(max_length=40)
    namespace = models.CharField(max_length=63, blank=True, default="")
    name = models.CharField(max_length=320)
    state = models.CharField(max_length=8, choices=ObjectState, default=ObjectState.WAITING)
    did = models.CharField(max_length=12, blank=True, default="")
    note = models.JSONField(null=True)
    uid = models.CharField(max_length=64, blank=True, default="")
    allowed_uid = models.CharField(max_length=64, blank=True, default="")
    written_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("position", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=["of", "kind", "namespace", "name"], name="extension_step_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def note_sentence(self) -> Sentence | None:
        return told(self.note)
