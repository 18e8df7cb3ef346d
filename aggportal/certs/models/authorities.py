"""Authorities: certificate, sealed key, profiles, and the one purpose they serve."""

from __future__ import annotations

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy

from aggportal.accounts.rights import Scope, ScopeKind
from aggportal.certs.models.keys import SealedKey


class Lane(models.TextChoices):
    """What an authority is for.

    Lanes must not mix: who holds a certificate of one could act in the other.
    """

    FRONT_PROXY = "front-proxy", gettext_lazy("front proxy")
    SERVING = "serving", gettext_lazy("serving")
    CLIENT = "client", gettext_lazy("client")
    GENERAL = "general", gettext_lazy("general")


class Mode(models.TextChoices):
    """strict refuses what would harm; compat does exactly as cfssl does."""

    STRICT = "strict", gettext_lazy("strict")
    COMPAT = "compat", gettext_lazy("compat")


class Authority(models.Model):
    """A certificate authority that we hold.

    `signing_config` is its ca-config.json, `request_spec` its CSR JSON.
    """

    slug = models.SlugField(max_length=64, unique=True)
    label = models.CharField(max_length=100)
    lane = models.CharField(max_length=12, choices=Lane)
    mode = models.CharField(max_length=8, choices=Mode, default=Mode.STRICT)
    file_base = models.CharField(max_length=100)
    subject = models.TextField()
    common_name = models.CharField(max_length=200)
    serial = models.CharField(max_length=40)
    key_text = models.CharField(max_length=40)
    # The same key in a second authority would let one purpose act as the other.
    spki_sha256 = models.CharField(max_length=64, unique=True)
    fingerprint_sha256 = models.CharField(max_length=64, unique=True)
    not_before = models.DateTimeField()
    not_after = models.DateTimeField(db_index=True)
    certificate_pem = models.TextField()
    csr_pem = models.TextField()
    request_spec = models.TextField()
    signing_config = models.TextField()
    # What --requestheader-allowed-names is to hold, one name a line; empty while nobody said.
    allowed_names = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    key = models.OneToOneField(SealedKey, on_delete=models.PROTECT, related_name="authority")
    # The authority of ours that signed it; None where it signed itself or an outside CA did.
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    # Its row among what `parent` issued, so that it can be revoked there.
    issued_as = models.OneToOneField(
        "certs.Certificate",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="made_authority",
    )
    # The certificates above it up to the root, PEM in order, where an outside CA signed it.
    chain_pem = models.TextField(blank=True, default="")
    # The authority whose place it takes: same subject, new key. Both are trusted for a while.
    predecessor = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="successor"
    )
    # Since then it issues no more; it still answers for what it issued.
    retired_at = models.DateTimeField(null=True, blank=True)
    imported = models.BooleanField(default=False)
    # Why an administrator let pass what its lane forbids.
    override_reason = models.TextField(blank=True, default="")
    # The number of the newest revocation list (RFC 5280 section 5.2.3); 0 before the first.
    crl_number = models.BigIntegerField(default=0)
    # How long a revocation list is valid; cfssl's own default is 7 days.
    crl_hours = models.PositiveIntegerField(default=168)
    # Allowed when it was made, for an intermediate only: its key may be taken for cert-manager.
    key_may_leave = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "authorities"
        ordering = ("label",)

    def __str__(self) -> str:
        return self.label

    def get_absolute_url(self) -> str:
        return reverse("certs:authority_show", args=[self.slug])

    @property
    def scope(self) -> Scope:
        """What a grant names that is limited to this authority."""
        return Scope(kind=ScopeKind.AUTHORITY.value, key=str(self.pk))

    @property
    def proxy_names(self) -> tuple[str, ...]:
        """The CNs that may act as front proxy under this authority; empty while nobody said."""
        return tuple(self.allowed_names.splitlines())

    @property
    def is_root(self) -> bool:
        """Tell whether it signed itself."""
        return self.parent_id is None and not self.chain_pem


class OtherRole(models.TextChoices):
    """earlier: replaced by a renewal with the same key · cross: signed by another CA as well."""

    EARLIER = "earlier", gettext_lazy("earlier")
    CROSS = "cross", gettext_lazy("cross-signed")


class AuthorityCertificate(models.Model):
    """Another certificate of an authority's same key and subject, beside its present one."""

    authority = models.ForeignKey(
        Authority, on_delete=models.PROTECT, related_name="other_certificates"
    )
    role = models.CharField(max_length=8, choices=OtherRole)
    # The authority of ours that signed it; None for itself and for an outside CA.
    issuer = models.ForeignKey(
        Authority, null=True, blank=True, on_delete=models.PROTECT, related_name="cross_signed"
    )
    issued_as = models.OneToOneField(
        "certs.Certificate",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="made_cross",
    )
    issuer_subject = models.TextField()
    serial = models.CharField(max_length=40)
    fingerprint_sha256 = models.CharField(max_length=64, unique=True)
    not_before = models.DateTimeField()
    not_after = models.DateTimeField()
    pem = models.TextField()
    chain_pem = models.TextField(blank=True, default="")
    added_at = models.DateTimeField()
    added_by = models.CharField(max_length=150)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.authority} ({self.get_role_display()})"
