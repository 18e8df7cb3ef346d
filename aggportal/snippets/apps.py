"""The snippets app."""

from __future__ import annotations

from django.apps import AppConfig


class SnippetsConfig(AppConfig):
    name = "aggportal.snippets"
    label = "snippets"
