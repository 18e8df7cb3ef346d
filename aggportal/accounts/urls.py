"""Addresses of accounts."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.urls import path
from django.views.generic import RedirectView

from aggportal.accounts import views

app_name = "accounts"
urlpatterns = [
    path("login/", login_not_required(views.login), name="login"),
    path("logout/", views.logout, name="logout"),
    # Django admin has a sign-in page of its own; there is one door only.
    path(
        "admin/login/",
        login_not_required(RedirectView.as_view(pattern_name="accounts:login", query_string=True)),
    ),
    # So has it a page for the own password, which would leave no record.
    path("admin/password_change/", RedirectView.as_view(pattern_name="accounts:password_change")),
    path("account/", views.account_show, name="account_show"),
    path("account/password/", views.password_change, name="password_change"),
    path("people/", views.people_list, name="people_list"),
    path("people/add/", views.person_add, name="person_add"),
    path("people/<int:pk>/role/", views.person_change, name="person_change"),
    path("people/<int:pk>/password/", views.person_renew, name="person_renew"),
]
