"""Issued certificates: a lean row to search in, the bulky parts in a table of their own."""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.db import connections, models
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.urls import reverse
from django.utils.translation import gettext_lazy

from aggportal.certs.models.authorities import Authority
from aggportal.certs.models.certificate_parts import CertificateName
from aggportal.certs.models.keys import SealedKey
from aggportal.certs.models.signing_requests import SigningRequest
from aggportal.certs.text_search import SHORTEST, has_text_table, phrase
from aggportal.pki.covering import Wanted
from aggportal.pki.identifying import Identifiers, identifiers


class Kind(models.TextChoices):
    """What a certificate is for its issuer: most are leaves."""

    LEAF = "leaf", gettext_lazy("end entity")
    AUTHORITY = "authority", gettext_lazy("authority")
    RESPONDER = "responder", gettext_lazy("OCSP responder")


class Origin(models.TextChoices):
    """returned: our key, signed elsewhere · imported: made elsewhere, watched here."""

    ISSUED = "issued", gettext_lazy("issued here")
    RETURNED = "returned", gettext_lazy("signed elsewhere")
    IMPORTED = "imported", gettext_lazy("imported")


class Reason(models.TextChoices):
    """Why a certificate was revoked: the names of RFC 5280 section 5.3.1 (cfssl's too)."""

    UNSPECIFIED = "unspecified", gettext_lazy("unspecified")
    KEY_COMPROMISE = "keyCompromise", gettext_lazy("key compromised")
    CA_COMPROMISE = "cACompromise", gettext_lazy("authority compromised")
    AFFILIATION_CHANGED = "affiliationChanged", gettext_lazy("affiliation changed")
    SUPERSEDED = "superseded", gettext_lazy("superseded")
    CESSATION = "cessationOfOperation", gettext_lazy("no longer in operation")
    HOLD = "certificateHold", gettext_lazy("on hold")
    PRIVILEGE_WITHDRAWN = "privilegeWithdrawn", gettext_lazy("privilege withdrawn")
    AA_COMPROMISE = "aACompromise", gettext_lazy("attribute authority compromised")


class Tag(models.Model):
    """A word that people put on certificates to find them by."""

    name = models.CharField(max_length=50, unique=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class CertificateQuerySet(models.QuerySet["Certificate"]):
    """Certificates in the domain's words."""

    def good(self, *, now: dt.datetime) -> Self:
        """Those that are valid at `now` and not revoked."""
        return self.filter(not_before__lte=now, not_after__gte=now, revoked_at=None)

    def revoked(self) -> Self:
        """Those that are revoked or on hold."""
        return self.exclude(revoked_at=None)

    def expired(self, *, now: dt.datetime) -> Self:
        """Those that ended before `now`."""
        return self.filter(not_after__lt=now)

    def expiring(self, *, within: dt.timedelta, now: dt.datetime) -> Self:
        """Those that end between `now` and `within` after it, without revoked ones and without OCSP
        responders, which are renewed by themselves.
        """
        ending = self.filter(not_after__gte=now, not_after__lte=now + within, revoked_at=None)
        return ending.exclude(kind=Kind.RESPONDER)

    def standing(self, state: str, *, within: dt.timedelta, now: dt.datetime) -> Self:
        """Those that stand so: good, soon (they end `within`), expired, early, revoked, held or
        renewed.
        """
        match state:
            case "good":
                return self.good(now=now)
            case "soon":
                return self.expiring(within=within, now=now)
            case "expired":
                return self.expired(now=now).filter(revoked_at=None)
            case "early":
                return self.filter(not_before__gt=now, revoked_at=None)
            case "revoked":
                return self.revoked().exclude(revocation_reason=Reason.HOLD)
            case "held":
                return self.filter(revocation_reason=Reason.HOLD)
            case "renewed":
                return self.filter(successor__isnull=False)
        return self.none()

    def matching(self, text: str) -> Self:
        """Those whose CN or a name contains `text`, or whose serial or fingerprint is `text`
        (hexadecimal or decimal, colons and leading zeros as one likes).
        """
        wanted = text.strip()
        if not wanted:
            return self
        if "\x00" in wanted:
            return self.none()
        number = identifiers(wanted)
        if number is not None and number.is_sure:
            return self.identified_by(number)
        if len(wanted) >= SHORTEST and has_text_table(connections[self.db]):
            return self.filter(pk__in=_with_phrase(wanted))
        return self.filter(Q(common_name__icontains=wanted) | Q(names__icontains=wanted))

    def identified_by(self, number: Identifiers) -> Self:
        """Those with that serial or fingerprint."""
        chosen = Q(serial__in=number.serials)
        if number.sha256:
            chosen |= Q(fingerprint_sha256=number.sha256)
        if number.sha1:
            named = CertificateName.objects.filter(kind="sha1", value=number.sha1)
            chosen |= Q(pk__in=named.values("certificate"))
        return self.filter(chosen)

    def covering(self, wanted: Wanted) -> Self:
        """Those with a name that covers what is wanted, wildcards understood."""
        named = CertificateName.objects.filter(kind=wanted.kind, value__in=wanted.values)
        return self.filter(pk__in=named.values("certificate"))


def _with_phrase(text: str) -> RawSQL:
    """Return the ids that SQLite's index of trigrams has for a text."""
    sql = "SELECT rowid FROM certs_certificate_text WHERE certs_certificate_text MATCH %s"
    return RawSQL(sql, [phrase(text)])  # noqa: S611  # the text is a parameter


class Certificate(models.Model):
    """A certificate that we issued, or that somebody else did and we watch.

    `names` holds its SANs, one "kind value" a line; `file_base` names its files. `authority` is
    None where none of ours signed it, `request` where it was not signed here.
    """

    authority = models.ForeignKey(
        Authority, null=True, blank=True, on_delete=models.PROTECT, related_name="certificates"
    )
    request = models.OneToOneField(
        SigningRequest,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="certificate",
    )
    kind = models.CharField(max_length=9, choices=Kind, default=Kind.LEAF)
    origin = models.CharField(max_length=8, choices=Origin, default=Origin.ISSUED)
    # Who signed it (RFC 4514), where `authority` does not say; and the certificates above, PEM.
    issuer_subject = models.TextField(blank=True, default="")
    chain_pem = models.TextField(blank=True, default="")
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
    # The certificate that it renews; a chain without forks.
    predecessor = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="successor"
    )
    # Revocation; on hold when the reason is certificateHold, and released by emptying all four.
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=150, blank=True, default="")
    revocation_reason = models.CharField(max_length=20, blank=True, default="", choices=Reason)
    # Since when the key is to be doubted (RFC 5280 section 5.3.2, invalidityDate).
    invalid_since = models.DateTimeField(null=True, blank=True)
    # Why an administrator let pass what the authority's lane forbids.
    override_reason = models.TextField(blank=True, default="")
    owner = models.CharField(max_length=150, blank=True, default="", db_index=True)
    notes = models.TextField(blank=True, default="")
    tags = models.ManyToManyField(Tag, blank=True, related_name="certificates")

    objects = CertificateQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(fields=["authority", "serial"], name="certificate_serial_once"),
            models.CheckConstraint(
                condition=Q(revoked_at=None, revocation_reason="")
                | (Q(revoked_at__isnull=False) & ~Q(revocation_reason="")),
                name="certificate_revoked_with_reason",
            ),
            models.CheckConstraint(
                condition=~Q(origin="issued") | Q(authority__isnull=False, request__isnull=False),
                name="certificate_issued_by_authority",
            ),
        )
        indexes = (
            models.Index(
                fields=["authority", "revoked_at"],
                condition=Q(revoked_at__isnull=False),
                name="certificate_revoked",
            ),
            # Most have no predecessor. Seen in the unique index alone, SQLite's statistics make it
            # look useless, and a list of fifty would read every row for the successors.
            models.Index(
                fields=["predecessor"],
                condition=Q(predecessor__isnull=False),
                name="certificate_renews",
            ),
            # Orders in which the list is paged by key; those by id and end have theirs.
            models.Index(fields=["common_name", "id"], name="certificate_by_name"),
            models.Index(fields=["authority", "id"], name="certificate_by_authority"),
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
    def issuer_text(self) -> str:
        """Who signed it (RFC 4514)."""
        return self.authority.subject if self.authority else self.issuer_subject

    @property
    def authority_slug(self) -> str:
        """The short name of its authority, empty where none of ours signed it."""
        return self.authority.slug if self.authority else ""

    @property
    def is_revoked(self) -> bool:
        """Tell whether it is revoked or on hold."""
        return self.revoked_at is not None

    @property
    def is_held(self) -> bool:
        """Tell whether it is on hold, which can be released."""
        return self.revocation_reason == Reason.HOLD

    @property
    def hosts(self) -> tuple[str, ...]:
        """The SANs without their kinds, in encoded order."""
        return tuple(line.partition(" ")[2] for line in self.names.splitlines())
