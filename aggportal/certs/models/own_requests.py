"""Requests of our own: a key and a CSR made here, to be signed elsewhere."""

from __future__ import annotations

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy

from aggportal.certs.models.authorities import Authority, Lane, Mode
from aggportal.certs.models.certificates import Certificate
from aggportal.certs.models.keys import SealedKey


class Purpose(models.TextChoices):
    """What the certificate that comes back becomes."""

    CERTIFICATE = "certificate", gettext_lazy("certificate")
    AUTHORITY = "authority", gettext_lazy("authority")


class OwnRequest(models.Model):
    """A key and a CSR (`cfssl genkey`); open until the certificate for the key comes back.

    Exactly one of `certificate` and `authority` is set then. The columns from `slug` on say what an
    authority is to be; they are empty for a certificate.
    """

    purpose = models.CharField(max_length=11, choices=Purpose)
    file_base = models.CharField(max_length=100)
    subject = models.TextField()
    key_text = models.CharField(max_length=40)
    spki_sha256 = models.CharField(max_length=64, unique=True)
    request_spec = models.TextField()
    csr_pem = models.TextField()
    key = models.OneToOneField(SealedKey, on_delete=models.PROTECT, related_name="own_request")
    exportable = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.CharField(max_length=150, blank=True, default="")
    certificate = models.OneToOneField(
        Certificate, null=True, blank=True, on_delete=models.PROTECT, related_name="own_request"
    )
    authority = models.OneToOneField(
        Authority, null=True, blank=True, on_delete=models.PROTECT, related_name="own_request"
    )
    slug = models.SlugField(max_length=64, blank=True, default="")
    label = models.CharField(max_length=100, blank=True, default="")
    lane = models.CharField(max_length=12, choices=Lane, blank=True, default="")
    mode = models.CharField(max_length=8, choices=Mode, blank=True, default="")
    signing_config = models.TextField(blank=True, default="")

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return self.subject

    def get_absolute_url(self) -> str:
        return reverse("certs:own_request_show", args=[self.pk])

    @property
    def is_open(self) -> bool:
        """Tell whether its certificate has not come back yet."""
        return self.answered_at is None
