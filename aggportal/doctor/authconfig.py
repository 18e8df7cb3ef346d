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


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthConfig:
    """The ConfigMap's `data`, read. `odd` says what could not be.

    Names and headers are None where the key is absent. Absent requestheader CAs mean that no
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
    odd: tuple[Sentence, ...] = ()


def parse_auth_config(document: Mapping[str, Any]) -> AuthConfig:
    """Read a ConfigMap object; never raises."""
    found = document.get("data")
    data = found if isinstance(found, Mapping) else {}
    odd: list[Sentence] = []
    return AuthConfig(
        client_cas=_certificates(data, "client-ca-file", odd),
        requestheader_cas=_certificates(data, "requestheader-client-ca-file", odd),
        has_requestheader=bool(data.get("requestheader-client-ca-file")),
        allowed_names=_texts(data, "requestheader-allowed-names", odd),
        username_headers=_texts(data, "requestheader-username-headers", odd),
        group_headers=_texts(data, "requestheader-group-headers", odd),
        extra_prefixes=_texts(data, "requestheader-extra-headers-prefix", odd),
        uid_headers=_texts(data, "requestheader-uid-headers", odd),
        odd=tuple(odd),
    )


def _certificates(
    data: Mapping[str, Any], key: str, odd: list[Sentence]
) -> tuple[CertificateFacts, ...]:
    text = data.get(key)
    if not isinstance(text, str) or not text.strip():
        return ()
    try:
        return read_certificates(text, field=key)
    except PkiError as refused:
        odd.append(refused.sentence)
        return ()


def _texts(data: Mapping[str, Any], key: str, odd: list[Sentence]) -> tuple[str, ...]:
    """A JSON array written as text, as kube-apiserver writes it."""
    text = data.get(key)
    if text is None:
        return ()
    try:
        values = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        odd.append(Sentence(text=_n("%(key)s is no JSON array of texts."), params={"key": key}))
        return ()
    return tuple(values)
