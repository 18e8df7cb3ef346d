"""What an authority publishes about revocation: its lists, and answers kept for OCSP."""

from __future__ import annotations

from django.db import models

from aggportal.certs.models.authorities import Authority


class RevocationList(models.Model):
    """A certificate revocation list (RFC 5280 section 5) as published; `der` is the whole file."""

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="crls")
    number = models.BigIntegerField()
    this_update = models.DateTimeField()
    next_update = models.DateTimeField()
    entries = models.PositiveIntegerField()
    der = models.BinaryField()

    class Meta:
        ordering = ("-number",)
        constraints = (
            models.UniqueConstraint(fields=["authority", "number"], name="crl_number_once"),
        )

    def __str__(self) -> str:
        return f"{self.authority} CRL {self.number}"


class OcspAnswer(models.Model):
    """A signed OCSP response without nonce (RFC 6960), kept until `next_update` or a change.

    `request_hash` is the SHA-256 (hex) of the CertID's DER, `serial` the certificate asked about.
    """

    authority = models.ForeignKey(Authority, on_delete=models.CASCADE, related_name="ocsp_answers")
    serial = models.CharField(max_length=40)
    request_hash = models.CharField(max_length=64)
    der = models.BinaryField()
    this_update = models.DateTimeField()
    next_update = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["authority", "request_hash"], name="ocsp_answer_once"),
        )
        indexes = (models.Index(fields=["authority", "serial"], name="ocsp_answer_serial"),)

    def __str__(self) -> str:
        return f"{self.authority} {self.serial}"
