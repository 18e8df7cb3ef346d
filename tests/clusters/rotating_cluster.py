"""A cluster whose front proxy can be exchanged: its ConfigMap follows a master's file."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field

from aggportal.certs.models import Authority
from aggportal.doctor.authconfig import CONFIG_MAP
from tests.clusters.fake_cluster import FakeCluster, Raw, raw_apiservice
from tests.kube.servers import answer, status_object

API = "v1beta1.metrics.k8s.io"
_PATH = "/apis/metrics.k8s.io/v1beta1"


@dataclass(kw_only=True)
class RotatingCluster(FakeCluster):
    """`file` stands behind --requestheader-client-ca-file; `works`: requests pass; `keeps`: the
    ConfigMap may not be deleted.
    """

    file: str = ""
    works: bool = True
    keeps: bool = False
    names: tuple[str, ...] = ("front-proxy-client",)
    published: Raw | None = None
    deleted: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._uids = (f"uid-{number}" for number in itertools.count(1))
        self.put(raw_apiservice(API))

    def publish(self, *, keeping: str = "") -> None:
        """Write the ConfigMap anew from the file, with what it keeps of before."""
        data = {
            "requestheader-client-ca-file": keeping + self.file,
            "requestheader-allowed-names": json.dumps(list(self.names)),
        }
        uid = self.published["metadata"]["uid"] if self.published else next(self._uids)
        self.published = {"metadata": {"uid": uid}, "data": data}

    def install(self, pem: str) -> None:
        """Put another file in place: what was published stays."""
        before = self.published["data"]["requestheader-client-ca-file"] if self.published else ""
        self.file = pem
        self.publish(keeping="" if before in pem else before)

    def __call__(self, conn, asked) -> None:
        if self.token and asked.headers.get("authorization") != f"Bearer {self.token}":
            super().__call__(conn, asked)
        elif asked.path == CONFIG_MAP:
            self._config_map(conn, asked)
        elif asked.path.startswith(_PATH):
            self._aggregated(conn, asked)
        else:
            super().__call__(conn, asked)

    def _config_map(self, conn, asked) -> None:
        if "configmaps" in self.refuses:
            answer(conn, 403, status_object(403, "Forbidden", "may not read configmaps"))
        elif self.published is None:
            answer(conn, 404, status_object(404, "NotFound", "no such configmap"))
        elif asked.method == "GET":
            answer(conn, 200, self.published)
        elif self.keeps:
            answer(conn, 403, status_object(403, "Forbidden", "may not delete configmaps"))
        elif json.loads(asked.body)["preconditions"]["uid"] != self.published["metadata"]["uid"]:
            answer(conn, 409, status_object(409, "Conflict", "another uid"))
        else:
            self.deleted.append(self.published["metadata"]["uid"])
            self.published = None
            self.publish()
            answer(conn, 200, {"kind": "Status", "status": "Success"})

    def _aggregated(self, conn, asked) -> None:
        if not self.works:
            answer(conn, 401, status_object(401, "Unauthorized", "Unauthorized"))
        elif asked.path == _PATH:
            resource = {"name": "nodes", "verbs": ["get", "list"]}
            body = {"kind": "APIResourceList", "groupVersion": _PATH.removeprefix("/apis/")}
            answer(conn, 200, {**body, "resources": [resource]})
        else:
            answer(conn, 200, {"kind": "NodeMetricsList", "items": []})


def pem_of(*authorities: Authority | None) -> str:
    """The certificates of the authorities, each of which must be there."""
    assert all(authorities)
    return "".join(each.certificate_pem for each in authorities if each is not None)
