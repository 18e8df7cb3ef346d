"""What must be right before the portal starts, and what a serious installation has."""

from __future__ import annotations

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from aggportal.anchors.errors import BadAnchor
from aggportal.anchors.sinks import parse_sink

ENOUGH = 2


@register()
def anchors_are_places(**_: object) -> list[CheckMessage]:
    """AGGPORTAL_LEDGER_ANCHORS holds places that can be written to."""
    wrong: list[CheckMessage] = []
    names: set[str] = set()
    for text in settings.LEDGER_ANCHORS:
        try:
            name = parse_sink(text).name
            if name in names:
                wrong.append(
                    Error(f"AGGPORTAL_LEDGER_ANCHORS names {name} twice.", id="anchors.E002")
                )
            names.add(name)
        except BadAnchor as exc:
            shown = text.split(":", 1)[0][:20]
            hint = "file:/path, https://…, syslog://host:port or configmap:CLUSTER/NAMESPACE/NAME."
            wrong.append(
                Error(f"AGGPORTAL_LEDGER_ANCHORS, {shown}: {exc}", hint, id="anchors.E001")
            )
    return wrong


@register(Tags.security, deploy=True)
def the_ledger_is_anchored(**_: object) -> list[CheckMessage]:
    """Two places outside the database know the ledger's state."""
    if len(settings.LEDGER_ANCHORS) >= ENOUGH:
        return []
    return [
        Warning(
            f"The ledger is anchored in {len(settings.LEDGER_ANCHORS)} places: whoever owns the "
            "database can cut off its end unnoticed.",
            hint="Name two places in AGGPORTAL_LEDGER_ANCHORS.",
            id="anchors.W001",
        )
    ]
