"""Whom our own credentials name, for clusters that do not say who we are (before 1.28)."""

from __future__ import annotations

import base64
import json

from aggportal.kube.connections import BearerToken, ClientCertificate, Connection
from aggportal.pki.errors import PkiError
from aggportal.pki.reading import read_certificates

_ACCOUNT = "system:serviceaccount:"


def name_in(connection: Connection) -> str:
    """The CN of a client certificate, or the service account in a token; empty where neither."""
    match connection.auth:
        case ClientCertificate(certificate_pem=pem):
            try:
                return read_certificates(pem)[0].common_name
            except PkiError:
                return ""
        case BearerToken(token=token):
            return _subject(token)
    return ""


def _subject(token: str) -> str:
    """`sub` of a JWT (RFC 7519) where it names a service account; nothing of it is verified."""
    parts = token.split(".")
    if len(parts) != 3:
        return ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=="))
    except (ValueError, RecursionError):
        return ""
    found = claims.get("sub") if isinstance(claims, dict) else None
    return found if isinstance(found, str) and found.startswith(_ACCOUNT) else ""
