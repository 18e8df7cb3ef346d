"""The chain of a certificate or an authority as a tree: the root at the top, what is below it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aggportal.certs.lifetimes import Life, authority_life, certificate_life, life_of
from aggportal.certs.models import Authority, AuthorityCertificate, Certificate, OtherRole
from aggportal.certs.services.chains import upwards
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.reading import read_certificates

MAX_CHILDREN = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Cross:
    """Another CA that signed the same key: one of ours (`url`) or an outside one."""

    issuer: str
    url: str
    life: Life


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One step of a chain. `url` is empty for certificates that are not ours; `marked` is the one
    that the page is about; `more` tells that there are further children.
    """

    title: str
    subject: str
    url: str
    life: Life
    marked: bool = False
    is_retired: bool = False
    is_outside: bool = False
    crosses: tuple[Cross, ...] = ()
    children: tuple[Node, ...] = ()
    more: int = 0


def authority_tree(authority: Authority, *, now: dt.datetime) -> Node:
    """Return the chain of `authority` from the top, with what is directly below it."""
    node = replace(_node(authority, now=now), marked=True)
    children = authority.children.select_related("issued_as").order_by("label")
    shown = tuple(_node(child, now=now) for child in children[:MAX_CHILDREN])
    more = max(children.count() - len(shown), 0) if len(shown) == MAX_CHILDREN else 0
    return _under(authority, replace(node, children=shown, more=more), now=now)


def certificate_tree(certificate: Certificate, *, now: dt.datetime) -> Node:
    """Return the chain of a certificate from the top; it is the last of it."""
    own = Node(
        title=str(certificate),
        subject=certificate.subject,
        url=certificate.get_absolute_url(),
        life=certificate_life(certificate, now=now),
        marked=True,
    )
    if certificate.authority is None:
        return (
            _outside(read_certificates(certificate.chain_pem), own, now=now)
            if (certificate.chain_pem.strip())
            else own
        )
    above = replace(_node(certificate.authority, now=now), children=(own,))
    return _under(certificate.authority, above, now=now)


def _under(authority: Authority, node: Node, *, now: dt.datetime) -> Node:
    """Put what is above `authority` above `node`, which stands for it."""
    for step in upwards(authority):
        if step.pk != authority.pk:
            node = replace(_node(step, now=now), children=(node,))
        if step.chain_pem.strip():
            node = _outside(read_certificates(step.chain_pem), node, now=now)
    return node


def _outside(above: Sequence[CertificateFacts], node: Node, *, now: dt.datetime) -> Node:
    for facts in above:
        ours = Authority.objects.filter(fingerprint_sha256=facts.sha256).first()
        upper = _node(ours, now=now) if ours else _foreign(facts, now=now)
        node = replace(upper, children=(node,))
    return node


def _foreign(facts: CertificateFacts, *, now: dt.datetime) -> Node:
    return Node(
        title=facts.common_name or facts.subject,
        subject=facts.subject,
        url="",
        life=life_of(facts.not_before, facts.not_after, now=now),
        is_outside=True,
    )


def _node(authority: Authority, *, now: dt.datetime) -> Node:
    others = authority.other_certificates.filter(role=OtherRole.CROSS)
    rows = others.select_related("issuer", "issued_as")
    return Node(
        title=authority.label,
        subject=authority.subject,
        url=authority.get_absolute_url(),
        life=authority_life(authority, now=now),
        is_retired=authority.retired_at is not None,
        crosses=tuple(_cross(row, now=now) for row in rows[:MAX_CHILDREN]),
    )


def _cross(row: AuthorityCertificate, *, now: dt.datetime) -> Cross:
    life = life_of(row.not_before, row.not_after, now=now)
    if row.issued_as is not None and row.issued_as.is_revoked:
        life = certificate_life(row.issued_as, now=now)
    return Cross(
        issuer=row.issuer.label if row.issuer else row.issuer_subject,
        url=row.issuer.get_absolute_url() if row.issuer else "",
        life=life,
    )


def nested(authorities: Sequence[Authority]) -> list[tuple[Authority, int]]:
    """Return the authorities in their order, each followed by those below it, with its depth."""
    below: dict[int | None, list[Authority]] = {}
    known = {authority.pk for authority in authorities}
    for authority in authorities:
        parent = authority.parent_id if authority.parent_id in known else None
        below.setdefault(parent, []).append(authority)
    found: list[tuple[Authority, int]] = []

    def walk(parent: int | None, depth: int) -> None:
        for authority in below.get(parent, []):
            found.append((authority, depth))
            walk(authority.pk, depth + 1)

    walk(None, 0)
    return found
