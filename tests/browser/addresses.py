"""Every page of the portal, taken from its URLconf, so that a new page cannot be left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.urls import URLPattern, URLResolver, get_resolver

NO_PAGE = {
    "healthz": "plain text for machines",
    "readyz": "plain text for machines",
    "accounts:admin/password_change/": "leads to accounts:password_change",
    "accounts:oidc_login": "leads to the provider of single sign-on",
    "accounts:oidc_callback": "the provider of single sign-on leads here, and it leads on",
    "accounts:confirm_provider": "answers POST alone; tests of accounts show its page",
    "accounts:confirm_begin": "leads to the provider of single sign-on",
    "accounts:confirm_go_on": "needs a form that waits; tests of accounts show its page",
    "accounts:login_second": "its page is shown by the journey of signing in",
    "accounts:login_passkey": "answers the browser in JSON, and POST",
    "accounts:factor_remove": "answers POST alone: the form stands on accounts:account_show",
    "accounts:recovery_codes_make": "answers POST alone, with codes shown once",
    "accounts:sessions_end": "answers POST alone, with a redirect",
    "accounts:factors_take": "answers POST alone, with a redirect",
    "accounts:logout": "answers POST alone, with a redirect",
    "accounts:person_add": "answers POST alone; its page is shown by another test",
    "accounts:grant_give": "answers POST alone: the form stands on accounts:person_show",
    "accounts:grant_take": "answers POST alone: the form stands on accounts:person_show",
    "accounts:person_close": "answers POST alone: the form stands on accounts:person_show",
    "accounts:person_reopen": "answers POST alone: the form stands on accounts:person_show",
    "accounts:person_renew": "answers POST alone, with the page of a one-time password",
    "web:theme_choose": "answers POST alone, with a redirect",
    "certs:authority_file": "a file",
    "certs:authority_import_choose": "its page is shown by the journey of an import",
    "certs:import_result": "its page is shown by the journey of an import",
    "certs:authority_mode": "answers POST alone: the form stands on certs:authority_show",
    "certs:authority_names": "answers POST alone: the form stands on certs:authority_show",
    "certs:certificate_export_csv": "a file",
    "certs:certificate_export_json": "a file",
    "certs:certificate_keep": "answers POST alone: the form stands on certs:certificate_show",
    "certs:crl_change": "answers POST alone: the form stands on certs:authority_show",
    "certs:crl_publish": "answers POST alone: the form stands on certs:authority_show",
    "certs:crl_file": "a file, open to everybody",
    "certs:issuer_file": "a file, open to everybody",
    "certs:ocsp_post": "answers in ASN.1, open to everybody",
    "certs:ocsp_post_slash": "answers in ASN.1, open to everybody",
    "certs:ocsp_get": "answers in ASN.1, open to everybody",
    "certs:certificate_preview": "a fragment of certs:certificate_new",
    "certs:certificate_file": "a file",
    "certs:certificate_bundle": "a file",
    "certs:certificate_secret": "a file",
    "certs:certificate_configmap": "a file",
    "certs:certificate_form": "a file",
    "certs:certificate_keystore": "answers POST alone, with a file",
    "certs:certificate_truststore": "answers POST alone, with a file",
    "certs:renewal_preview": "a fragment of certs:certificate_renew",
    "certs:authority_renewal_request": "answers POST alone, with a file",
    "certs:renewal_run_progress": "a fragment of certs:renewal_run_show",
    "certs:renewal_run_change": "answers POST alone: the form stands on certs:renewal_run_show",
    "certs:overlap_file": "a file",
    "certs:key_export_ask": "answers POST alone: the form stands on certs:key_export",
    "certs:key_export_approve": "answers POST alone: the form stands on certs:key_export",
    "certs:key_export_reject": "answers POST alone: the form stands on certs:key_export",
    "certs:authority_retire": "answers POST alone: the form stands on certs:authority_overlap",
    "certs:authority_way": "a file",
    "certs:certificate_way": "a file",
    "certs:authority_cross_request": "answers POST alone, with a file",
    "certs:own_request_csr": "a file",
    "certs:own_request_key": "answers POST alone, with a file",
    "certs:request_preview": "a fragment of certs:request_new",
    "certs:request_compare": "a fragment of certs:request_show",
    "certs:request_sign": "answers POST alone: the form stands on certs:request_show",
    "certs:request_approve": "answers POST alone: the form stands on certs:request_show",
    "certs:request_reject": "answers POST alone: the form stands on certs:request_show",
    "clusters:apiservice_table": "a fragment of clusters:cluster_show",
    "clusters:cluster_pulse": "a fragment of clusters:cluster_show",
    "clusters:apiservice_news": "tells clusters:apiservice_show that something is newer",
    "clusters:cluster_role": "a file",
    "clusters:cluster_trust": "answers POST alone: the form stands on clusters:cluster_edit",
    "clusters:secret_watch": "its page is shown by the journey of a repair",
    "clusters:secret_pickup": "a fragment of clusters:secret_watch",
    "clusters:doctor_board": "a fragment of clusters:doctor_show",
    "clusters:drift_board": "a fragment of clusters:drift_show",
    "clusters:doctor_ask": "answers POST alone, with a redirect",
    "clusters:finding_unmute": "answers POST alone, with a redirect",
    "clusters:rotation_show": "needs a rotation under way; tests of clusters show its page",
    "clusters:rotation_board": "a fragment of clusters:rotation_show",
    "clusters:rotation_do": "answers POST alone: the form stands on clusters:rotation_show",
    "clusters:rotation_seen": "answers POST alone: the form stands on clusters:rotation_show",
    "clusters:rotation_on": "answers POST alone: the form stands on clusters:rotation_show",
    "clusters:rotation_override": "needs a rotation under way; tests of clusters show its page",
    "clusters:rotation_back": "needs a rotation under way; tests of clusters show its page",
    "clusters:rotation_stop": "needs a rotation under way; tests of clusters show its page",
    "clusters:rotation_file": "a file",
    "notices:delivery_retry": "answers POST alone, with a redirect",
    "notices:channel_test": "answers POST alone, with a redirect",
    "notices:calendar_make": "answers POST alone, with an address shown once",
    "notices:calendar_end": "answers POST alone, with a redirect",
    "notices:calendar_feed": "a file",
    "snippets:flags_download": "a file",
    "snippets:extension_preview": "a fragment of snippets:extension_new",
    "snippets:extension_take": "answers POST alone, with a file",
    "snippets:cluster_extension_preview": "a fragment of snippets:cluster_extension_new",
    "snippets:cluster_extension_take": "answers POST alone, with a file",
    "snippets:cluster_extension_apply": "its page is shown by the journey of the studio",
    "snippets:extension_show": "its page is shown by the journey of the studio",
    "snippets:extension_remove": "its page is shown by the journey of the studio",
    "snippets:extension_progress": "a fragment of snippets:extension_show",
    "snippets:extension_change": "answers POST alone: the form stands on snippets:extension_show",
    "ledger:entry_export": "a file",
    "ledger:entry_proof": "a file",
    "ledger:checkpoint_show": "plain text for programs",
    "ledger:verifier_download": "a file",
}
FOREIGN = {"admin": "Django's own pages, in Django's own look"}


def names(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[str]:
    """The full name of every address; an address without one is told by its pattern."""
    for each in (resolver or get_resolver()).url_patterns:
        if isinstance(each, URLPattern):
            yield prefix + (each.name or str(each.pattern))
        elif each.namespace not in FOREIGN:
            yield from names(each, f"{prefix}{each.namespace}:" if each.namespace else prefix)


def uncovered(pages: Mapping[str, str]) -> set[str]:
    """Addresses that are neither among `pages` nor excused."""
    return {name for name in names() if name not in pages and name not in NO_PAGE}
