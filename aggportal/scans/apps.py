"""The scans app."""

from __future__ import annotations

from django.apps import AppConfig


class ScansConfig(AppConfig):
    name = "aggportal.scans"
    label = "scans"
