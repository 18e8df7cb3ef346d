"""Keeping what people say about a certificate; the certificate itself says nothing of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction

from aggportal.certs.keeping import Keeping
from aggportal.certs.models import Certificate, Tag
from aggportal.ledger.services import record
from aggportal.web.actors import Actor
from aggportal.words import RefusedError, gettext_noop


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
