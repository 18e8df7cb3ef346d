"""Registering an APIService: the spec that a person asks for, its rules, and the manifest.

The rules are those of kube-aggregator's validation (apiregistration.k8s.io/v1), said before the
server says them, and three of our own, because whoever may write APIServices can take over any API
group and read its users' requests: TLS is always verified, groups of Kubernetes itself are never
registered, and APIServices that Kubernetes manages are neither replaced nor deleted.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aggportal.kube.apiservices import APISERVICES_PATH, APIService, parse_apiservice
from aggportal.kube.client import ApiClient
from aggportal.kube.connections import require_certificates
from aggportal.kube.errors import (
    Conflict,
    InvalidConnection,
    InvalidRegistration,
    InvalidRegistrations,
    TakeoverRefused,
)
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DNS_1123_LABEL = re.compile(_LABEL)
_DNS_1123_SUBDOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_DNS_1035_LABEL = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")

BUILT_IN_GROUPS = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "auditregistration.k8s.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "extensions",
        "flowcontrol.apiserver.k8s.io",
        "imagepolicy.k8s.io",
        "internal.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "settings.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """An aggregated APIService as asked for. `ca_bundle` is PEM; None means the system's roots.

    There is no way to ask for `insecureSkipTLSVerify`.
    """

    group: str
    version: str
    service_namespace: str
    service_name: str
    service_port: int = 443
    group_priority_minimum: int = 1000
    version_priority: int = 15
    ca_bundle: bytes | None = None

    @property
    def name(self) -> str:
        return f"{self.version}.{self.group}"


def build_manifest(registration: Registration) -> dict[str, Any]:
    """The APIService object to apply; the registration is checked first (`require_valid`)."""
    require_valid(registration)
    spec: dict[str, Any] = {
        "group": registration.group,
        "version": registration.version,
        "groupPriorityMinimum": registration.group_priority_minimum,
        "versionPriority": registration.version_priority,
        "service": {
            "namespace": registration.service_namespace,
            "name": registration.service_name,
            "port": registration.service_port,
        },
    }
    if registration.ca_bundle is not None:
        spec["caBundle"] = base64.b64encode(registration.ca_bundle).decode("ascii")
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": registration.name},
        "spec": spec,
    }


def require_valid(registration: Registration) -> None:
    """Refuse what the API or we would refuse; InvalidRegistrations names every field at once."""
    problems: list[InvalidRegistration] = []
    for check in _CHECKS:
        try:
            check(registration)
        except InvalidRegistration as problem:
            problems.append(problem)
    if problems:
        raise InvalidRegistrations(problems)


def require_may_register(registration: Registration, *, existing: APIService | None) -> None:
    """Refuse a change of an APIService that Kubernetes manages or serves itself."""
    require_valid(registration)
    if existing is not None:
        _require_ours(existing)


def require_may_delete(existing: APIService) -> None:
    """Refuse to delete what Kubernetes manages.

    A built-in one would stay away until kube-apiserver restarts, one of a
    CustomResourceDefinition would come back within seconds.
    """
    _require_ours(existing)


def require_may_repair(existing: APIService) -> None:
    """Refuse to change what Kubernetes manages: it would be changed back, or break."""
    _require_ours(existing)


def register(
    client: ApiClient, registration: Registration, *, seen: APIService | None, dry_run: bool
) -> APIService:
    """Create it, or replace the one that was `seen`; Conflict when its spec changed meanwhile.

    Its status may change, as it does by itself; labels and annotations of others stay. Server-side
    apply is not used: kube-apiserver 1.20 panics on it for this type.
    """
    require_may_register(registration, existing=seen)
    manifest = build_manifest(registration)
    if seen is None:
        return parse_apiservice(client.create(APISERVICES_PATH, manifest, dry_run=dry_run))
    path = f"{APISERVICES_PATH}/{registration.name}"
    present = client.get_json(path)
    found = parse_apiservice(present)
    require_may_register(registration, existing=found)
    if _asked(found) != _asked(seen):
        text = _n("%(name)s was changed by someone else meanwhile.")
        raise Conflict(text, status=409, reason="Conflict", name=seen.name)
    kept = present.get("metadata")
    manifest["metadata"] = kept if isinstance(kept, dict) else {}
    return parse_apiservice(client.replace(path, manifest, dry_run=dry_run))


def _asked(service: APIService) -> tuple[object, ...]:
    """What somebody asked for, without what the cluster found out."""
    return (
        service.uid,
        service.service,
        service.group_priority_minimum,
        service.version_priority,
        service.insecure_skip_tls_verify,
        service.ca_bundle,
    )


def unregister(client: ApiClient, seen: APIService, *, dry_run: bool = False) -> None:
    """Delete the APIService that was `seen`, and no other that took its name since (Conflict)."""
    require_may_delete(seen)
    client.delete(f"{APISERVICES_PATH}/{seen.name}", uid=seen.uid, dry_run=dry_run)


def _require_ours(existing: APIService) -> None:
    if existing.automanaged is None and not existing.is_local:
        return
    if existing.group in BUILT_IN_GROUPS or existing.automanaged == "onstart":
        text = _n("%(name)s is part of Kubernetes itself; without it the cluster breaks.")
        remedy = None
    else:
        text = _n("%(name)s is managed by Kubernetes for a CustomResourceDefinition.")
        remedy = Sentence(text=_n("Change or delete the CustomResourceDefinition instead."))
    raise TakeoverRefused(text, field="name", name=existing.name, remedy=remedy)


def _check_group(registration: Registration) -> None:
    group = registration.group
    if group in BUILT_IN_GROUPS:
        raise InvalidRegistration(
            _n("The group %(group)s belongs to Kubernetes; registering it would take it over."),
            field="group",
            group=group or '""',
        )
    if len(group) > 253 or not _DNS_1123_SUBDOMAIN.fullmatch(group):
        raise InvalidRegistration(
            _n("A group is a domain name in lower case, as in metrics.example.com."),
            field="group",
        )


def _check_version(registration: Registration) -> None:
    if not _DNS_1035_LABEL.fullmatch(registration.version):
        raise InvalidRegistration(
            _n("A version is one lower-case word that begins with a letter, as in v1alpha1."),
            field="version",
        )


def _check_namespace(registration: Registration) -> None:
    if not _DNS_1123_LABEL.fullmatch(registration.service_namespace):
        raise InvalidRegistration(
            _n("A namespace is one word of lower-case letters, digits and hyphens."),
            field="service_namespace",
        )


def _check_service(registration: Registration) -> None:
    if not _DNS_1123_LABEL.fullmatch(registration.service_name):
        raise InvalidRegistration(
            _n("A Service's name is one word of lower-case letters, digits and hyphens."),
            field="service_name",
        )


def _check_port(registration: Registration) -> None:
    _require_between(registration.service_port, 1, 65535, field="service_port")


def _check_group_priority(registration: Registration) -> None:
    _require_between(registration.group_priority_minimum, 1, 20000, field="group_priority_minimum")


def _check_version_priority(registration: Registration) -> None:
    _require_between(registration.version_priority, 1, 1000, field="version_priority")


def _check_ca_bundle(registration: Registration) -> None:
    """Kubernetes takes any bytes here and fails later, on every request."""
    if registration.ca_bundle is None:
        return
    try:
        require_certificates(registration.ca_bundle.decode("ascii"), field="ca_bundle")
    except UnicodeDecodeError as exc:
        raise InvalidRegistration(_n("This is no PEM certificate."), field="ca_bundle") from exc
    except InvalidConnection as exc:
        params: dict[str, Any] = dict(exc.sentence.params)
        raise InvalidRegistration(exc.sentence.text, field="ca_bundle", **params) from exc


def _require_between(value: int, least: int, most: int, *, field: str) -> None:
    if not least <= value <= most:
        raise InvalidRegistration(
            _n("This must be between %(least)d and %(most)d."), field=field, least=least, most=most
        )


_CHECKS: tuple[Callable[[Registration], None], ...] = (
    _check_group,
    _check_version,
    _check_namespace,
    _check_service,
    _check_port,
    _check_group_priority,
    _check_version_priority,
    _check_ca_bundle,
)
