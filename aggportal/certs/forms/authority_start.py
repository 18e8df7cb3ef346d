"""What the page for a new authority may begin with."""

from __future__ import annotations

import datetime as dt
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


# How long an authority below another lives, where that one lives longer still: five years.
_HOURS_BELOW = 43800


def starting_request(
    start: str, *, lane: str = "", parent_ends_in: dt.timedelta | None = None
) -> str:
    """Return the CSR JSON to begin with: the recipe's, `cfssl print-defaults csr`, or the lane's
    own; below another authority its life ends before that one's.
    """
    if start == "recipe":
        return dump_json(_RECIPE)
    if start == "print-defaults":
        return dump_json({**DEFAULT_REQUEST, "ca": _CA})
    ca = dict(_CA)
    if parent_ends_in is not None:
        left = parent_ends_in // dt.timedelta(hours=1)
        ca["expiry"] = f"{max(min(_HOURS_BELOW, left), 1)}h"
    return dump_json(
        {
            "CN": _CN_OF_LANE.get(lane, ""),
            "key": {"algo": "ecdsa", "size": 256},
            "ca": {**ca, "pathlen": 0, "pathlenzero": True},
        }
    )
