"""The one address of scanning: GET shows the form, POST scans. No result has an address."""

from __future__ import annotations

from django.urls import path

from aggportal.scans import views

app_name = "scans"
urlpatterns = [path("", views.scan_show, name="scan_show")]
