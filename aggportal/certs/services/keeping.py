"""What people say about a certificate: who owns it, its tags, notes. The certificate itself says
nothing of it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from aggportal.certs.models import Certificate, Tag
from aggportal.ledger.services import record
from aggportal.web.actors import Actor
from aggportal.words import RefusedError, gettext_noop


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


class KeptMeanwhile(RefusedError):
    """Somebody else changed owner, tags or notes since the form was shown."""

    code = "kept_meanwhile"
    status = 409


def keeping_of(certificate: Certificate) -> Keeping:
    """Return what is said about `certificate` now."""
    tags = tuple(sorted(tag.name for tag in certificate.tags.all()))
    return Keeping(owner=certificate.owner, tags=tags, notes=certificate.notes)


@transaction.atomic
def keep_certificate(
    certificate: Certificate, said: Keeping, *, seen: str, by: Actor, now: dt.datetime
) -> bool:
    """Put down what is said about `certificate`; false where nothing differs from before.

    `seen` is the digest of what the person saw. Raises KeptMeanwhile where it was changed since.
    """
    row = Certificate.objects.select_for_update(no_key=True).get(pk=certificate.pk)
    before = keeping_of(row)
    if before == said:
        return False
    if before.digest != seen:
        raise KeptMeanwhile(
            gettext_noop(
                "Somebody else changed owner, tags or notes while you wrote, and nothing of yours "
                "was saved. Look at what stands there now, then write again."
            )
        )
    row.owner, row.notes = said.owner, said.notes
    row.save(update_fields=["owner", "notes"])
    set_tags(row, said.tags)
    record(
        "certificate.kept",
        actor=by,
        subject=("certificate", row.pk, str(row)),
        detail={"before": before.told, "after": said.told},
        at=now,
    )
    return True


def set_tags(certificate: Certificate, names: Sequence[str]) -> None:
    """Give `certificate` these tags and no others; a tag that nobody knew is made."""
    Tag.objects.bulk_create((Tag(name=name) for name in names), ignore_conflicts=True)
    certificate.tags.set(Tag.objects.filter(name__in=names))
