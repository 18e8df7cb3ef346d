"""What a check says: passed, found, unchecked or not applicable, each in words with evidence."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from aggportal.kube.permissions import AccessRule
from aggportal.words import Sentence

# What a finding is about when it is about the cluster as a whole.
CLUSTER = ""


class Severity(enum.StrEnum):
    """How much a finding hurts. critical: trust itself is broken · error: requests fail."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


class Verdict(enum.StrEnum):
    """unchecked is never passed: something could not be read, or was not asked for."""

    FOUND = "found"
    UNCHECKED = "unchecked"
    PASSED = "passed"
    INAPPLICABLE = "inapplicable"


class Deed(enum.StrEnum):
    """What can be done about a finding from here."""

    ISSUE_SERVING = "issue-serving"
    ISSUE_PROXY = "issue-proxy"
    PATCH_BUNDLE = "patch-bundle"
    DELETE_APISERVICE = "delete-apiservice"
    ROTATE = "rotate"
    FINISH_ROTATION = "finish-rotation"
    FLAGS = "flags"


@dataclass(frozen=True, kw_only=True, slots=True)
class Remedy:
    """What to do: in words, as a command or flag to copy, as a deed of the portal."""

    sentence: Sentence
    command: str = ""
    deed: Deed | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One check on one subject. `subject` is an APIService's name, or CLUSTER.

    `read` names what was looked at, as paths of the API; `rule` is the permission that is missing
    where that is why it is unchecked.
    """

    check: str
    title: Sentence
    subject: str
    severity: Severity
    verdict: Verdict
    sentence: Sentence | None = None
    evidence: tuple[Sentence, ...] = ()
    remedy: Remedy | None = None
    read: tuple[str, ...] = ()
    rule: AccessRule | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What makes a finding the same one as before: its check and its subject."""
        return self.check, self.subject


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """All results of one examination, worst first."""

    results: tuple[Result, ...]

    def having(self, verdict: Verdict) -> tuple[Result, ...]:
        return tuple(result for result in self.results if result.verdict == verdict)

    @property
    def findings(self) -> tuple[Result, ...]:
        return self.having(Verdict.FOUND)

    @property
    def worst(self) -> Severity | None:
        """The severity of the worst finding, None where nothing was found."""
        return min((each.severity for each in self.findings), key=lambda s: s.rank, default=None)


def in_order(results: list[Result]) -> tuple[Result, ...]:
    """Findings first, the worst before; then what could not be checked, then the rest."""
    verdicts = list(Verdict)
    return tuple(
        sorted(
            results,
            key=lambda r: (verdicts.index(r.verdict), r.severity.rank, r.check, r.subject),
        )
    )
