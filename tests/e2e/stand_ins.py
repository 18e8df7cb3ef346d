"""What controllers and kubelets do, for one extension API server, since none run here."""

from __future__ import annotations

import base64
import threading
from dataclasses import dataclass, field
from typing import Any

from aggportal.kube.errors import ApiError, KubeError, NotFound
from tests.e2e.control_plane import ControlPlane, ExtensionServer
from tests.kube.tls import Pair


@dataclass(kw_only=True)
class StandIns:
    """Looks every fifth of a second what is to be done in `namespace` for the server `name`.

    It runs the server with the pair from its Secret as soon as the Deployment is there and `rolls`,
    says so in its status, writes the Service's Endpoints, and ends namespaces that are deleted.
    """

    plane: ControlPlane
    namespace: str
    name: str
    address: str
    rolls: bool = False
    server: ExtensionServer | None = None
    troubles: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> StandIns:
        self._client = self.plane.client()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(20)
        if self.server is not None:
            self.server.stop()

    def _run(self) -> None:
        while not self._stop.wait(0.2):
            try:
                self._go_round()
            except NotFound:
                continue
            except (ApiError, KubeError) as error:
                self.troubles.append(str(error))

    def _go_round(self) -> None:
        root = f"/api/v1/namespaces/{self.namespace}"
        self._end_namespace(root)
        deployment = f"/apis/apps/v1/namespaces/{self.namespace}/deployments/{self.name}"
        found: dict[str, Any] = dict(self._client.get_json(deployment))
        if not self.rolls:
            return
        self._run_server(root)
        self._report(deployment, found)
        self._client.get_json(f"{root}/services/{self.name}")
        if self._client.get_raw(f"{root}/endpoints/{self.name}").status == 404:
            self._client.create(f"{root}/endpoints", self._endpoints())

    def _run_server(self, root: str) -> None:
        if self.server is None:
            data = self._client.get_json(f"{root}/secrets/{self.name}-serving")["data"]
            crt, key = (base64.b64decode(data[each]).decode() for each in ("tls.crt", "tls.key"))
            pair = Pair(certificate_pem=crt, key_pem=key)
            self.server = ExtensionServer(plane=self.plane, serving=pair, address=self.address)
            self.server.start()

    def _report(self, path: str, found: dict[str, Any]) -> None:
        count = found["spec"]["replicas"]
        names = ("replicas", "readyReplicas", "availableReplicas", "updatedReplicas")
        status = {**dict.fromkeys(names, count)}
        status["observedGeneration"] = found["metadata"]["generation"]
        if any(found["status"].get(name) != value for name, value in status.items()):
            self._client.replace(f"{path}/status", {**found, "status": status})

    def _endpoints(self) -> dict[str, Any]:
        assert self.server is not None
        ports = [{"name": "https", "port": self.server.port}]
        return {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "subsets": [{"addresses": [{"ip": self.address}], "ports": ports}],
        }

    def _end_namespace(self, root: str) -> None:
        found = dict(self._client.get_json(root))
        if found["metadata"].get("deletionTimestamp"):
            self._client.replace(f"{root}/finalize", {**found, "spec": {"finalizers": []}})
