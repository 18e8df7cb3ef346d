"""Django admin for certificates: read only, and no key material in sight."""

from __future__ import annotations

from django.contrib import admin

from aggportal.certs.models import Authority, Certificate, SigningRequest
from aggportal.web.admin import ReadOnlyAdmin


@admin.register(Authority)
class AuthorityAdmin(ReadOnlyAdmin[Authority]):
    """Every authority."""

    list_display = ("label", "lane", "subject", "not_after", "created_by")
    search_fields = ("label", "subject", "serial")
    exclude = ("key",)


@admin.register(Certificate)
class CertificateAdmin(ReadOnlyAdmin[Certificate]):
    """Every issued certificate, newest first."""

    list_display = (
        "common_name",
        "authority",
        "profile",
        "serial",
        "not_after",
        "issued_by",
        "issued_at",
    )
    list_filter = ("authority",)
    list_select_related = ("authority",)
    search_fields = ("common_name", "names", "serial", "fingerprint_sha256")
    show_full_result_count = False
    exclude = ("key",)


@admin.register(SigningRequest)
class SigningRequestAdmin(ReadOnlyAdmin[SigningRequest]):
    """Every request, decided or not."""

    list_display = (
        "pk",
        "subject",
        "authority",
        "profile",
        "state",
        "requester_name",
        "requested_at",
    )
    list_filter = ("state", "authority")
    list_select_related = ("authority",)
    search_fields = ("subject", "serial")
    show_full_result_count = False
