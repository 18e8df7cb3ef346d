"""Clusters and their history in Django admin: to read, without credentials."""

from __future__ import annotations

from django.contrib import admin

from aggportal.clusters.models import Cluster, Transition
from aggportal.web.admin import ReadOnlyAdmin


@admin.register(Cluster)
class ClusterAdmin(ReadOnlyAdmin[Cluster]):
    list_display = ("name", "server", "auth_kind", "created_at", "created_by")
    search_fields = ("name", "server")
    exclude = ("sealed",)


@admin.register(Transition)
class TransitionAdmin(ReadOnlyAdmin[Transition]):
    list_display = ("at", "cluster", "name", "came_from", "went_to", "reason")
    list_filter = ("cluster", "went_to")
    list_select_related = ("cluster",)
    search_fields = ("name",)
    date_hierarchy = "at"
