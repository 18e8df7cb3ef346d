"""A control plane with a backend of the tests' own, and the doctor who looks at both."""

from __future__ import annotations

import base64
import contextlib
import copy
import dataclasses
import datetime as dt
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from aggportal.doctor.examining import examine
from aggportal.doctor.findings import Result, Verdict
from aggportal.doctor.looking import Background
from aggportal.doctor.probing import Probe
from aggportal.kube.apiservices import APISERVICES_PATH, parse_apiservice
from aggportal.kube.client import ApiClient
from aggportal.kube.egress import EgressPolicy
from aggportal.kube.errors import NotFound
from tests.e2e.backend import GROUP, NAME, VERSION, Backend
from tests.e2e.control_plane import ControlPlane, write_file
from tests.kube.tls import Pair, TestAuthority, _name

APISERVICE = f"{APISERVICES_PATH}/{NAME}"
SERVICE = "/api/v1/namespaces/clinic/services/api"
CONFIG_MAP = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
SANS = "api.clinic.svc"
PATIENCE = 45.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Authority(TestAuthority):
    """An authority whose own certificate may live longer, or be over."""

    __test__ = False
    days: tuple[int, int] = (-100, 1000)

    @cached_property
    def certificate(self) -> x509.Certificate:
        builder = self._builder(_name(self.common_name), self.key, days=self.days)
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        return builder.add_extension(constraints, critical=True).sign(self.key, hashes.SHA256())

    def leaf(
        self, common_name: str, usage: x509.ObjectIdentifier, *, days: tuple[int, int]
    ) -> Pair:
        """A certificate for one use, without names."""
        return self._leaf(_name(common_name), usage, days=days)


def no_admission_of_accounts(*flags: str) -> list[str]:
    """Pods may be written without a controller that makes tokens."""
    return ["--disable-admission-plugins=ServiceAccount", *flags]


def front_proxy_flags(
    folder: Path, cas: Sequence[TestAuthority], pair: Pair, **other: str
) -> list[str]:
    """The flags of aggregation; `other` replaces or, where empty, drops some."""
    folder.mkdir(exist_ok=True)
    pem = "".join(ca.pem for ca in cas)
    flags = {
        "requestheader-client-ca-file": str(write_file(folder / "ca.crt", pem)),
        "proxy-client-cert-file": str(write_file(folder / "c.crt", pair.certificate_pem)),
        "proxy-client-key-file": str(write_file(folder / "c.key", pair.key_pem)),
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        **{name.replace("_", "-"): value for name, value in other.items()},
    }
    return no_admission_of_accounts(*(f"--{n}={v}" for n, v in flags.items() if v))


class Clinic:
    """The control plane, the backend behind v1.clinic.example.com, and looks at both."""

    def __init__(self, plane: ControlPlane, backend: Backend, serving: Authority) -> None:
        self.plane, self.backend, self.serving = plane, backend, serving
        self.background = Background(probe=Probe(egress=EgressPolicy()), secrets=True)
        self.client = plane.client()

    def register(self) -> None:
        """Put the backend behind its Service and its APIService."""
        ports = [{"name": "https", "port": self.backend.port, "targetPort": 8443}]
        spec = {"type": "ExternalName", "externalName": "localhost", "ports": ports}
        self.plane.ensure_namespace("clinic")
        self.plane.ensure_namespace("kube-system")
        body: dict[str, Any] = {"kind": "Service", "apiVersion": "v1", "metadata": {"name": "api"}}
        body["spec"] = {**spec, "selector": {"app": "api"}}
        self.client.create("/api/v1/namespaces/clinic/services", body)
        self.client.create(APISERVICES_PATH, apiservice(NAME, self.serving.pem, self.backend.port))

    def restart(self, flags: Sequence[str]) -> None:
        """Other flags for kube-apiserver; what it published before is forgotten."""
        self.plane.stop_apiserver()
        self.plane.start_apiserver(flags)
        self.client = self.plane.client()
        self.client.delete(CONFIG_MAP)

    def look(self, client: ApiClient | None = None, *, subject: str = NAME) -> dict[str, Result]:
        """One examination: the results of the cluster and of one APIService, by check."""
        now = dt.datetime.now(dt.UTC)
        report = examine(client or self.client, now=now, background=self.background)
        return {each.check: each for each in report.results if each.subject in {"", subject}}

    def sees(self, verdict: Verdict, *checks: str, subject: str = NAME) -> dict[str, Result]:
        """Look until all `checks` have this verdict."""
        ends = time.monotonic() + PATIENCE
        while True:
            seen = self.look(subject=subject)
            other = {c: seen.get(c) for c in checks if c not in seen or seen[c].verdict != verdict}
            if not other:
                return seen
            assert time.monotonic() < ends, f"not {verdict}: {other}"
            time.sleep(0.3)

    def finds(self, *checks: str, subject: str = NAME) -> dict[str, Result]:
        return self.sees(Verdict.FOUND, *checks, subject=subject)

    def passes(self, *checks: str, subject: str = NAME) -> dict[str, Result]:
        return self.sees(Verdict.PASSED, *checks, subject=subject)

    @contextlib.contextmanager
    def changed(self, path: str, change: Callable[[dict[str, Any]], None]) -> Iterator[None]:
        """An object otherwise than it was, meanwhile."""
        before = self.write(path, change)

        def restore(document: dict[str, Any]) -> None:
            document.update({name: before[name] for name in ("spec", "data") if name in before})
            document["metadata"]["annotations"] = before["metadata"].get("annotations", {})

        try:
            yield
        finally:
            self.write(path, restore)

    def write(self, path: str, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Change an object and return what it was."""
        document = copy.deepcopy(dict(self.client.get_json(path)))
        before = copy.deepcopy(document)
        change(document)
        self.client.replace(path, document)
        return before

    @contextlib.contextmanager
    def made(self, path: str, *bodies: dict[str, Any]) -> Iterator[None]:
        """Objects that are there meanwhile."""
        try:
            for body in bodies:
                self.client.create(path, body)
            yield
        finally:
            for body in bodies:
                with contextlib.suppress(NotFound):
                    self.client.delete(f"{path}/{body['metadata']['name']}")

    def condition(self, status: str) -> None:
        """Wait until the APIService's condition says so; its Service is touched to hurry it."""
        ends = time.monotonic() + PATIENCE
        while True:
            found = parse_apiservice(self.client.get_json(APISERVICE)).availability
            if found.status == status:
                return
            assert time.monotonic() < ends, found
            self.write(SERVICE, _touch)
            time.sleep(0.5)


def apiservice(name: str, ca_pem: str | None, port: int, **spec: Any) -> dict[str, Any]:
    """An APIService in front of clinic/api."""
    version, _, group = name.partition(".")
    body = {
        "group": group,
        "version": version,
        "groupPriorityMinimum": 1000,
        "versionPriority": 15,
        "service": {"namespace": "clinic", "name": "api", "port": port},
        **({"caBundle": base64.b64encode(ca_pem.encode()).decode()} if ca_pem else {}),
        **spec,
    }
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": name},
        "spec": body,
    }


def _touch(document: dict[str, Any]) -> None:
    annotations = document["metadata"].setdefault("annotations", {})
    annotations["clinic/touched"] = str(time.monotonic())


__all__ = ["GROUP", "NAME", "VERSION", "Authority", "Clinic", "apiservice", "front_proxy_flags"]
