"""The first page: what needs somebody, what stops working when, what happened lately."""

from __future__ import annotations

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "aggportal.dashboard"
    label = "dashboard"
