"""Credentials at rest: of connected clusters, and of those whose connecting is under way."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from aggportal.vault.models import SealedRecord


class AuthKind(models.TextChoices):
    """How we log in to a cluster."""

    TOKEN = "token", gettext_lazy("a bearer token")
    CERTIFICATE = "certificate", gettext_lazy("a client certificate")
    SERVICE_ACCOUNT = "service-account", gettext_lazy("the pod's own service account")


class SealedConnection(SealedRecord):
    """The bytes of `kube.connections.dump_connection`; `binding` is the server's SHA-256.

    So credentials that are moved under another server in the database do not open.
    """


class ConnectionDraft(SealedRecord):
    """Pasted credentials while a context is chosen: one person's and session's, for minutes."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    expires_at = models.DateTimeField(db_index=True)
