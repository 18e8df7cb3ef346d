"""What the page for a new authority may begin with."""

from __future__ import annotations

from collections.abc import Mapping

from aggportal.pki.jsontext import dump_json
from aggportal.pki.presets import DEFAULT_REQUEST

_CN_OF_LANE = {
    "front-proxy": "front-proxy-ca",
    "serving": "extension-serving-ca",
    "client": "client-ca",
}
_CA = {"expiry": "87600h"}
_RECIPE: Mapping[str, object] = {
    "CN": "aggregator",
    "key": {"algo": "rsa", "size": 2048},
    "names": [{"C": "CN", "ST": "Shanghai", "L": "Shanghai", "O": "k8s", "OU": "System"}],
    "ca": _CA,
}


def starting_request(start: str, *, lane: str = "") -> str:
    """Return the CSR JSON to begin with: the recipe's, `cfssl print-defaults csr`, or the lane's
    own.
    """
    if start == "recipe":
        return dump_json(_RECIPE)
    if start == "print-defaults":
        return dump_json({**DEFAULT_REQUEST, "ca": _CA})
    key = {"algo": "ecdsa", "size": 256}
    return dump_json(
        {
            "CN": _CN_OF_LANE.get(lane, ""),
            "key": key,
            "ca": {**_CA, "pathlen": 0, "pathlenzero": True},
        }
    )
