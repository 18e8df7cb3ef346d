"""Keys that no signing request of somebody else may bring: an authority's, and compromised ones."""

from __future__ import annotations

from aggportal.certs.models import Authority, OwnRequest, Purpose
from aggportal.certs.services.lost_keys import lost_keys
from aggportal.pki.csrreading import CsrFacts
from aggportal.pki.errors import InvalidKey
from aggportal.words import gettext_noop as _n


def require_unspent_key(csr: CsrFacts) -> None:
    """Refuse the key of an authority of ours, made or to be made, and one that is known to be
    compromised. Raises `InvalidKey`.
    """
    _require_no_authoritys_key(csr)
    _require_no_lost_key(csr)


def _require_no_authoritys_key(csr: CsrFacts) -> None:
    authority = Authority.objects.filter(spki_sha256=csr.spki_sha256).first()
    if authority is not None:
        raise InvalidKey(
            _n(
                "This is the key of the authority %(name)s. A second certificate for it would let "
                "one purpose act as the other; and its private key should be nowhere but here."
            ),
            field="csr",
            name=authority.label,
        )
    asked = OwnRequest.objects.filter(spki_sha256=csr.spki_sha256, purpose=Purpose.AUTHORITY)
    if asked.exists():
        raise InvalidKey(
            _n(
                "This key was made here for an authority that an outside CA is to sign. A "
                "certificate for it would let one purpose act as the other."
            ),
            field="csr",
        )


def _require_no_lost_key(csr: CsrFacts) -> None:
    if lost_keys([csr.spki_sha256]):
        raise InvalidKey(
            _n(
                "A certificate for this key was revoked because the key is compromised: whoever "
                "has it could go on with a new certificate. Ask with a new key."
            ),
            field="csr",
        )
