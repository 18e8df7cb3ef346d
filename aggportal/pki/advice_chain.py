"""Advice about the chain above: what it limits, where compat lets pass what verifiers refuse."""

from __future__ import annotations

from collections.abc import Iterator

from aggportal.pki.cautions import Advice, Case, Caution, know
from aggportal.pki.constrained import names_planned, violations
from aggportal.words import gettext_noop as _n


def outside_constraints(case: Case) -> Iterator[Caution]:
    issuer = case.authority.issuer if case.authority else None
    if issuer is None or not case.plan.compat:
        return
    names = names_planned(case.plan.subject, case.plan.sans)
    for constraints in issuer.constraints:
        for problem in violations(constraints, names):
            yield Caution(
                severity="know",
                code="name-constrained",
                field=problem.field,
                sentence=problem.sentence,
            )


def too_deep(case: Case) -> Iterator[Caution]:
    issuer = case.authority.issuer if case.authority else None
    if issuer is None or issuer.path_length is None or not case.plan.compat:
        return
    own = case.plan.path_length
    if issuer.path_length < 0 or (case.plan.is_ca and issuer.path_length == 0):
        yield know(
            "path-too-long",
            "ca.pathlen",
            _n(
                "The path length of the authority, or of one above it, allows no authority here. "
                "cfssl does not look; every verifier would refuse the chain."
            ),
        )
    elif case.plan.is_ca and (own is None or own >= issuer.path_length):
        yield know(
            "path-longer-than-issuer",
            "ca.pathlen",
            _n(
                "The chain above allows %(limit)d authorities, counting this one: whatever it says "
                "itself, verifiers refuse more."
            ),
            limit=issuer.path_length,
        )


def own_constraints(case: Case) -> Iterator[Caution]:
    limits = case.plan.name_constraints
    if any(one.kind == "dn" for one in (*limits.permitted, *limits.excluded)):
        yield know(
            "directory-name-constraints",
            "ca.name_constraints",
            _n(
                "Go does not understand constraints of the subject (DN:…) and refuses every chain "
                "with them (“unhandled critical extension”): kube-apiserver would accept nothing "
                "that this authority signs. Leave them out where Kubernetes is to trust it."
            ),
        )
    if limits:
        yield know(
            "name-constraints",
            "ca.name_constraints",
            _n(
                "The name constraints are our own key: cfssl would pass over them without a word. "
                "Here they become a critical extension, which binds everything below. OpenSSL and "
                "Go, and so Kubernetes, keep to them; some old clients refuse the chain for it."
            ),
        )


CHAIN: tuple[Advice, ...] = (outside_constraints, too_deep, own_constraints)
