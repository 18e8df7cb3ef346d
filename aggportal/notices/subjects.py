"""What may end, as values: a certificate, an authority, a revocation list."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from aggportal.notices.deciding import Stage
from aggportal.notices.models import SubjectKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """Something with an end. `pk` is the certificate's, or the authority's (also for its list),
    `identity` a SHA-256 (hex) that no other of its kind has anywhere.

    `authority_id` is the authority of ours whose rules govern it; `stages` are those rules for it.
    """

    kind: SubjectKind
    pk: int
    identity: str
    label: str
    begins: dt.datetime
    ends: dt.datetime
    authority_id: int | None
    stages: tuple[Stage, ...]

    @property
    def certificate_id(self) -> int | None:
        return self.pk if self.kind == SubjectKind.CERTIFICATE else None
