"""Identities that Kubernetes keeps for itself, found in a subject however they are disguised.

`system:masters` bypasses every authorization check, and names under `system:` belong to the
cluster's own parts (Kubernetes: "RBAC, referring to subjects"; the CertificateSubjectRestriction
admission plugin refuses the first for its own client signer). Every value of every RDN counts,
since Go reads multi-valued RDNs too.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509

from aggportal.pki.errors import ReservedIdentity
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

MASTERS = "system:masters"
# Bound to cluster-admin by kubeadm since 1.29.
CLUSTER_ADMINS = "kubeadm:cluster-admins"
_PREFIX = "system:"

# Letters of other scripts, and colons, that look like those of the reserved names.
_LOOKALIKES = str.maketrans(
    "асеорхуѕіјһԁԛԝӏкмтвнгпьɡ" + "αεορτυνικχγς" + "ıɑⅼ" + "ː։׃꞉∶ꓽ" + "‐‒–—−",
    "aceopxysijhdqwlkmtbhrnbg" + "aeoptuvikxys" + "ial" + "::::::" + "-----",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReservedFinding:
    """One value of a subject that stands for a reserved identity; `attribute` is CN, O, OU, …"""

    attribute: str
    value: str
    identity: str
    sentence: Sentence


def fold_identity(value: str) -> str:
    """Reduce a text to what a person takes it for: compatibility forms, case, marks, blanks and
    lookalikes folded.
    """
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", value).casefold())
    kept = (c for c in decomposed if unicodedata.category(c)[0] not in "MZC")
    return "".join(kept).translate(_LOOKALIKES)


def reserved_identities(
    subject: x509.Name, *, names: Iterable[str] = ()
) -> tuple[ReservedFinding, ...]:
    """Find reserved identities in a subject; `names` adds exact ones of your own, such as node
    names.
    """
    own = {fold_identity(name): name for name in names}
    found = []
    for attribute in subject:
        value = (
            attribute.value
            if isinstance(attribute.value, str)
            else attribute.value.decode("latin-1")
        )
        identity = _identity(fold_identity(value), own)
        if identity:
            found.append(_finding(attribute.rfc4514_attribute_name, value, identity))
    return tuple(found)


def require_no_reserved_identity(
    subject: x509.Name, *, allow: bool = False, names: Iterable[str] = ()
) -> None:
    """Refuse reserved identities with `ReservedIdentity`, unless somebody granted them: `allow`."""
    for finding in () if allow else reserved_identities(subject, names=names):
        field = "CN" if finding.attribute == "CN" else f"names.{finding.attribute}"
        raise ReservedIdentity(finding.sentence.text, field=field, **finding.sentence.params)


def _identity(folded: str, own: dict[str, str]) -> str:
    for identity in (MASTERS, CLUSTER_ADMINS):
        if folded == identity:
            return identity
    return _PREFIX if folded.startswith(_PREFIX) else own.get(folded, "")


def _finding(attribute: str, value: str, identity: str) -> ReservedFinding:
    if identity in (MASTERS, CLUSTER_ADMINS):
        words = _n(
            "%(attribute)s=%(value)s stands for %(identity)s: whoever holds this key rules every "
            "cluster that "
            "trusts the authority, and no permission can stop them."
        )
    elif identity == _PREFIX:
        words = _n(
            "%(attribute)s=%(value)s lies under %(identity)s, where Kubernetes names its own parts."
        )
    else:
        words = _n("%(attribute)s=%(value)s stands for %(identity)s, which is reserved.")
    params = {"attribute": attribute, "value": value, "identity": identity}
    return ReservedFinding(
        attribute=attribute,
        value=value,
        identity=identity,
        sentence=Sentence(text=words, params=params),
    )
