"""Django admin: a reading room for auditors. Being staff or superuser opens nothing."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.http import HttpRequest

from aggportal.accounts.roles import Role, has_role


class ReadingRoom(AdminSite):
    """Lets in who holds the role of auditors; the portal's own pages do the rest."""

    site_header = site_title = "AggPortal"

    def has_permission(self, request: HttpRequest) -> bool:
        return has_role(request.user, Role.AUDITOR)
