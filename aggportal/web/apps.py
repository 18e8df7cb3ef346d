"""The web layer: request identity, errors, template tags, pagination.

It knows no word of the domain.
"""

from __future__ import annotations

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "aggportal.web"
    label = "web"
