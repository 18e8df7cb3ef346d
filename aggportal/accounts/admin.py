"""Django admin for people: read only; the portal's own page changes them, with a record."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.models import Group

from aggportal.accounts.models import User
from aggportal.web.admin import ReadOnlyAdmin

admin.site.unregister(Group)
admin.site.site_header = admin.site.site_title = "AggPortal"


@admin.register(User)
class UserAdmin(ReadOnlyAdmin[User]):
    """Everybody who can sign in."""

    list_display = ("username", "email", "is_active", "last_login")
    search_fields = ("username", "email")
    fields = ("username", "email", "is_active", "is_staff", "groups", "last_login", "date_joined")
