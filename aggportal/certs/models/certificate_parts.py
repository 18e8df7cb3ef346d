"""What of a certificate stands in tables of its own: its bulk, and the names it is found by."""

from __future__ import annotations

from django.db import models


class CertificateMaterial(models.Model):
    """The bulky parts of a certificate: PEM, CSR and the request spec that it was made from."""

    certificate = models.OneToOneField(
        "Certificate", primary_key=True, on_delete=models.CASCADE, related_name="material"
    )
    pem = models.TextField()
    csr_pem = models.TextField(blank=True)
    request_spec = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"material of {self.pk}"


class CertificateName(models.Model):
    """One SAN of a certificate as it is looked up: `value` in lower case, wildcards as they are.

    A row of kind `sha1` is no name but the fingerprint that OpenSSL shows by default.
    """

    certificate = models.ForeignKey(
        "Certificate", on_delete=models.CASCADE, related_name="name_entries"
    )
    kind = models.CharField(max_length=5)
    value = models.CharField(max_length=500)

    class Meta:
        indexes = (models.Index(fields=["value", "kind"], name="certificate_name_value"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"
