"""Addresses of clusters."""

from __future__ import annotations

from django.urls import path

from aggportal.clusters.views import (
    apiservices,
    clusters,
    connecting,
    doctor,
    drift,
    live,
    registering,
    repairs,
    rotating,
    rotations,
    secret_repairs,
    settings,
)

app_name = "clusters"
urlpatterns = [
    path("", clusters.cluster_list, name="cluster_list"),
    path("new/", connecting.cluster_new, name="cluster_new"),
    path("<slug:slug>/", live.cluster_show, name="cluster_show"),
    path("<slug:slug>/table/", live.apiservice_table, name="apiservice_table"),
    path("<slug:slug>/pulse/", live.cluster_pulse, name="cluster_pulse"),
    path("<slug:slug>/test/", clusters.cluster_test, name="cluster_test"),
    path("<slug:slug>/role/", clusters.cluster_role, name="cluster_role"),
    path("<slug:slug>/settings/", settings.cluster_edit, name="cluster_edit"),
    path("<slug:slug>/trust/", settings.cluster_trust, name="cluster_trust"),
    path("<slug:slug>/credentials/", connecting.cluster_reconnect, name="cluster_reconnect"),
    path("<slug:slug>/delete/", settings.cluster_delete, name="cluster_delete"),
    path("<slug:slug>/doctor/", doctor.doctor_show, name="doctor_show"),
    path("<slug:slug>/doctor/board/", doctor.doctor_board, name="doctor_board"),
    path("<slug:slug>/doctor/ask/", doctor.doctor_ask, name="doctor_ask"),
    path("<slug:slug>/doctor/history/", doctor.finding_list, name="finding_list"),
    path("<slug:slug>/doctor/<int:pk>/mute/", doctor.finding_mute, name="finding_mute"),
    path("<slug:slug>/doctor/<int:pk>/unmute/", doctor.finding_unmute, name="finding_unmute"),
    path("<slug:slug>/drift/", drift.drift_show, name="drift_show"),
    path("<slug:slug>/drift/board/", drift.drift_board, name="drift_board"),
    path("<slug:slug>/rotations/", rotations.rotation_list, name="rotation_list"),
    path("<slug:slug>/rotations/new/", rotations.rotation_new, name="rotation_new"),
    path("<slug:slug>/rotations/<int:pk>/", rotations.rotation_show, name="rotation_show"),
    path("<slug:slug>/rotations/<int:pk>/board/", rotations.rotation_board, name="rotation_board"),
    path("<slug:slug>/rotations/<int:pk>/do/", rotating.rotation_do, name="rotation_do"),
    path("<slug:slug>/rotations/<int:pk>/seen/", rotating.rotation_seen, name="rotation_seen"),
    path("<slug:slug>/rotations/<int:pk>/on/", rotating.rotation_on, name="rotation_on"),
    path(
        "<slug:slug>/rotations/<int:pk>/override/",
        rotating.rotation_override,
        name="rotation_override",
    ),
    path("<slug:slug>/rotations/<int:pk>/back/", rotating.rotation_back, name="rotation_back"),
    path("<slug:slug>/rotations/<int:pk>/stop/", rotating.rotation_stop, name="rotation_stop"),
    path(
        "<slug:slug>/rotations/<int:pk>/files/<slug:key>/",
        rotations.rotation_file,
        name="rotation_file",
    ),
    path("<slug:slug>/apiservices/new/", registering.apiservice_new, name="apiservice_new"),
    path(
        "<slug:slug>/apiservices/<str:name>/", apiservices.apiservice_show, name="apiservice_show"
    ),
    path(
        "<slug:slug>/apiservices/<str:name>/news/",
        apiservices.apiservice_news,
        name="apiservice_news",
    ),
    path(
        "<slug:slug>/apiservices/<str:name>/delete/",
        apiservices.apiservice_delete,
        name="apiservice_delete",
    ),
    path("<slug:slug>/apiservices/<str:name>/bundle/", repairs.bundle_repair, name="bundle_repair"),
    path(
        "<slug:slug>/apiservices/<str:name>/secret/",
        secret_repairs.secret_repair,
        name="secret_repair",
    ),
    path(
        "<slug:slug>/apiservices/<str:name>/secret/watch/",
        secret_repairs.secret_watch,
        name="secret_watch",
    ),
    path(
        "<slug:slug>/apiservices/<str:name>/secret/watch/now/",
        secret_repairs.secret_pickup,
        name="secret_pickup",
    ),
]
