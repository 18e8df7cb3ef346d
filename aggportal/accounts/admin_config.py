"""Django admin as the portal installs it: entered by role."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class ReadingRoomConfig(AdminConfig):
    default_site = "aggportal.accounts.admin_site.ReadingRoom"
