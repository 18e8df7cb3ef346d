"""Which deeds need a recent proof: read from the URLconf, so that none is left out unseen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from aggportal.accounts import confirming
from aggportal.accounts.models import User

# The value of the button `do` that does something; "" where the form has one deed.
NEEDS_PROOF = {
    "accounts:factor_remove": "",
    "accounts:factors_take": "",
    "accounts:grant_give": "",
    "accounts:grant_take": "",
    "accounts:passkey_add": "",
    "accounts:person_add": "",
    "accounts:person_close": "",
    "accounts:person_renew": "",
    "accounts:person_reopen": "",
    "accounts:recovery_codes_make": "",
    "accounts:totp_add": "",
    "certs:authority_cross": "",
    "certs:authority_cross_request": "",
    "certs:authority_import": "",
    "certs:authority_import_choose": "",
    "certs:authority_key": "",
    "certs:authority_mode": "",
    "certs:authority_names": "",
    "certs:authority_new": "create",
    "certs:authority_renew": "",
    "certs:authority_renewal_request": "",
    "certs:authority_retire": "",
    "certs:authority_succeed": "create",
    "certs:certificate_bundle": "",
    "certs:certificate_file": "",
    "certs:certificate_keystore": "",
    "certs:certificate_release": "",
    "certs:certificate_revoke": "",
    "certs:certificate_secret": "",
    "certs:certificates_revoke": "",
    "certs:crl_change": "",
    "certs:key_export_approve": "",
    "certs:key_export_ask": "",
    "certs:own_request_drop": "",
    "certs:own_request_key": "",
    "certs:profile_edit": "save",
    "certs:request_approve": "",
    "certs:request_reject": "",
    "certs:request_sign": "sign",
    "clusters:apiservice_delete": "",
    "clusters:apiservice_new": "apply",
    "clusters:bundle_repair": "apply",
    "clusters:cluster_delete": "",
    "clusters:cluster_edit": "",
    "clusters:cluster_new": "",
    "clusters:cluster_reconnect": "",
    "clusters:cluster_trust": "",
    "clusters:rotation_back": "",
    "clusters:rotation_do": "",
    "clusters:rotation_file": "",
    "clusters:rotation_new": "",
    "clusters:rotation_on": "",
    "clusters:rotation_override": "",
    "clusters:rotation_stop": "",
    "clusters:secret_repair": "apply",
    "snippets:cluster_extension_apply": "apply",
    "snippets:cluster_extension_take": "",
    "snippets:extension_change": "",
    "snippets:extension_remove": "",
    "snippets:extension_take": "",
}
View = Callable[..., Any]


def _views(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, View]]:
    for each in resolver.url_patterns:
        if isinstance(each, URLPattern):
            yield f"{prefix}{each.name}", each.callback
        else:
            yield from _views(each, f"{prefix}{each.namespace}:" if each.namespace else prefix)


def _guard(view: View) -> View | None:
    """The decorator itself, beneath those of roles and methods."""
    while view.__code__.co_filename != confirming.__file__:
        if not hasattr(view, "__wrapped__"):
            return None
        view = view.__wrapped__
    return view


VIEWS = {
    name: view
    for name, view in _views(get_resolver())
    if getattr(view, "needs_confirmation", False)
}


def test_what_needs_a_proof_is_what_the_table_says() -> None:
    assert set(VIEWS) >= set(NEEDS_PROOF)
    unlisted = set(VIEWS) - set(NEEDS_PROOF)
    assert not unlisted, "enter these into the table"


@pytest.mark.parametrize("name", sorted(NEEDS_PROOF))
def test_each_asks_when_the_sign_in_is_old(name: str, viewer: User, rf: RequestFactory) -> None:
    guard = _guard(VIEWS[name])
    assert guard is not None
    request = rf.post("/somewhere/", {"do": NEEDS_PROOF[name], "typed": "kept"})
    request.user, request.session = viewer, SessionStore()
    request.session[confirming.CONFIRMED_AT] = int(time.time()) - 301
    answer = guard(request)  # a view would miss its arguments
    assert answer.status_code == 403
    assert 'name="typed"' in answer.content.decode()


@pytest.mark.parametrize("name", sorted(name for name, do in NEEDS_PROOF.items() if do))
def test_none_asks_of_who_only_looks(name: str, viewer: User, rf: RequestFactory) -> None:
    guard = _guard(VIEWS[name])
    assert guard is not None
    looks = {"certs:request_sign": "show", "clusters:secret_repair": "try"}
    request = rf.post("/somewhere/", {"do": looks.get(name, "follow")})
    request.user, request.session = viewer, SessionStore()
    with pytest.raises(TypeError, match="argument"):
        guard(request, another="argument")  # the view is reached, and knows no such argument
