"""The ledger in Django admin, read only."""

from __future__ import annotations

from django.contrib import admin

from aggportal.ledger.models import Entry
from aggportal.web.admin import ReadOnlyAdmin


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin[Entry]):
    """Every entry, newest first."""

    list_display = (
        "seq",
        "at",
        "actor_name",
        "action",
        "outcome",
        "object_kind",
        "object_label",
        "address",
    )
    list_filter = ("outcome", "action")
    search_fields = ("object_label", "actor_name", "action")
    show_full_result_count = False
