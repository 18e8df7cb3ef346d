"""The one door through which an authority's private key leaves: that of an intermediate which was
made to sign in cert-manager, to an administrator who says why, after the ledger has it.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from aggportal.certs.models import Authority
from aggportal.certs.services.chains import authority_chain, require_issuing
from aggportal.certs.services.signers import signer_of
from aggportal.ledger.models import Entry
from aggportal.ledger.services import record
from aggportal.pki.certmanager import ca_issuer, ca_issuer_with_key, require_intermediate
from aggportal.pki.errors import InvalidField
from aggportal.pki.exports import KEY_MODE, AuthorityKeyStays, ExportedFile
from aggportal.pki.keys import private_key_pem
from aggportal.web.actors import Actor
from aggportal.words import gettext_noop as _n

MIN_REASON = 10
_TAKEN = "authority.key_taken"


@transaction.atomic
def take_issuer(
    authority: Authority, *, name: str, namespace: str, reason: str, by: Actor, now: dt.datetime
) -> ExportedFile:
    """Return BASE-issuer.yaml: Secret with the authority's key, and Issuer. The ledger has the
    entry before this returns.

    Raises AuthorityKeyStays, NoIntermediate, Retired, and InvalidField on `name`, `namespace` or
    `reason`.
    """
    require_leaving_key(authority)
    if len(reason.strip()) < MIN_REASON:
        raise InvalidField(
            _n("Say in at least %(least)d characters what it is for; the ledger keeps it."),
            field="reason",
            least=MIN_REASON,
        )
    # A wrong name is refused before the ledger says that the key left.
    ca_issuer(name, namespace=namespace, secret_name=f"{name}-key-pair")
    own, *above = authority_chain(authority)
    with signer_of(authority) as key:
        text = ca_issuer_with_key(
            name,
            namespace=namespace,
            certificate=own,
            key_pem=private_key_pem(key),
            chain=tuple(above),
        )
    record(
        _TAKEN,
        actor=by,
        subject=("authority", authority.slug, authority.label),
        detail={"how": "cert-manager", "reason": reason, "name": name, "namespace": namespace},
        at=now,
    )
    base = authority.file_base
    return ExportedFile(name=f"{base}-issuer.yaml", body=text.encode(), mode=KEY_MODE)


def require_leaving_key(authority: Authority) -> None:
    """Refuse an authority whose key was not marked as one that may leave, a root, and one that may
    sign no more.
    """
    if not authority.key_may_leave:
        raise AuthorityKeyStays(
            _n(
                "The key of the authority “%(subject)s” does not leave the portal: that was not "
                "allowed when it was made. Make an intermediate for cert-manager and tick there "
                "that its key may leave."
            ),
            subject=authority.label,
        )
    own, *_above = authority_chain(authority)
    require_intermediate(own)
    require_issuing(authority)


def times_taken(authority: Authority) -> list[Entry]:
    """Return the ledger's entries of when its key left, newest first."""
    rows = Entry.objects.filter(
        action=_TAKEN, object_kind="authority", object_id=authority.slug, outcome="done"
    )
    return list(rows.order_by("-seq")[:20])
