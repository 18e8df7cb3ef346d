"""ConfigMap kube-system/extension-apiserver-authentication: what extension API servers trust.

It is a union over all kube-apiservers: what one of them publishes stays until the ConfigMap is
deleted, even after the flag is gone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aggportal.pki.errors import PkiError
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.reading import read_certificates
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

CONFIG_MAP = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
CLIENT_CA = "client-ca-file"
REQUESTHEADER_CA = "requestheader-client-ca-file"
ALLOWED_NAMES = "requestheader-allowed-names"
USERNAME_HEADERS = "requestheader-username-headers"
GROUP_HEADERS = "requestheader-group-headers"
EXTRA_PREFIXES = "requestheader-extra-headers-prefix"
UID_HEADERS = "requestheader-uid-headers"


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthConfig:
    """The ConfigMap's `data`, read. `unread` says what could not be, by key, and why.

    Names and headers are empty where the key is absent. Absent requestheader CAs mean that no
    kube-apiserver has --requestheader-client-ca-file.
    """

    client_cas: tuple[CertificateFacts, ...] = ()
    requestheader_cas: tuple[CertificateFacts, ...] = ()
    has_requestheader: bool = False
    allowed_names: tuple[str, ...] = ()
    username_headers: tuple[str, ...] = ()
    group_headers: tuple[str, ...] = ()
    extra_prefixes: tuple[str, ...] = ()
    uid_headers: tuple[str, ...] = ()
    unread: tuple[tuple[str, Sentence], ...] = ()

    @property
    def odd(self) -> tuple[Sentence, ...]:
        """Why keys could not be read."""
        return tuple(why for _key, why in self.unread)

    def why_unread(self, *keys: str) -> Sentence | None:
        """Why one of `keys` could not be read, None where all were."""
        return next((why for key, why in self.unread if key in keys), None)


def parse_auth_config(document: Mapping[str, Any]) -> AuthConfig:
    """Read a ConfigMap object; never raises."""
    found = document.get("data")
    data = found if isinstance(found, Mapping) else {}
    unread: dict[str, Sentence] = {}
    return AuthConfig(
        client_cas=_certificates(data, CLIENT_CA, unread),
        requestheader_cas=_certificates(data, REQUESTHEADER_CA, unread),
        has_requestheader=bool(data.get(REQUESTHEADER_CA)),
        allowed_names=_texts(data, ALLOWED_NAMES, unread),
        username_headers=_texts(data, USERNAME_HEADERS, unread),
        group_headers=_texts(data, GROUP_HEADERS, unread),
        extra_prefixes=_texts(data, EXTRA_PREFIXES, unread),
        uid_headers=_texts(data, UID_HEADERS, unread),
        unread=tuple(unread.items()),
    )


def _certificates(
    data: Mapping[str, Any], key: str, unread: dict[str, Sentence]
) -> tuple[CertificateFacts, ...]:
    text = data.get(key)
    if text is None or text == "":
        return ()
    try:
        return read_certificates(text if isinstance(text, str) else "", field=key)
    except PkiError as refused:
        unread[key] = refused.sentence
        return ()


def _texts(data: Mapping[str, Any], key: str, unread: dict[str, Sentence]) -> tuple[str, ...]:
    """A JSON array written as text, as kube-apiserver writes it."""
    text = data.get(key)
    if text is None:
        return ()
    try:
        values = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        unread[key] = Sentence(text=_n("%(key)s is no JSON array of texts."), params={"key": key})
        return ()
    return tuple(values)
