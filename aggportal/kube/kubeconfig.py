"""Kubeconfigs that a person uploads: an own reader that takes inline values only.

The official loader runs `exec` and `auth-provider` commands and reads the files that the upload
names, all on our server. Here every field that is not known to be a plain value makes its context
unusable, with the reason and the way out; nothing is executed, opened or fetched.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from aggportal.kube.connections import Auth, BearerToken, ClientCertificate, Connection
from aggportal.kube.errors import InvalidConnection, InvalidKubeconfig, KubeError, UnusableContext
from aggportal.kube.strictyaml import load_strictly
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

MAX_ENTRIES = 200
_IGNORED = frozenset({"extensions", "disable-compression"})
_CLUSTER_FIELDS = _IGNORED | {
    "server",
    "certificate-authority-data",
    "tls-server-name",
    "insecure-skip-tls-verify",
}
_USER_FIELDS = _IGNORED | {"token", "client-certificate-data", "client-key-data"}

_MAKE_TOKEN = Sentence(
    text=_n(
        "Use a ServiceAccount token instead: kubectl create token aggportal --namespace aggportal "
        "--duration 8760h, and connect with server, CA and token."
    )
)
_FLATTEN = Sentence(
    text=_n("Upload what this prints: kubectl config view --raw --flatten --minify --context=NAME")
)
_VERIFY = Sentence(
    text=_n("Put the cluster's CA into certificate-authority-data and remove this field.")
)
_RUNS = _n("%(path)s would run a program on our server.")
_READS = _n("%(path)s names a file; it would be read on our server, not on your machine.")
_REFUSED_FIELDS: Mapping[str, tuple[str, Sentence]] = {
    "exec": (_RUNS, _MAKE_TOKEN),
    "auth-provider": (_RUNS, _MAKE_TOKEN),
    "certificate-authority": (_READS, _FLATTEN),
    "client-certificate": (_READS, _FLATTEN),
    "client-key": (_READS, _FLATTEN),
    "tokenFile": (_READS, _MAKE_TOKEN),
    "proxy-url": (
        _n("%(path)s would send our server's requests through a proxy of the file's choice."),
        Sentence(text=_n("Give an address that the portal reaches directly.")),
    ),
    "insecure-skip-tls-verify": (
        _n("%(path)s would switch off the check of who answers; credentials could be stolen."),
        _VERIFY,
    ),
    "username": (_n("%(path)s: Kubernetes takes no passwords since 1.19."), _MAKE_TOKEN),
    "password": (_n("%(path)s: Kubernetes takes no passwords since 1.19."), _MAKE_TOKEN),
}
_IMPERSONATION = (
    _n("%(path)s would act in another's name, so that audit records no longer say who did it."),
    _MAKE_TOKEN,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """One context. `refusal` None means usable; otherwise it says why not, `remedy` what to do."""

    name: str
    cluster: str
    server: str
    user: str
    namespace: str
    refusal: Sentence | None = None
    remedy: Sentence | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Kubeconfig:
    """The contexts of a kubeconfig in their order, and the name of the current one, if any."""

    contexts: tuple[Context, ...]
    current: str | None
    connections: Mapping[str, Connection] = field(repr=False)


def parse_kubeconfig(text: str) -> Kubeconfig:
    """Read a kubeconfig (YAML or JSON, at most 64 kB); InvalidKubeconfig when it is none."""
    doc = load_strictly(text)
    if not isinstance(doc, dict) or "contexts" not in doc or "clusters" not in doc:
        raise InvalidKubeconfig(
            _n("This is no kubeconfig: it has no clusters and contexts."),
        )
    clusters, users = _entries(doc, "clusters", "cluster"), _entries(doc, "users", "user")
    contexts: list[Context] = []
    connections: dict[str, Connection] = {}
    for name, entry in _entries(doc, "contexts", "context").items():
        cluster, user = _text(entry, "cluster"), _text(entry, "user")
        refusal = remedy = None
        try:
            connections[name] = _connection(clusters.get(cluster), users.get(user), cluster, user)
        except KubeError as exc:
            refusal, remedy = exc.sentence, exc.remedy
        contexts.append(
            Context(
                name=name,
                cluster=cluster,
                server=_text(clusters.get(cluster, {}), "server"),
                user=user,
                namespace=_text(entry, "namespace"),
                refusal=refusal,
                remedy=remedy,
            )
        )
    if not contexts:
        raise InvalidKubeconfig(_n("This kubeconfig has no context."))
    current = _text(doc, "current-context")
    return Kubeconfig(
        contexts=tuple(contexts),
        current=current if any(each.name == current for each in contexts) else None,
        connections=MappingProxyType(connections),
    )


def connection_for(kubeconfig: Kubeconfig, context_name: str) -> Connection:
    """The connection of one context; UnusableContext says why there is none."""
    found = next((each for each in kubeconfig.contexts if each.name == context_name), None)
    if found is None:
        raise UnusableContext(
            _n("There is no context %(name)s in this kubeconfig."),
            field="context",
            name=context_name,
        )
    if found.refusal is not None:
        raise UnusableContext(
            found.refusal.text, field="context", remedy=found.remedy, **found.refusal.params
        )
    return kubeconfig.connections[context_name]


def _entries(doc: Mapping[str, object], plural: str, singular: str) -> dict[str, dict[str, object]]:
    """The named entries of one list, `[{name: …, <singular>: {…}}, …]`, by name."""
    listed = doc.get(plural)
    if listed is None:
        return {}
    if not isinstance(listed, list) or len(listed) > MAX_ENTRIES:
        raise InvalidKubeconfig(
            _n("%(path)s must be a list of at most %(limit)d entries."),
            path=plural,
            limit=MAX_ENTRIES,
        )
    entries: dict[str, dict[str, object]] = {}
    for index, item in enumerate(listed):
        path = f"{plural}[{index}]"
        body = item.get(singular) if isinstance(item, dict) else None
        name = item.get("name") if isinstance(item, dict) else None
        if not isinstance(name, str) or not isinstance(body, dict | None):
            raise InvalidKubeconfig(
                _n("%(path)s needs a name and a %(singular)s."), path=path, singular=singular
            )
        if name in entries:
            raise InvalidKubeconfig(
                _n("%(path)s: the name %(name)s stands there twice."), path=path, name=name
            )
        entries[name] = body or {}
    return entries


def _connection(
    cluster: Mapping[str, object] | None,
    user: Mapping[str, object] | None,
    cluster_name: str,
    user_name: str,
) -> Connection:
    if cluster is None:
        raise UnusableContext(_n("There is no cluster %(name)s."), name=cluster_name)
    if user is None:
        raise UnusableContext(_n("There is no user %(name)s."), name=user_name)
    _require_known(cluster, _CLUSTER_FIELDS, path=f"clusters[{cluster_name}]")
    _require_known(user, _USER_FIELDS, path=f"users[{user_name}]")
    if "server" not in cluster:
        raise UnusableContext(_n("The cluster %(name)s has no server."), name=cluster_name)
    return Connection(
        server=_text(cluster, "server"),
        ca_pem=_data(cluster, "certificate-authority-data"),
        tls_server_name=_text(cluster, "tls-server-name") or None,
        auth=_auth(user, user_name),
    )


def _require_known(entry: Mapping[str, object], known: frozenset[str], *, path: str) -> None:
    """Refuse every field that is not a plain value; unknown ones too."""
    for name, value in entry.items():
        if name in known and not (
            name == "insecure-skip-tls-verify" and value not in (False, None)
        ):
            continue
        fallback = (_n("%(path)s is not known to the portal."), _FLATTEN)
        impersonates = name == "as" or name.startswith("as-")
        text, remedy = _IMPERSONATION if impersonates else _REFUSED_FIELDS.get(name, fallback)
        raise UnusableContext(text, remedy=remedy, path=f"{path}.{name}")


def _auth(user: Mapping[str, object], user_name: str) -> Auth:
    """Certificate before token when both are there: so does kube-apiserver."""
    certificate, key = _data(user, "client-certificate-data"), _data(user, "client-key-data")
    if certificate is not None and key is not None:
        return ClientCertificate(certificate_pem=certificate, key_pem=key)
    if certificate is not None or key is not None:
        raise UnusableContext(
            _n("The user %(name)s has only one of client certificate and key."),
            remedy=_FLATTEN,
            name=user_name,
        )
    token = _text(user, "token")
    if not token:
        raise UnusableContext(
            _n("The user %(name)s has neither token nor client certificate."),
            remedy=_MAKE_TOKEN,
            name=user_name,
        )
    return BearerToken(token=token)


def _text(entry: Mapping[str, object], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def _data(entry: Mapping[str, object], name: str) -> str | None:
    """A base64 field holding PEM; None when absent or empty."""
    value = entry.get(name)
    if not value:
        return None
    try:
        return base64.b64decode("".join(str(value).split()), validate=True).decode("ascii")
    except (binascii.Error, ValueError) as exc:
        raise InvalidConnection(_n("%(name)s is no base64 text."), field=name, name=name) from exc
