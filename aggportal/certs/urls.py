"""Addresses of certs."""

from __future__ import annotations

from django.urls import URLPattern, path

from aggportal.certs.views import (
    authorities,
    authority_making,
    certificates,
    files,
    inspecting,
    issuing,
    profiles,
)

app_name = "certs"
authority_patterns: list[URLPattern] = [
    path("authorities/", authorities.authority_list, name="authority_list"),
    path("authorities/new/", authority_making.authority_new, name="authority_new"),
    path("authorities/<slug:slug>/", authorities.authority_show, name="authority_show"),
    path(
        "authorities/<slug:slug>/files/<str:name>",
        authorities.authority_file,
        name="authority_file",
    ),
    path("authorities/<slug:slug>/names/", authorities.authority_names, name="authority_names"),
    path("authorities/<slug:slug>/profiles/", profiles.profile_edit, name="profile_edit"),
]
certificate_patterns: list[URLPattern] = [
    path("inspect/", inspecting.inspection_show, name="inspection_show"),
    path("certificates/", certificates.certificate_list, name="certificate_list"),
    path("certificates/new/", issuing.certificate_new, name="certificate_new"),
    path("certificates/new/preview/", issuing.certificate_preview, name="certificate_preview"),
    path("certificates/<int:pk>/", certificates.certificate_show, name="certificate_show"),
    path("certificates/<int:pk>/files/<str:name>", files.certificate_file, name="certificate_file"),
    path(
        "certificates/<int:pk>/bundle.tar.gz", files.certificate_bundle, name="certificate_bundle"
    ),
    path("certificates/<int:pk>/secret.yaml", files.certificate_secret, name="certificate_secret"),
    path(
        "certificates/<int:pk>/configmap.yaml",
        files.certificate_configmap,
        name="certificate_configmap",
    ),
]
urlpatterns = [*authority_patterns, *certificate_patterns]
