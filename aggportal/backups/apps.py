"""Backup and restore; commands and no models."""

from __future__ import annotations

from django.apps import AppConfig


class BackupsConfig(AppConfig):
    name = "aggportal.backups"
    label = "backups"
