"""Addresses of notices."""

from __future__ import annotations

from django.urls import path

from aggportal.notices.views import calendars, channels, notices, policies

app_name = "notices"
urlpatterns = [
    path("", notices.notice_list, name="notice_list"),
    path("deliveries/<int:pk>/retry/", notices.delivery_retry, name="delivery_retry"),
    path("channels/new/<slug:kind>/", channels.channel_new, name="channel_new"),
    path("channels/<int:pk>/", channels.channel_edit, name="channel_edit"),
    path("channels/<int:pk>/test/", channels.channel_test, name="channel_test"),
    path("channels/<int:pk>/delete/", channels.channel_delete, name="channel_delete"),
    path("policies/", policies.policy_list, name="policy_list"),
    path("policies/others/", policies.policy_edit_others, name="policy_edit_others"),
    path("policies/authorities/<slug:slug>/", policies.policy_edit, name="policy_edit"),
    path("calendar/", calendars.calendar_show, name="calendar_show"),
    path("calendar/make/", calendars.calendar_make, name="calendar_make"),
    path("calendar/end/", calendars.calendar_end, name="calendar_end"),
    path("calendar/<str:token>.ics", calendars.calendar_feed, name="calendar_feed"),
]
