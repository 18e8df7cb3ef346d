"""Addresses of the web layer."""

from __future__ import annotations

from django.urls import path

from aggportal.web import views

app_name = "web"
urlpatterns = [path("theme/", views.theme_choose, name="theme_choose")]
