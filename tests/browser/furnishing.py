"""A portal with something in it, so that its pages have something to show."""

from __future__ import annotations

import json

from aggportal.kube.apiservices import APISERVICES_PATH
from tests.e2e import cluster_deeds, deeds
from tests.e2e.control_plane import ControlPlane
from tests.e2e.visitor import Visitor
from tests.pki.csrs_made import csr, pem, sans, unknown

ECDSA = {"algo": "ecdsa", "size": 256}
WARDLE = "v1alpha1.wardle.example.com"
AGGREGATED = "v1beta1.metrics.example.com"


def ca_request(common_name: str, *, expiry: str = "87600h") -> str:
    return json.dumps({"CN": common_name, "key": ECDSA, "ca": {"expiry": expiry}})


def furnish_certificates(visitor: Visitor) -> dict[str, str]:
    """Two authorities, a certificate of each, a waiting request; their paths by what they are."""
    proxy = deeds.make_authority(
        visitor, label="Front proxy 2026", lane="front-proxy", request=ca_request("front-proxy-ca")
    )
    serving = deeds.make_authority(
        visitor, label="Serving 2026", lane="serving", request=ca_request("serving-ca")
    )
    client = deeds.issue(
        visitor,
        authority=proxy,
        profile="front-proxy-client",
        request=json.dumps({"CN": "front-proxy-client", "key": ECDSA}),
    )
    served = deeds.issue(
        visitor,
        authority=serving,
        profile="extension-serving",
        request=json.dumps(
            {"CN": "api.wardle.svc", "hosts": ["api.wardle.svc", "10.254.0.1"], "key": ECDSA}
        ),
    )
    asked = deeds.hand_in(
        visitor,
        authority=serving,
        profile="extension-serving",
        request=pem(csr(sans("api.wardle.svc", "10.254.0.1"), unknown())),
    )
    own = deeds.make_own_request(visitor, json.dumps({"CN": "elsewhere", "key": ECDSA}))
    return {
        "channel": deeds.make_mail_channel(visitor, f"ops of {proxy}").path,
        "request": asked.path,
        "own": own.path,
        "authority": f"/authorities/{proxy}/",
        "serving": f"/authorities/{serving}/",
        "certificate": client.path,
        "served": served.path,
    }


def connect_cluster(visitor: Visitor, plane: ControlPlane, *, name: str) -> str:
    """A connected cluster; its path."""
    kubeconfig = json.dumps(plane.kubeconfig())
    connected = cluster_deeds.connect_by_kubeconfig(visitor, name=name, kubeconfig=kubeconfig)
    return f"/clusters/{cluster_deeds.slug_of(connected)}/"


def register_unserved(
    visitor: Visitor, plane: ControlPlane, *, cluster: str, apiservice: str, authority: str
) -> None:
    """Register an APIService that nobody serves. `cluster` and `authority` are paths."""
    if plane.client().get_raw(f"{APISERVICES_PATH}/{apiservice}").status == 200:
        return  # another module did, in the same control plane
    version, group = apiservice.split(".", 1)
    plane.ensure_namespace("monitoring")
    tried = cluster_deeds.try_to_register(
        visitor,
        _slug(cluster),
        group=group,
        version=version,
        service_namespace="monitoring",
        service_name="metrics",
        authority=_slug(authority),
    )
    cluster_deeds.register(visitor, tried)


def _slug(path: str) -> str:
    return path.strip("/").split("/")[-1]
