"""Addresses of the flags page; both carry the choices in their query, so they can be shared."""

from __future__ import annotations

from django.urls import path

from aggportal.snippets import views

app_name = "snippets"
urlpatterns = [
    path("", views.flags_show, name="flags_show"),
    path("download/<slug:key>/", views.flags_download, name="flags_download"),
]
