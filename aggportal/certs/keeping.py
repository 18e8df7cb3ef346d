"""What people say about a certificate: who owns it, its tags, notes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Keeping:
    """`tags` are lower case, each once, sorted."""

    owner: str = ""
    tags: tuple[str, ...] = ()
    notes: str = ""

    @property
    def digest(self) -> str:
        """What a form carries, to tell whether somebody else wrote meanwhile."""
        text = json.dumps([self.owner, self.tags, self.notes])
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def told(self) -> dict[str, object]:
        """What the ledger says."""
        return {"owner": self.owner, "tags": list(self.tags), "notes": self.notes}


NOTHING_SAID = Keeping()
