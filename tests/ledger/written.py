"""What the tests of the ledger share: entries, and changes behind its back."""

from __future__ import annotations

from aggportal.ledger.chain import canonical_json
from aggportal.ledger.models import Entry, Head
from aggportal.ledger.offline import START, digest_of
from aggportal.ledger.services import record
from aggportal.web.actors import Actor

ANA = Actor(id=1, name="ana", address="192.0.2.7", request_id="r1")


def write(count: int) -> None:
    for number in range(count):
        record("certificate.issued", actor=ANA, subject=("certificate", number, f"c{number}"))


def rewrite_from(seq: int, *, mac: str | None = None) -> None:
    """Do what a forger with the database and without the key does: make all digests fit anew."""
    before = Entry.objects.filter(seq=seq - 1).first()
    previous = before.digest if before else START
    for entry in Entry.objects.filter(seq__gte=seq).order_by("seq"):
        entry.previous = previous
        entry.canonical = canonical_json(entry.document())
        entry.digest = previous = digest_of(entry.canonical, previous=previous)
        entry.mac = entry.mac if mac is None else mac
        entry.save()
    Head.objects.update(size=Entry.objects.count(), digest=previous)
