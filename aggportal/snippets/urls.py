"""Addresses of the flags page and of the studio.

Those of the flags carry the choices in their query, so they can be shared.
"""

from __future__ import annotations

from django.urls import path

from aggportal.snippets.views import flags, studio

app_name = "snippets"
urlpatterns = [
    path("flags/", flags.flags_show, name="flags_show"),
    path("flags/download/<slug:key>/", flags.flags_download, name="flags_download"),
    path("extension/new/", studio.extension_new, name="extension_new"),
    path("extension/new/preview/", studio.extension_preview, name="extension_preview"),
    path("extension/new/take/", studio.extension_take, name="extension_take"),
    path("clusters/<slug:slug>/extension/new/", studio.extension_new, name="cluster_extension_new"),
    path(
        "clusters/<slug:slug>/extension/new/preview/",
        studio.extension_preview,
        name="cluster_extension_preview",
    ),
    path(
        "clusters/<slug:slug>/extension/new/take/",
        studio.extension_take,
        name="cluster_extension_take",
    ),
]
