"""Keys that are known to be in other hands: nothing new is signed for them, or by them."""

from __future__ import annotations

from collections.abc import Collection

from aggportal.certs.models import Certificate, Reason

# After these the key itself is not to be trusted (RFC 5280 section 5.3.1).
KEY_LOST = (Reason.KEY_COMPROMISE, Reason.CA_COMPROMISE, Reason.AA_COMPROMISE)


def lost_keys(keys: Collection[str]) -> set[str]:
    """Return those of `keys` (SHA-256 of the public key, hex) of which a certificate was revoked
    because the key is compromised.
    """
    rows = Certificate.objects.filter(spki_sha256__in=keys, revocation_reason__in=KEY_LOST)
    return set(rows.order_by().values_list("spki_sha256", flat=True))
