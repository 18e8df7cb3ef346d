"""Addresses of the first page and the search."""

from __future__ import annotations

from django.urls import path

from aggportal.dashboard import views

app_name = "dashboard"
urlpatterns = [
    path("", views.dashboard_show, name="dashboard_show"),
    path("calendar/", views.calendar_show, name="calendar_show"),
    path("search/", views.search_show, name="search_show"),
]
