"""Addresses of accounts."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.urls import path
from django.views.generic import RedirectView

from aggportal.accounts import entering, own_account, people, providing, views

app_name = "accounts"
urlpatterns = [
    path("login/", login_not_required(entering.login), name="login"),
    path("login/second/", login_not_required(entering.login_second), name="login_second"),
    path("login/passkey/", login_not_required(entering.login_passkey), name="login_passkey"),
    path("login/oidc/", login_not_required(providing.oidc_login), name="oidc_login"),
    path("login/oidc/callback/", login_not_required(providing.oidc_callback), name="oidc_callback"),
    path("account/confirm/", providing.confirm_provider, name="confirm_provider"),
    path("account/confirm/provider/", providing.confirm_begin, name="confirm_begin"),
    path("account/confirm/go-on/", providing.confirm_go_on, name="confirm_go_on"),
    path("logout/", views.logout, name="logout"),
    # Django admin has a sign-in page of its own; there is one door only.
    path(
        "admin/login/",
        login_not_required(RedirectView.as_view(pattern_name="accounts:login", query_string=True)),
    ),
    # So has it a page for the own password, which would leave no record.
    path("admin/password_change/", RedirectView.as_view(pattern_name="accounts:password_change")),
    path("account/", own_account.account_show, name="account_show"),
    path("account/totp/", own_account.totp_add, name="totp_add"),
    path("account/passkeys/new/", own_account.passkey_add, name="passkey_add"),
    path("account/factors/<int:pk>/remove/", own_account.factor_remove, name="factor_remove"),
    path("account/recovery-codes/", own_account.recovery_codes_make, name="recovery_codes_make"),
    path("account/sessions/end/", own_account.sessions_end, name="sessions_end"),
    path("account/password/", views.password_change, name="password_change"),
    path("people/", views.people_list, name="people_list"),
    path("people/add/", views.person_add, name="person_add"),
    path("people/<int:pk>/", people.person_show, name="person_show"),
    path("people/<int:pk>/grants/", people.grant_give, name="grant_give"),
    path("people/<int:pk>/grants/<int:grant>/take/", people.grant_take, name="grant_take"),
    path("people/<int:pk>/close/", people.person_close, name="person_close"),
    path("people/<int:pk>/reopen/", people.person_reopen, name="person_reopen"),
    path("people/<int:pk>/factors/", own_account.factors_take, name="factors_take"),
    path("people/<int:pk>/password/", views.person_renew, name="person_renew"),
]
