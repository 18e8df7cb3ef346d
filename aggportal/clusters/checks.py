"""What must be right before the portal starts: the networks of the settings."""

from __future__ import annotations

from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from aggportal.clusters.services.connections import egress_policy


@register()
def networks_are_networks(**_: object) -> list[CheckMessage]:
    """AGGPORTAL_EGRESS_ALLOW and _DENY hold CIDRs."""
    try:
        egress_policy()
    except ImproperlyConfigured as exc:
        return [Error(str(exc), hint="Write networks as in 10.0.0.0/8.", id="clusters.E001")]
    return []
