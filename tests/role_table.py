"""Which role opens each address, by method, and what the role must be held on.

tests/test_role_matrix.py walks it. An address that is not entered here fails the suite.
"""

from __future__ import annotations

from dataclasses import dataclass

from aggportal.accounts.rights import Role

V, RQ, I, AP = Role.VIEWER, Role.REQUESTER, Role.ISSUER, Role.APPROVER  # noqa: E741
AU, OP, AD = Role.AUDITOR, Role.OPERATOR, Role.ADMINISTRATOR
SIGNED_IN, ANYBODY = "signed in", "anybody"
AUTHORITY, CLUSTER = "authority", "cluster"
Who = Role | str | None


@dataclass(frozen=True, slots=True)
class Opens:
    """Who opens an address by GET and by POST: a role, SIGNED_IN or ANYBODY; None is a wrong
    method. `on` is what the role must be held on. `absent`: what is furnished has no such thing, so
    whoever may look is told that (404).
    """

    get: Who
    post: Who = None
    on: str = ""
    absent: bool = False


def read(*, on: str = "", absent: bool = False) -> Opens:
    return Opens(V, None, on, absent)


def page(role: Who, *, on: str = "", absent: bool = False) -> Opens:
    """A page with a form: GET and POST need the same."""
    return Opens(role, role, on, absent)


def deed(role: Who, *, on: str = "", absent: bool = False) -> Opens:
    return Opens(None, role, on, absent)


PORTAL = {
    "healthz": Opens(ANYBODY),
    "readyz": Opens(ANYBODY),
    "dashboard:dashboard_show": read(),
    "dashboard:calendar_show": read(),
    "dashboard:search_show": read(),
    "web:theme_choose": deed(ANYBODY),
    "scans:scan_show": page(I),
    "vault:unseal": page(AD),
    "ledger:entry_list": Opens(AU),
    "ledger:entry_export": Opens(AU),
    "ledger:entry_proof": Opens(AU),
    "ledger:checkpoint_show": Opens(AU, absent=True),
    "ledger:verifier_download": Opens(AU),
    "ledger:entry_show": Opens(AU),
}
ACCOUNTS = {
    "accounts:login": page(ANYBODY),
    "accounts:login_second": page(ANYBODY),
    "accounts:login_passkey": page(ANYBODY),
    "accounts:oidc_login": Opens(ANYBODY, absent=True),
    "accounts:oidc_callback": Opens(ANYBODY, absent=True),
    "accounts:confirm_provider": deed(SIGNED_IN, absent=True),
    "accounts:confirm_begin": Opens(SIGNED_IN, absent=True),
    "accounts:confirm_go_on": Opens(SIGNED_IN),
    "accounts:logout": deed(SIGNED_IN),
    "accounts:admin/login/": page(ANYBODY),
    "accounts:admin/password_change/": page(SIGNED_IN),
    "accounts:account_show": Opens(SIGNED_IN),
    "accounts:totp_add": page(SIGNED_IN),
    "accounts:passkey_add": page(SIGNED_IN),
    "accounts:factor_remove": deed(SIGNED_IN, absent=True),
    "accounts:recovery_codes_make": deed(SIGNED_IN),
    "accounts:sessions_end": deed(SIGNED_IN),
    "accounts:password_change": page(SIGNED_IN),
    "accounts:people_list": Opens(AD),
    "accounts:person_add": deed(AD),
    "accounts:person_show": Opens(AD),
    "accounts:grant_give": deed(AD),
    "accounts:grant_take": deed(AD),
    "accounts:person_close": deed(AD),
    "accounts:person_reopen": deed(AD),
    "accounts:factors_take": deed(AD),
    "accounts:person_renew": deed(AD),
}
AUTHORITIES = {
    "certs:authority_list": read(),
    "certs:authority_new": page(AD),
    "certs:authority_import": page(AD),
    "certs:authority_import_choose": page(AD),
    "certs:authority_show": read(on=AUTHORITY),
    "certs:authority_file": read(on=AUTHORITY),
    "certs:authority_way": read(on=AUTHORITY, absent=True),
    "certs:authority_renew": page(AD, on=AUTHORITY),
    "certs:authority_renewal_request": deed(AD, on=AUTHORITY),
    "certs:authority_cross": page(AD, on=AUTHORITY),
    "certs:authority_cross_request": deed(AD, on=AUTHORITY),
    "certs:authority_key": page(AD, on=AUTHORITY),
    "certs:authority_succeed": page(AD),
    "certs:authority_overlap": read(on=AUTHORITY),
    "certs:overlap_file": read(on=AUTHORITY, absent=True),
    "certs:authority_retire": deed(AD, on=AUTHORITY),
    "certs:authority_names": deed(AD, on=AUTHORITY),
    "certs:authority_mode": deed(AD, on=AUTHORITY),
    "certs:crl_change": deed(AD, on=AUTHORITY),
    "certs:crl_publish": deed(AD, on=AUTHORITY),
    "certs:profile_edit": Opens(V, AD, AUTHORITY),
    "certs:key_export": read(on=AUTHORITY),
    "certs:key_export_ask": deed(AD, on=AUTHORITY),
    "certs:key_export_approve": deed(AP, on=AUTHORITY, absent=True),
    "certs:key_export_reject": deed(V, on=AUTHORITY, absent=True),
    "certs:renewal_run_new": page(I, on=AUTHORITY),
    "certs:renewal_run_show": read(on=AUTHORITY),
    "certs:renewal_run_progress": read(on=AUTHORITY),
    "certs:renewal_run_change": deed(I, on=AUTHORITY),
    "certs:crl_file": Opens(ANYBODY),
    "certs:issuer_file": Opens(ANYBODY),
    "certs:ocsp_post": deed(ANYBODY),
    "certs:ocsp_post_slash": deed(ANYBODY),
    "certs:ocsp_get": Opens(ANYBODY),
}
CERTIFICATES = {
    "certs:inspection_show": page(V),
    "certs:bundle_show": page(V),
    "certs:certificate_way": read(on=AUTHORITY, absent=True),
    "certs:certificate_list": read(),
    "certs:certificate_export_csv": read(),
    "certs:certificate_export_json": read(),
    "certs:certificate_new": page(I),
    "certs:certificate_preview": deed(I),
    "certs:certificate_import": page(I),
    "certs:certdb_import": page(AD),
    "certs:import_result": read(absent=True),
    "certs:certificates_revoke": page(I),
    "certs:certificate_revoke": page(I, on=AUTHORITY),
    "certs:certificate_release": page(I, on=AUTHORITY),
    "certs:certificate_show": read(on=AUTHORITY),
    "certs:certificate_renew": page(I, on=AUTHORITY),
    "certs:renewal_preview": deed(I, on=AUTHORITY),
    "certs:certificate_keep": deed(I, on=AUTHORITY),
    "certs:certificate_file": page(V, on=AUTHORITY),
    "certs:certificate_form": read(on=AUTHORITY),
    "certs:certificate_keystore": deed(I, on=AUTHORITY),
    "certs:certificate_truststore": deed(V, on=AUTHORITY),
    "certs:certificate_bundle": deed(I, on=AUTHORITY),
    "certs:certificate_secret": deed(I, on=AUTHORITY),
    "certs:certificate_configmap": read(on=AUTHORITY),
    "certs:request_list": read(),
    "certs:request_new": page(RQ),
    "certs:request_preview": deed(RQ),
    "certs:own_request_list": read(),
    "certs:own_request_new": page(RQ),
    "certs:own_request_answer": page(RQ),
    "certs:own_request_show": read(),
    "certs:own_request_csr": read(),
    # It was made by somebody else, so that being a requester is not enough.
    "certs:own_request_key": deed(I),
    "certs:own_request_drop": page(I),
    "certs:request_show": read(on=AUTHORITY),
    "certs:request_compare": deed(AP, on=AUTHORITY),
    "certs:request_sign": deed(AP, on=AUTHORITY),
    "certs:request_approve": deed(AP, on=AUTHORITY),
    "certs:request_reject": deed(AP, on=AUTHORITY),
}
CLUSTERS = {
    "clusters:cluster_list": read(),
    "clusters:cluster_new": page(AD),
    "clusters:cluster_show": read(on=CLUSTER),
    "clusters:apiservice_table": read(on=CLUSTER),
    "clusters:cluster_pulse": read(on=CLUSTER),
    "clusters:cluster_test": Opens(OP, on=CLUSTER),
    "clusters:cluster_role": read(on=CLUSTER),
    "clusters:cluster_edit": page(AD, on=CLUSTER),
    "clusters:cluster_trust": deed(AD, on=CLUSTER),
    "clusters:cluster_reconnect": page(AD, on=CLUSTER),
    "clusters:cluster_delete": page(AD, on=CLUSTER),
    "clusters:doctor_show": read(on=CLUSTER),
    "clusters:doctor_board": read(on=CLUSTER),
    "clusters:doctor_ask": deed(OP, on=CLUSTER),
    "clusters:finding_list": read(on=CLUSTER),
    "clusters:finding_mute": page(OP, on=CLUSTER),
    "clusters:finding_unmute": deed(OP, on=CLUSTER),
    "clusters:drift_show": read(on=CLUSTER),
    "clusters:drift_board": read(on=CLUSTER),
    "clusters:rotation_list": read(on=CLUSTER),
    "clusters:rotation_new": page(OP, on=CLUSTER),
    "clusters:rotation_show": read(on=CLUSTER),
    "clusters:rotation_board": read(on=CLUSTER),
    "clusters:rotation_do": deed(OP, on=CLUSTER),
    "clusters:rotation_seen": deed(OP, on=CLUSTER),
    "clusters:rotation_on": deed(OP, on=CLUSTER),
    "clusters:rotation_override": page(OP, on=CLUSTER),
    "clusters:rotation_back": page(OP, on=CLUSTER),
    "clusters:rotation_stop": page(OP, on=CLUSTER),
    "clusters:rotation_file": page(V, on=CLUSTER, absent=True),
    "clusters:apiservice_new": page(OP, on=CLUSTER),
    "clusters:apiservice_show": read(on=CLUSTER),
    "clusters:apiservice_news": read(on=CLUSTER),
    "clusters:apiservice_delete": page(OP, on=CLUSTER),
    "clusters:bundle_repair": page(OP, on=CLUSTER),
    "clusters:secret_repair": page(OP, on=CLUSTER),
    "clusters:secret_watch": Opens(OP, on=CLUSTER, absent=True),
    "clusters:secret_pickup": Opens(OP, on=CLUSTER, absent=True),
    "snippets:flags_show": read(),
    "snippets:flags_download": read(),
    "snippets:extension_new": page(V),
    "snippets:extension_preview": deed(V),
    "snippets:extension_take": deed(I),
    "snippets:cluster_extension_new": page(V, on=CLUSTER),
    "snippets:cluster_extension_preview": deed(V, on=CLUSTER),
    "snippets:cluster_extension_take": deed(I),
    "snippets:cluster_extension_apply": deed(OP, on=CLUSTER),
    "snippets:extension_show": read(on=CLUSTER),
    "snippets:extension_progress": read(on=CLUSTER),
    "snippets:extension_change": deed(OP, on=CLUSTER),
    "snippets:extension_remove": page(OP, on=CLUSTER),
}
NOTICES = {
    "notices:notice_list": read(),
    "notices:delivery_retry": deed(AD),
    "notices:channel_new": page(AD),
    "notices:channel_edit": page(AD),
    "notices:channel_test": deed(AD),
    "notices:channel_delete": page(AD),
    "notices:policy_list": read(),
    "notices:policy_edit_others": page(AD),
    "notices:policy_edit": page(AD, on=AUTHORITY),
    "notices:calendar_show": read(),
    "notices:calendar_make": deed(V),
    "notices:calendar_end": deed(V),
    "notices:calendar_feed": Opens(ANYBODY, absent=True),
}
TABLE = PORTAL | ACCOUNTS | AUTHORITIES | CERTIFICATES | CLUSTERS | NOTICES
