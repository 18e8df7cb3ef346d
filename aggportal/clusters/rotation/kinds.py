"""The kinds of rotation that there are, by key."""

from __future__ import annotations

from aggportal.clusters.rotation.serving import SERVING_CA
from aggportal.clusters.rotation.steps import Kind

KINDS: dict[str, Kind] = {kind.key: kind for kind in (SERVING_CA,)}
