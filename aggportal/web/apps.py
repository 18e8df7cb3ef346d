"""The web layer: request identity, errors, template tags, pagination.

It knows no word of the domain.
"""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings


class WebConfig(AppConfig):
    name = "aggportal.web"
    label = "web"

    def ready(self) -> None:
        from aggportal.web.checks import require_durable  # registers the checks too

        require_durable(settings.DATABASES["default"])
