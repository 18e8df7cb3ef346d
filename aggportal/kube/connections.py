"""How one cluster is reached: server, certificate authority, credentials.

Validated, sealable, silent about secrets. Nothing here opens a connection. `dump_connection` gives
bytes to encrypt; `load_connection` checks them again, so that a changed record cannot smuggle in
what a form would refuse.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from aggportal.kube.errors import InvalidConnection
from aggportal.kube.servers import is_dns_name, parse_server
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

MAX_PEM = 65_536
MAX_TOKEN = 16_384
SERVICE_ACCOUNT_DIRECTORY = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_TOKEN = re.compile(r"[\x21-\x7e]+")
_FORMAT = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class BearerToken:
    """A token sent as `Authorization: Bearer …`."""

    token: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientCertificate:
    """A TLS client certificate and its unencrypted private key, both PEM."""

    certificate_pem: str
    key_pem: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceAccount:
    """The pod's own account. Its token is read anew at every use, since the kubelet rotates it."""


Auth = BearerToken | ClientCertificate | ServiceAccount


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """One API server and how we log in.

    `ca_pem` None means the system's roots; `tls_server_name` replaces the name that the server's
    certificate is checked for. InvalidConnection names the field that is wrong.
    """

    server: str
    auth: Auth
    ca_pem: str | None = None
    tls_server_name: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "server", parse_server(self.server).url)
        if self.ca_pem is not None:
            require_certificates(self.ca_pem, field="ca_pem")
        if self.tls_server_name is not None and not is_dns_name(self.tls_server_name):
            raise InvalidConnection(
                _n("This is no DNS name: %(value)s"),
                field="tls_server_name",
                value=self.tls_server_name,
            )
        _require_auth(self.auth)


def from_token(server: str, ca_pem: str | None, token: str) -> Connection:
    """A connection from three pasted values. Empty `ca_pem` means the system's roots."""
    ca_pem = (ca_pem or "").strip()
    return Connection(
        server=server.strip(),
        ca_pem=ca_pem + "\n" if ca_pem else None,
        auth=BearerToken(token=token.strip()),
    )


def in_cluster(
    environ: Mapping[str, str] | None = None, directory: Path | None = None
) -> Connection:
    """The pod's own service account (KUBERNETES_SERVICE_HOST, …_PORT and the mounted `ca.crt`)."""
    environ = os.environ if environ is None else environ
    directory = SERVICE_ACCOUNT_DIRECTORY if directory is None else directory
    host, port = (
        environ.get("KUBERNETES_SERVICE_HOST", ""),
        environ.get("KUBERNETES_SERVICE_PORT", ""),
    )
    if not host or not port:
        raise InvalidConnection(
            _n("The portal does not run inside a cluster: KUBERNETES_SERVICE_HOST is not set."),
            field="in_cluster",
            remedy=Sentence(text=_n("Connect with a kubeconfig or with server, CA and token.")),
        )
    read_service_account_token(directory)
    host = f"[{host}]" if ":" in host else host
    ca_pem = _read_mounted(directory / "ca.crt", limit=MAX_PEM)
    return Connection(server=f"https://{host}:{port}", ca_pem=ca_pem, auth=ServiceAccount())


def read_service_account_token(directory: Path | None = None) -> str:
    """The mounted token as it is now; InvalidConnection when it is not there or is no token."""
    token = _read_mounted(
        (directory or SERVICE_ACCOUNT_DIRECTORY) / "token", limit=MAX_TOKEN
    ).strip()
    _require_token(token)
    return token


def dump_connection(connection: Connection) -> bytes:
    """JSON bytes to be sealed; they hold secrets."""
    doc: dict[str, Any] = {
        "format": _FORMAT,
        "server": connection.server,
        "ca_pem": connection.ca_pem,
        "tls_server_name": connection.tls_server_name,
    }
    match connection.auth:
        case BearerToken(token=token):
            doc["auth"] = {"kind": "token", "token": token}
        case ClientCertificate(certificate_pem=certificate, key_pem=key):
            doc["auth"] = {"kind": "certificate", "certificate_pem": certificate, "key_pem": key}
        case ServiceAccount():
            doc["auth"] = {"kind": "service-account"}
    return json.dumps(doc, separators=(",", ":"), sort_keys=True).encode()


def load_connection(data: bytes) -> Connection:
    """The connection of `dump_connection`, validated again."""
    try:
        doc = json.loads(data)
        if doc["format"] != _FORMAT:
            raise InvalidConnection(
                _n("The stored connection has an unknown format."), field="connection"
            )
        return Connection(
            server=doc["server"],
            ca_pem=doc["ca_pem"],
            tls_server_name=doc["tls_server_name"],
            auth=_load_auth(doc["auth"]),
        )
    except (ValueError, KeyError, TypeError) as exc:
        raise InvalidConnection(
            _n("The stored connection cannot be read."), field="connection"
        ) from exc


def _load_auth(doc: Mapping[str, str]) -> Auth:
    kind = doc["kind"]
    if kind == "token":
        return BearerToken(token=doc["token"])
    if kind == "certificate":
        return ClientCertificate(certificate_pem=doc["certificate_pem"], key_pem=doc["key_pem"])
    if kind == "service-account":
        return ServiceAccount()
    raise KeyError(kind)


def require_certificates(pem: str, *, field: str) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM text: at least one, no private key among them, at most 64 kB."""
    if len(pem) > MAX_PEM:
        raise InvalidConnection(
            _n("This is larger than %(limit)d kB."), field=field, limit=MAX_PEM // 1024
        )
    if "PRIVATE KEY" in pem:
        raise InvalidConnection(
            _n(
                "This holds a private key; give the certificates only, "
                "and treat that key as known to others."
            ),
            field=field,
        )
    try:
        return tuple(x509.load_pem_x509_certificates(pem.encode()))
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise InvalidConnection(
            _n("This is no PEM certificate; it begins with -----BEGIN CERTIFICATE-----."),
            field=field,
        ) from exc


def _require_auth(auth: Auth) -> None:
    match auth:
        case BearerToken(token=token):
            _require_token(token)
        case ClientCertificate():
            _require_pair(auth)
        case ServiceAccount():
            pass


def _require_token(token: str) -> None:
    if not token:
        raise InvalidConnection(_n("The token is empty."), field="token")
    if len(token) > MAX_TOKEN or not _TOKEN.fullmatch(token):
        raise InvalidConnection(
            _n("A token is one word of printable ASCII characters, without spaces or line breaks."),
            field="token",
        )


def _require_pair(auth: ClientCertificate) -> None:
    certificate = require_certificates(auth.certificate_pem, field="client_certificate")[0]
    if len(auth.key_pem) > MAX_PEM:
        raise InvalidConnection(
            _n("This is larger than %(limit)d kB."), field="client_key", limit=MAX_PEM // 1024
        )
    try:
        public_key = load_pem_private_key(auth.key_pem.encode(), password=None).public_key()
        form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        same = public_key.public_bytes(*form) == certificate.public_key().public_bytes(*form)
    except TypeError as exc:
        raise InvalidConnection(
            _n("The private key is encrypted; give it without a passphrase."), field="client_key"
        ) from exc
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise InvalidConnection(_n("This is no PEM private key."), field="client_key") from exc
    if not same:
        raise InvalidConnection(
            _n("The private key does not belong to the client certificate."), field="client_key"
        )


def _read_mounted(path: Path, *, limit: int) -> str:
    try:
        with path.open(encoding="ascii") as file:
            return file.read(limit + 1)
    except (OSError, ValueError) as exc:
        raise InvalidConnection(
            _n("The pod's service account is not mounted: %(name)s cannot be read."),
            field="in_cluster",
            name=path.name,
        ) from exc
