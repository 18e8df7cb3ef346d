"""The kinds of rotation that there are, by key."""

from __future__ import annotations

from aggportal.clusters.rotation.front_proxy import FRONT_PROXY_CA, PROXY_CLIENT
from aggportal.clusters.rotation.serving import SERVING_CA
from aggportal.clusters.rotation.steps import Kind

KINDS: dict[str, Kind] = {kind.key: kind for kind in (FRONT_PROXY_CA, SERVING_CA, PROXY_CLIENT)}
