"""How what is live in a cluster stood beside what we manage, when it was last looked at."""

from __future__ import annotations

from django.db import models

from aggportal.clusters.models.clusters import Cluster


class Drift(models.Model):
    """The comparison of one examination. `rows` is what `drift_rows.dump_rows` wrote; the counters
    are those of its rows by verdict. `secrets` names those that hold certificates, or may, as
    namespace/name.
    """

    cluster = models.OneToOneField(
        Cluster, on_delete=models.CASCADE, primary_key=True, related_name="drift"
    )
    at = models.DateTimeField()
    rows = models.JSONField(default=list)
    secrets = models.JSONField(default=list)
    same = models.PositiveIntegerField(default=0)
    differs = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.cluster_id}: {self.differs} differ"
