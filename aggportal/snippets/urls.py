"""Addresses of the flags page and of the studio.

Those of the flags carry the choices in their query, so they can be shared.
"""

from __future__ import annotations

from django.urls import path

from aggportal.snippets.views import applying, flags, sets, studio

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
    path(
        "clusters/<slug:slug>/extension/new/apply/",
        applying.extension_apply,
        name="cluster_extension_apply",
    ),
    path("clusters/<slug:slug>/extension/<int:pk>/", sets.extension_show, name="extension_show"),
    path(
        "clusters/<slug:slug>/extension/<int:pk>/progress/",
        sets.extension_progress,
        name="extension_progress",
    ),
    path(
        "clusters/<slug:slug>/extension/<int:pk>/change/",
        sets.extension_change,
        name="extension_change",
    ),
    path(
        "clusters/<slug:slug>/extension/<int:pk>/remove/",
        sets.extension_remove,
        name="extension_remove",
    ),
]
