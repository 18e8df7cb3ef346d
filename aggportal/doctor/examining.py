"""The examination: one look, then every check."""

from __future__ import annotations

import datetime as dt

# Each of these registers its checks.
from aggportal.doctor import (
    accepting,
    availability,
    backends,
    bundles,
    control_plane,
    discovery,
    front_proxy_cas,
    impact,
    masters,
    neighbours,
    proxies,
    reaching,
    routing,
    serving,
    spreading,
    trust,
    writers,
)
from aggportal.doctor.findings import Report
from aggportal.doctor.looking import Background, look
from aggportal.doctor.registry import CHECKS, run_checks
from aggportal.kube.client import ApiClient

ROOMS = (
    trust,
    front_proxy_cas,
    accepting,
    proxies,
    masters,
    control_plane,
    availability,
    routing,
    spreading,
    discovery,
    bundles,
    serving,
    backends,
    reaching,
    neighbours,
    impact,
    writers,
)


def examine(client: ApiClient, *, now: dt.datetime, background: Background | None = None) -> Report:
    """Look at a cluster and say what is wrong. Raises KubeError where it cannot be looked at."""
    return run_checks(look(client, now=now, background=background or Background()))


__all__ = ["CHECKS", "ROOMS", "examine"]
