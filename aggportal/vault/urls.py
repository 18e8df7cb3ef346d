"""Where the portal's key is looked after."""

from __future__ import annotations

from django.urls import path

from aggportal.vault import views

app_name = "vault"
urlpatterns = [path("unseal/", views.unseal, name="unseal")]
