"""What a certificate that renews another takes over from it, and that there is one successor."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from aggportal.certs.models import Certificate, SigningRequest, State
from aggportal.certs.services.keys import open_key
from aggportal.ledger.services import record
from aggportal.pki.keys import PrivateKey, PublicKey
from aggportal.web.actors import Actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n


class AlreadyRenewed(RefusedError):
    """The certificate has a successor, or somebody is making it right now."""

    code = "already-renewed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Succession:
    """`predecessor` is renewed. With `public_key` for the very same key: its private half is opened
    where we hold it, and stays with whoever has it where we do not.
    """

    predecessor: Certificate
    public_key: PublicKey | None = None

    def open_key(self) -> PrivateKey | None:
        """Return the predecessor's private key, None where it is not here. Raises CannotOpen."""
        row, spki = self.predecessor.key, self.predecessor.spki_sha256
        return open_key(row, spki=spki) if row is not None else None


def require_not_renewed(certificate: Certificate) -> None:
    """Refuse to begin what would be refused at the end. Raises `AlreadyRenewed`."""
    taken = SigningRequest.objects.filter(
        renews_id=certificate.pk, state__in=(State.SIGNING, State.ISSUED)
    )
    if taken.exists() or Certificate.objects.filter(predecessor_id=certificate.pk).exists():
        raise already_renewed()


def already_renewed() -> AlreadyRenewed:
    return AlreadyRenewed(
        _n(
            "This certificate was renewed before, by somebody else or in another window: it has "
            "one successor. Look at that one, and renew it in its turn where it should differ."
        )
    )


def complete_succession(certificate: Certificate, *, by: Actor, now: dt.datetime) -> None:
    """Give a successor its predecessor's tags (owner and notes stand in the row itself), and write
    into the predecessor's story that it is renewed. Nothing for a certificate that renews none.
    """
    predecessor = certificate.predecessor
    if predecessor is None:
        return
    certificate.tags.set(predecessor.tags.all())
    record(
        "certificate.renewed",
        actor=by,
        subject=("certificate", predecessor.pk, str(predecessor)),
        detail={
            "successor": certificate.pk,
            "same_key": predecessor.spki_sha256 == certificate.spki_sha256,
            "not_after": certificate.not_after.isoformat(),
        },
        at=now,
    )
