"""Imports under way: what was brought, sealed for minutes, and afterwards what became of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse

from aggportal.vault.models import SealedRecord


class ImportDraft(SealedRecord):
    """Files that one person brought in one session, while they choose what to do with them.

    Once `done_at` is set, nothing is sealed in it any more and `result` says what came in: public
    facts and sentences alone.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    expires_at = models.DateTimeField(db_index=True)
    done_at = models.DateTimeField(null=True, blank=True)
    result = models.JSONField(default=dict, blank=True)

    def get_absolute_url(self) -> str:
        return reverse("certs:import_result", args=[self.pk])
