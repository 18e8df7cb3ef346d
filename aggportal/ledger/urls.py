"""Addresses of the audit pages."""

from __future__ import annotations

from django.urls import path

from aggportal.ledger import views

app_name = "ledger"
urlpatterns = [
    path("", views.entry_list, name="entry_list"),
    path("export.csv", views.entry_export, name="entry_export"),
    path("export.jsonl", views.entry_proof, name="entry_proof"),
    path("checkpoint/", views.checkpoint_show, name="checkpoint_show"),
    path("offline.py", views.verifier_download, name="verifier_download"),
    path("<int:seq>/", views.entry_show, name="entry_show"),
]
