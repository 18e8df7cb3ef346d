"""Every address of the portal. They are stable: scripts and bookmarks rely on them."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from aggportal.web import errors, health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("", include("aggportal.dashboard.urls")),
    path("", include("aggportal.accounts.urls")),
    path("", include("aggportal.web.urls")),
    path("", include("aggportal.certs.urls")),
    path("clusters/", include("aggportal.clusters.urls")),
    path("notices/", include("aggportal.notices.urls")),
    path("", include("aggportal.snippets.urls")),
    path("scan/", include("aggportal.scans.urls")),
    path("audit/", include("aggportal.ledger.urls")),
    path("", include("aggportal.vault.urls")),
    path("admin/", admin.site.urls),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
