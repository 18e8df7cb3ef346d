"""Issued certificates: a lean row to search in, the bulky parts in a table of their own."""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.db import models
from django.db.models import Q
from django.urls import reverse

from aggportal.certs.models.authorities import Authority
from aggportal.certs.models.keys import SealedKey
from aggportal.certs.models.signing_requests import SigningRequest

_HEX_DIGITS = frozenset("0123456789abcdef")
# Shorter ones may be a part of a name, and are looked for there.
_SHORTEST_SERIAL = 32


class CertificateQuerySet(models.QuerySet["Certificate"]):
    """Certificates in the domain's words."""

    def good(self, *, now: dt.datetime) -> Self:
        """Those that are valid at `now`."""
        return self.filter(not_before__lte=now, not_after__gte=now)

    def expired(self, *, now: dt.datetime) -> Self:
        """Those that ended before `now`."""
        return self.filter(not_after__lt=now)

    def expiring(self, *, within: dt.timedelta, now: dt.datetime) -> Self:
        """Those that end between `now` and `within` after it."""
        return self.filter(not_after__gte=now, not_after__lte=now + within)

    def matching(self, text: str) -> Self:
        """Those whose CN or a name contains `text`, or whose serial or fingerprint is `text`
        (colons and leading zeros as one likes).
        """
        wanted = text.strip()
        if not wanted:
            return self
        digits = "".join(wanted.split()).replace(":", "").lower()
        if set(digits) <= _HEX_DIGITS and len(digits) >= _SHORTEST_SERIAL:
            return self.filter(Q(serial=digits.zfill(40)) | Q(fingerprint_sha256=digits))
        return self.filter(Q(common_name__icontains=wanted) | Q(names__icontains=wanted))


class Certificate(models.Model):
    """An issued certificate.

    `names` holds its SANs, one "kind value" a line; `file_base` names its files.
    """

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="certificates")
    request = models.OneToOneField(
        SigningRequest, on_delete=models.PROTECT, related_name="certificate"
    )
    serial = models.CharField(max_length=40, db_index=True)
    common_name = models.CharField(max_length=200)
    subject = models.TextField()
    names = models.TextField(blank=True)
    profile = models.CharField(max_length=100)
    key_text = models.CharField(max_length=40)
    file_base = models.CharField(max_length=100)
    not_before = models.DateTimeField()
    not_after = models.DateTimeField(db_index=True)
    issued_at = models.DateTimeField()
    issued_by = models.CharField(max_length=150)
    fingerprint_sha256 = models.CharField(max_length=64, unique=True)
    spki_sha256 = models.CharField(max_length=64, db_index=True)
    key = models.OneToOneField(
        SealedKey, null=True, blank=True, on_delete=models.PROTECT, related_name="certificate"
    )
    # False: the private key never leaves the portal, in no form and for nobody. It stays so.
    exportable = models.BooleanField(default=True)

    objects = CertificateQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(fields=["authority", "serial"], name="certificate_serial_once"),
        )

    def __str__(self) -> str:
        return self.common_name or self.subject

    def get_absolute_url(self) -> str:
        return reverse("certs:certificate_show", args=[self.pk])

    @property
    def key_leaves(self) -> bool:
        """Whether there is a private key here that may be taken."""
        return self.key_id is not None and self.exportable

    @property
    def hosts(self) -> tuple[str, ...]:
        """The SANs without their kinds, in encoded order."""
        return tuple(line.partition(" ")[2] for line in self.names.splitlines())


class CertificateMaterial(models.Model):
    """The bulky parts of a certificate: PEM, CSR and the request spec that it was made from."""

    certificate = models.OneToOneField(
        Certificate, primary_key=True, on_delete=models.CASCADE, related_name="material"
    )
    pem = models.TextField()
    csr_pem = models.TextField(blank=True)
    request_spec = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"material of {self.pk}"
