"""Django admin for people: read only; the portal's own page changes them, with a record."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.models import Group

from aggportal.accounts.models import Grant, User
from aggportal.web.admin import ReadOnlyAdmin

admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(ReadOnlyAdmin[User]):
    """Everybody who can sign in."""

    list_display = ("username", "email", "is_active", "last_login")
    search_fields = ("username", "email")
    fields = ("username", "email", "is_active", "last_login", "date_joined")


@admin.register(Grant)
class GrantAdmin(ReadOnlyAdmin[Grant]):
    """Who holds what, and where."""

    list_display = ("user", "role", "scope_kind", "scope_key", "granted_by", "granted_at")
    list_filter = ("role", "scope_kind")
