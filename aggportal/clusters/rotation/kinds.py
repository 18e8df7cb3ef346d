"""The kinds of rotation that there are, by key."""

from __future__ import annotations

from aggportal.clusters.rotation.steps import Kind

KINDS: dict[str, Kind] = {}
