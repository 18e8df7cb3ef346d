"""A real control plane on loopback: etcd, kube-apiserver, and the sample extension API server.

The programs are found where envtest looks: KUBEBUILDER_ASSETS, else /usr/local/kubebuilder/bin.
Every instance has a folder, free ports and an authority of its own, so several can run at once.
Only processes that were started here are ended, through their handles.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aggportal.kube.client import ApiClient, Timeouts
from aggportal.kube.connections import ClientCertificate, Connection
from aggportal.kube.egress import EgressPolicy
from aggportal.kube.errors import KubeError
from tests.kube.tls import Pair, TestAuthority

START_SECONDS = 90.0
STOP_SECONDS = 10.0
_PROGRAMS = ("etcd", "kube-apiserver", "sample-apiserver")
_AUDIT_POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n"


def programs_directory() -> Path:
    return Path(os.environ.get("KUBEBUILDER_ASSETS", "/usr/local/kubebuilder/bin"))


def missing_programs() -> list[str]:
    """Which of the programs cannot be run here."""
    where = programs_directory()
    return [name for name in _PROGRAMS if not os.access(where / name, os.X_OK)]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass(kw_only=True)
class Program:
    """One program and its log; `start` and `stop` may be repeated."""

    name: str
    log: Path
    flags: Sequence[str] = ()
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            command = [str(programs_directory() / self.name), *self.flags]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.log.parent)

    def require_running(self) -> None:
        if self.process is None or self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended:\n{self.tail()}")

    def stop(self, *, kill: bool = False) -> None:
        """End it: politely, or as a power cut would."""
        if self.process is None:
            return
        if not kill:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                kill = True
        if kill:
            self.process.kill()
            self.process.wait()
        self.process = None

    def tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-25:])


@dataclass(kw_only=True)
class ControlPlane:
    """etcd and kube-apiserver. `flags` are added to kube-apiserver's; `authority` signs its
    serving certificate and is its client CA at once."""

    directory: Path
    flags: Sequence[str] = ()
    authority: TestAuthority = field(
        default_factory=lambda: TestAuthority(common_name="kubernetes-ca")
    )

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port, self.etcd_url = free_port(), f"http://127.0.0.1:{free_port()}"
        self.etcd = Program(
            name="etcd", log=self.directory / "etcd.log", flags=self._etcd_flags(free_port())
        )
        self.apiserver = Program(name="kube-apiserver", log=self.directory / "kube-apiserver.log")
        self.extensions: list[ExtensionServer] = []
        self.admin = self.authority.client("e2e-admin", "system:masters")

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.etcd.start()
        self.start_apiserver()

    def start_apiserver(self, flags: Sequence[str] | None = None) -> None:
        """Start kube-apiserver, with other `flags` if given, and wait until it is ready."""
        self.flags = self.flags if flags is None else flags
        self.apiserver.flags = [*self._apiserver_flags(), *self.flags]
        self.apiserver.start()
        self.wait_until_ready()

    def stop_apiserver(self, *, kill: bool = False) -> None:
        self.apiserver.stop(kill=kill)

    def stop(self) -> None:
        for extension in self.extensions:
            extension.stop()
        self.apiserver.stop()
        self.etcd.stop()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        client = self.client()
        while True:
            self.etcd.require_running()
            self.apiserver.require_running()
            try:
                if client.get_raw("/readyz").status == 200:
                    return
            except KubeError:
                pass
            if time.monotonic() > deadline:
                raise AssertionError(f"kube-apiserver is not ready:\n{self.apiserver.tail()}")
            time.sleep(0.2)

    def connection(self, pair: Pair | None = None) -> Connection:
        """A connection as the admin, or with a pair of `authority.client(CN, *O)`."""
        pair = pair or self.admin
        auth = ClientCertificate(certificate_pem=pair.certificate_pem, key_pem=pair.key_pem)
        return Connection(server=self.url, ca_pem=self.authority.pem, auth=auth)

    def client(self, pair: Pair | None = None) -> ApiClient:
        return ApiClient(self.connection(pair), egress=EgressPolicy(), timeouts=Timeouts(total=20))

    def kubeconfig(self, pair: Pair | None = None) -> dict[str, Any]:
        """A kubeconfig object; written as JSON it is a kubeconfig file."""

        def encoded(text: str) -> str:
            return base64.b64encode(text.encode()).decode()

        pair = pair or self.admin
        data = encoded(self.authority.pem)
        cluster = {"server": self.url, "certificate-authority-data": data}
        user = {
            "client-certificate-data": encoded(pair.certificate_pem),
            "client-key-data": encoded(pair.key_pem),
        }
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "e2e", "cluster": cluster}],
            "users": [{"name": "e2e", "user": user}],
            "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": "e2e"}}],
            "current-context": "e2e",
        }

    def ensure_namespace(self, name: str) -> None:
        client = self.client()
        if client.get_raw(f"/api/v1/namespaces/{name}").status == 404:
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            client.create("/api/v1/namespaces", body)

    def expose_on_loopback(self, namespace: str, name: str) -> None:
        """A Service that leads to this machine: register the APIService with the backend's port.

        kube-apiserver refuses this type with --enable-aggregator-routing=true.
        """
        self._create_service(namespace, name, {"type": "ExternalName", "externalName": "localhost"})

    def expose_by_endpoints(self, namespace: str, name: str, *, address: str, port: int) -> None:
        """A Service on port 443 whose only endpoint is `address:port`; for aggregator routing."""
        ports = [{"name": "https", "port": 443, "targetPort": port}]
        self._create_service(namespace, name, {"ports": ports})
        subset = {"addresses": [{"ip": address}], "ports": [{"name": "https", "port": port}]}
        body = {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": {"name": name, "namespace": namespace},
            "subsets": [subset],
        }
        self.client().create(f"/api/v1/namespaces/{namespace}/endpoints", body)

    def _create_service(self, namespace: str, name: str, spec: dict[str, Any]) -> None:
        self.ensure_namespace(namespace)
        metadata = {"name": name, "namespace": namespace}
        body = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
        self.client().create(f"/api/v1/namespaces/{namespace}/services", body)

    def _etcd_flags(self, peer_port: int) -> list[str]:
        peer = f"http://127.0.0.1:{peer_port}"
        return [
            f"--data-dir={self.directory / 'etcd'}",
            f"--listen-client-urls={self.etcd_url}",
            f"--advertise-client-urls={self.etcd_url}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
        ]

    def _apiserver_flags(self) -> list[str]:
        serving = self.authority.serving("kubernetes", "localhost", "127.0.0.1")
        ca = write_file(self.directory / "ca.crt", self.authority.pem)
        account_key = write_file(self.directory / "service-account.key", self.authority.key_pem)
        return [
            f"--etcd-servers={self.etcd_url}",
            f"--secure-port={self.port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.96.0.0/16",
            f"--client-ca-file={ca}",
            f"--tls-cert-file={write_file(self.directory / 'tls.crt', serving.certificate_pem)}",
            f"--tls-private-key-file={write_file(self.directory / 'tls.key', serving.key_pem)}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={account_key}",
            f"--service-account-signing-key-file={account_key}",
            f"--cert-dir={self.directory / 'made'}",
        ]


@dataclass(kw_only=True)
class ExtensionServer:
    """The sample extension API server: group wardle.example.com, v1alpha1 with flunders.

    It trusts what `extension-apiserver-authentication` says. `audit_log` holds a JSON line per
    request, with the name of the user that reached it. `address` is where it listens.
    """

    plane: ControlPlane
    serving: Pair
    address: str = "127.0.0.1"
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.directory = self.plane.directory / f"extension-{self.port}"
        self.directory.mkdir()
        self.audit_log = self.directory / "audit.log"
        self.program = Program(
            name="sample-apiserver",
            log=self.directory / "sample-apiserver.log",
            flags=self._flags(),
        )
        self.plane.extensions.append(self)

    def start(self) -> None:
        """Start it and wait until it listens."""
        self.program.start()
        deadline = time.monotonic() + START_SECONDS
        while True:
            self.program.require_running()
            try:
                socket.create_connection((self.address, self.port), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise AssertionError(self.program.tail()) from None
                time.sleep(0.1)

    def stop(self, *, kill: bool = False) -> None:
        self.program.stop(kill=kill)

    def _flags(self) -> list[str]:

        where = self.directory
        kubeconfig = write_file(where / "kubeconfig", json.dumps(self.plane.kubeconfig()))
        return [
            f"--secure-port={self.port}",
            f"--bind-address={self.address}",
            f"--etcd-servers={self.plane.etcd_url}",
            f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            f"--tls-cert-file={write_file(where / 'tls.crt', self.serving.certificate_pem)}",
            f"--tls-private-key-file={write_file(where / 'tls.key', self.serving.key_pem)}",
            f"--audit-policy-file={write_file(where / 'policy.yaml', _AUDIT_POLICY)}",
            f"--audit-log-path={self.audit_log}",
        ]


def write_file(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path
