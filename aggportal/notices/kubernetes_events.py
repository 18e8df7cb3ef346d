"""Notices as Kubernetes Events: one for each authority and threshold, however many it concerns.

The name is made of the delivery, so that a second attempt creates no second Event.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Sequence
from typing import Any

from aggportal.notices.models import SubjectKind
from aggportal.notices.wording import Group, Line, Message, one_line

# Limits of events.k8s.io/v1.
MAX_NOTE = 1024
CONTROLLER = "aggportal/notices"
_NAME = re.compile(r"[^a-z0-9-]+")
_REASONS = {
    SubjectKind.CERTIFICATE: "CertificateEnds",
    SubjectKind.AUTHORITY: "AuthorityEnds",
    SubjectKind.LIST: "RevocationListStale",
    SubjectKind.FINDING: "ClusterFinding",
}


def events_path(namespace: str) -> str:
    """Return the API path of a namespace's Events."""
    return f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"


def role_yaml(*, namespace: str, account: str = "aggportal") -> str:
    """Return what the portal's account needs to be allowed: to create Events, nothing else."""
    return _ROLE.replace("{namespace}", namespace).replace("{name}", account)


def events_of(
    message: Message, *, uid: str, namespace: str, reporter: str, now: dt.datetime
) -> list[dict[str, Any]]:
    """Return the Events of a message; a message without notices is a test and gives one."""
    if not message.groups:
        test = _event("AggPortalTest", message.subject, namespace=namespace, now=now)
        return [_named(test, f"{uid}-test", about="aggportal", reporter=reporter)]
    events = []
    for group in message.groups:
        for (kind, stage), lines in _by_threshold(group).items():
            event = _event(_REASONS[kind], _note(lines), namespace=namespace, now=now)
            key = f"{uid}-{group.about}-{kind}-{stage}"
            events.append(_named(event, key, about=group.about, reporter=reporter))
    return events


def _by_threshold(group: Group) -> dict[tuple[SubjectKind, int], list[Line]]:
    found: dict[tuple[SubjectKind, int], list[Line]] = {}
    for line in group.lines:
        key = (SubjectKind(line.notice.kind), line.notice.stage)
        found.setdefault(key, []).append(line)
    return found


def _note(lines: Sequence[Line]) -> str:
    """Tell as many lines as an Event holds, and how many there are."""
    said = [line.said for line in lines]
    note = " ".join(said) if len(said) == 1 else f"({len(said)}) " + " ".join(said)
    return one_line(note, limit=MAX_NOTE)


def _event(reason: str, note: str, *, namespace: str, now: dt.datetime) -> dict[str, Any]:
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"namespace": namespace},
        "eventTime": now.astimezone(dt.UTC)
        .isoformat(timespec="microseconds")
        .replace("+00:00", "Z"),
        "reportingController": CONTROLLER,
        "action": "Warn",
        "reason": reason,
        "type": "Normal" if reason == "AggPortalTest" else "Warning",
        "note": note,
    }


def _named(event: dict[str, Any], key: str, *, about: str, reporter: str) -> dict[str, Any]:
    namespace = event["metadata"]["namespace"]
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    plain = _NAME.sub("-", about.lower()).strip("-")[:40].strip("-") or "aggportal"
    event["metadata"]["name"] = f"{plain}.{digest}"
    event["reportingInstance"] = one_line(reporter, limit=128)
    event["regarding"] = {
        "apiVersion": "aggportal/v1",
        "kind": "CertificateAuthority",
        "name": plain,
        "namespace": namespace,
    }
    return event


_ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {name}-notices
  namespace: {namespace}
rules:
- apiGroups: ["events.k8s.io"]
  resources: ["events"]
  verbs: ["create"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {name}-notices
  namespace: {namespace}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {name}-notices
subjects:
- kind: ServiceAccount
  name: {name}
  namespace: {name}
"""
