"""Django admin for people: read only; the portal's own page changes them, with a record."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from django.contrib.auth.models import Group

from aggportal.accounts.models import Grant, User
from aggportal.web.admin import ReadOnlyAdmin

admin.site.unregister(Group)
# allauth's own pages would change what our pages change with a record.
for _model in (EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


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
