"""What is said of a revoked certificate: the same in a list (CRL) and in an answer (OCSP)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from cryptography import x509

# RFC 5280 section 5.3.1: a reason that says nothing is left out rather than written.
UNSPECIFIED = "unspecified"
HOLD = "certificateHold"
REASONS = tuple(reason.value for reason in x509.ReasonFlags if reason.value != "removeFromCRL")


@dataclass(frozen=True, kw_only=True, slots=True)
class Revocation:
    """One revoked certificate: serial, since when, why (a name of RFC 5280 section 5.3.1, see
    `REASONS`), and since when its key is to be doubted (section 5.3.2) where somebody said.
    """

    serial: int
    revoked_at: dt.datetime
    reason: str = UNSPECIFIED
    invalid_since: dt.datetime | None = None

    @property
    def flag(self) -> x509.ReasonFlags | None:
        """The reason as it is encoded; None where it is left out."""
        return None if self.reason == UNSPECIFIED else x509.ReasonFlags(self.reason)
