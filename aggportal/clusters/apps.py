"""The clusters app."""

from __future__ import annotations

from django.apps import AppConfig


class ClustersConfig(AppConfig):
    name = "aggportal.clusters"
    label = "clusters"

    def ready(self) -> None:
        """Register the checks of the settings."""
        from aggportal.clusters import checks  # noqa: F401 - registers on import
