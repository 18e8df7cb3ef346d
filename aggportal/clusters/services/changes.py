"""What a repair would change, before it is done: in certificates, and in the object itself."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aggportal.kube.errors import Conflict
from aggportal.kube.manifests import dump_yaml
from aggportal.pki.facts import CertificateFacts
from aggportal.web.told import storable
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

Json = Mapping[str, Any]

ADDED, DROPPED, KEPT = "+", "-", "="
# Kubernetes' own bookkeeping, which changes with every write.
_NOISE = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class Changed(Conflict):
    """The page that a person decided on is older than the cluster."""

    code = "changed"

    def __init__(self, name: str) -> None:
        super().__init__(
            _n("%(name)s was changed by someone else meanwhile; look at it again."),
            status=409,
            name=name,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A certificate that comes (`+`), goes (`-`) or stays (`=`)."""

    mark: str
    facts: CertificateFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What the API server would make of it, tried there without being kept.

    `seen` tells the state that it starts from, and is given back when the change is done: what
    somebody else changed in between gives Conflict. `diff` is a unified diff of YAML, without any
    private key. `cautions` tell what would not work, or what is to be known.
    """

    seen: str
    lines: tuple[Line, ...]
    diff: str
    is_new: bool = False
    cautions: tuple[Sentence, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Nothing would change."""
        return not self.diff

    @property
    def before(self) -> tuple[str, ...]:
        """SHA-256 of what stands now."""
        return tuple(each.facts.sha256 for each in self.lines if each.mark != ADDED)

    @property
    def after(self) -> tuple[str, ...]:
        """SHA-256 of what would stand then."""
        return tuple(each.facts.sha256 for each in self.lines if each.mark != DROPPED)


def lines_between(
    before: Iterable[CertificateFacts], after: Iterable[CertificateFacts]
) -> tuple[Line, ...]:
    """What stays and goes in the order of `before`, then what comes."""
    earlier = {each.sha256: each for each in before}
    later = {each.sha256: each for each in after}
    there = (Line(mark=KEPT if k in later else DROPPED, facts=f) for k, f in earlier.items())
    new = (Line(mark=ADDED, facts=f) for k, f in later.items() if k not in earlier)
    return (*there, *new)


def unified(before: Json | None, after: Json | None, *, name: str) -> str:
    """A unified diff of two objects as YAML, without their status; empty where they are alike."""
    lines = difflib.unified_diff(
        _yaml_lines(before), _yaml_lines(after), f"{name} (now)", f"{name} (then)", lineterm=""
    )
    return "\n".join(lines)


def mark_of(document: Json) -> str:
    """A digest of who it is and what was asked of it: its status may change, as it does by itself.

    Two that are alike in this are the same to a person who decides.
    """
    metadata = document.get("metadata")
    uid = metadata.get("uid") if isinstance(metadata, Mapping) else None
    told = json.dumps([uid, document.get("spec")], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _yaml_lines(document: Json | None) -> list[str]:
    if document is None:
        return []
    shown: dict[str, Any] = {k: v for k, v in storable(document).items() if k != "status"}
    metadata = shown.get("metadata")
    if isinstance(metadata, Mapping):
        shown["metadata"] = _without_noise(metadata)
    return dump_yaml(shown).splitlines()


def _without_noise(metadata: Json) -> dict[str, Any]:
    kept = {key: value for key, value in metadata.items() if key not in _NOISE}
    annotations = kept.get("annotations")
    if isinstance(annotations, Mapping):
        # Holds the whole object once more, of a Secret with its private key.
        kept["annotations"] = {k: v for k, v in annotations.items() if k != _LAST_APPLIED}
    return kept
