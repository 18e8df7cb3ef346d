"""The step that exchanges the proxy client certificate, and the one that confirms it: the same for
a new CA and for a renewal.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django import forms

from aggportal.accounts.rights import Role
from aggportal.certs.models import Authority, Certificate
from aggportal.certs.services import files
from aggportal.certs.services.issuing import IssueChoices, issue_certificate
from aggportal.certs.services.renewing import RenewChoices, renew_certificate, spec_to_begin_with
from aggportal.certs.services.succession import AlreadyRenewed
from aggportal.certs.signing_configs import config_of
from aggportal.clusters.forms.rotating import IssuePairForm
from aggportal.clusters.models import Rotation, RotationStep
from aggportal.clusters.rotation.made import made_since
from aggportal.clusters.rotation.masters import TAKEN_UP, pair_commands
from aggportal.clusters.rotation.proofs import (
    Trust,
    asks_for_masters,
    facts_in,
    past_step,
    read_trust,
    requests_pass,
    settled,
    unreadable_trust,
)
from aggportal.clusters.rotation.steps import (
    Deed,
    Did,
    Doing,
    Instructions,
    Look,
    Offer,
    Proof,
    Step,
)
from aggportal.doctor.told import say
from aggportal.kube.errors import PermissionDenied
from aggportal.pki.errors import InvalidField, PkiError
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.requests import parse_request_spec
from aggportal.pki.specs import RequestSpec
from aggportal.pki.verifying import require_can_proxy
from aggportal.web.actors import Actor
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

PAIR, CONFIRM = "client", "confirm"
_NAME, _PROFILE = "front-proxy-client", "front-proxy-client"


def issuer_of(rotation: Rotation) -> Authority | None:
    """Who signs the new proxy client certificate."""
    return rotation.new_authority or rotation.old_authority


def _form(rotation: Rotation, data: Mapping[str, Any] | None) -> forms.Form:
    authority, old = issuer_of(rotation), rotation.old_certificate
    names = [each.name for each in config_of(authority).profiles] if authority else []
    wanted = old.profile if old and old.profile in names else _PROFILE
    initial = {
        "common_name": _name(rotation),
        "profile": wanted if wanted in names else next(iter(names), ""),
    }
    return IssuePairForm(data, profiles=names, initial=initial)


def _name(rotation: Rotation) -> str:
    if rotation.old_certificate is not None:
        return rotation.old_certificate.common_name
    names = issuer_of(rotation).proxy_names if issuer_of(rotation) else ()  # type: ignore[union-attr]
    allowed = rotation.facts.get("allowed_names") or names
    return str(next(iter(allowed), _NAME))


def _issue(doing: Doing) -> Did:
    rotation, name = doing.rotation, str(doing.chosen["common_name"])
    authority = issuer_of(rotation)
    if authority is None:
        raise InvalidField(_n("There is no authority yet that could issue it."), field="profile")
    _require_allowed(doing, name)
    made = rotation.new_certificate or _made_before(rotation, authority, name)
    if made is None:
        made = _new(doing, authority, name)
    return Did(
        sentence=say(_n("The proxy client certificate “%(name)s” is issued."), name=str(made)),
        new_certificate=made,
    )


def _require_allowed(doing: Doing, name: str) -> None:
    """Another CN than the cluster lets pass would lock every user out. Raises InvalidField."""
    trust = read_trust(Look(**_look_of(doing)))
    allowed = trust.config.allowed_names
    if allowed and name not in allowed:
        raise InvalidField(
            _n("The cluster accepts only these names from a front proxy: %(names)s."),
            field="common_name",
            names=", ".join(allowed),
        )


def _look_of(doing: Doing) -> dict[str, Any]:
    return {
        "client": doing.client,
        "rotation": doing.rotation,
        "step": doing.step,
        "now": doing.now,
    }


def _made_before(rotation: Rotation, authority: Authority, name: str) -> Certificate | None:
    """What this rotation issued before it could write that down."""
    mine = made_since(rotation).filter(authority=authority, common_name=name)
    return mine.exclude(pk__in=[rotation.old_certificate_id]).first()


def _new(doing: Doing, authority: Authority, name: str) -> Certificate:
    old = doing.rotation.old_certificate
    spec = _spec(old, name)
    base = old.file_base if old and old.file_base != authority.file_base else _NAME
    choices = IssueChoices(profile=str(doing.chosen["profile"]), file_base=base)
    if old is not None:
        try:
            renewing = RenewChoices(authority=authority, issue=choices)
            return renew_certificate(old, spec, renewing, by=doing.by, now=doing.now)
        except AlreadyRenewed:
            # Renewed elsewhere, or cut off in the middle: then one beside it.
            pass
    return issue_certificate(authority, spec, choices, by=doing.by, now=doing.now)


def _spec(old: Certificate | None, name: str) -> RequestSpec:
    if old is None:
        return RequestSpec(common_name=name)
    return replace(parse_request_spec(spec_to_begin_with(old), strict=False), common_name=name)


def _tell(rotation: Rotation, step: RotationStep) -> Instructions:
    made = rotation.new_certificate
    say_ = [
        say(
            _n(
                "Issue the new proxy client certificate, take it with its key, and put both onto "
                "every master, one after another. kube-apiserver keeps the old pair until both "
                "new files fit each other."
            )
        )
    ]
    if made is None:
        return Instructions(say=tuple(say_), notes=TAKEN_UP)
    return Instructions(
        say=tuple(say_),
        offers=_offers(made),
        commands=pair_commands(made.file_base),
        notes=TAKEN_UP,
    )


def _offers(made: Certificate) -> tuple[Offer, ...]:
    def bundle(by: Actor, now: dt.datetime) -> bytes:
        return files.bundle(made, by=by, now=now)

    def public(by: Actor, now: dt.datetime) -> bytes:
        return made.material.pem.encode()

    return (
        Offer(
            key="pair",
            label=say(_n("Certificate, key and install.sh")),
            filename=f"{made.file_base}.tar.gz",
            make=bundle,
            secret=True,
        ),
        Offer(
            key="certificate",
            label=say(_n("The certificate alone")),
            filename=f"{made.file_base}.pem",
            make=public,
        ),
    )


def _prove(look: Look) -> Proof:
    made = look.rotation.new_certificate
    if made is None:
        return Proof(ok=False, missing=(say(_n("The certificate is not issued yet.")),))
    try:
        trust = read_trust(look)
    except PermissionDenied as error:
        return unreadable_trust(error)
    wrong = _unfit(look.rotation, made, trust, now=look.now)
    facts = facts_in(made.material.pem)[0]
    return Proof(
        ok=not wrong,
        seen=(
            say(
                _n("%(subject)s, signed by %(issuer)s, until %(until)s, SHA-256 %(digest)s."),
                subject=facts.subject,
                issuer=facts.issuer,
                until=f"{facts.not_after:%Y-%m-%d}",
                digest=facts.sha256,
            ),
            say(_UNSEEN_PAIR),
        ),
        missing=wrong,
        asks=asks_for_masters(
            look,
            _n("On %(node)s the new certificate and its key are in place."),
            _n("On every master the new certificate and its key are in place."),
        ),
    )


_UNSEEN_PAIR = _n(
    "Which certificate a kube-apiserver shows is told by no API, so say yourself where it is in "
    "place."
)


def _unfit(
    rotation: Rotation, made: Certificate, trust: Trust, *, now: dt.datetime
) -> tuple[Sentence, ...]:
    """Why the certificate could not stand behind --proxy-client-cert-file right now."""
    authority = issuer_of(rotation)
    cas = [*facts_in(authority.certificate_pem)] if authority else []
    facts = facts_in(made.material.pem)[0]
    wrong = [*_refusals(facts, cas, trust, now=now)]
    if made.is_revoked:
        wrong.append(say(_n("It is revoked or on hold.")))
    return tuple(wrong)


def _refusals(
    facts: CertificateFacts, cas: list[CertificateFacts], trust: Trust, *, now: dt.datetime
) -> list[Sentence]:
    names = trust.config.allowed_names
    keys = {ca.spki_sha256 for ca in trust.config.requestheader_cas}
    found: list[Sentence] = []
    for ca in cas:
        try:
            require_can_proxy(facts, authority=ca, allowed_names=names, now=now)
        except PkiError as refused:
            found.extend(problem.sentence for problem in refused.problems)
        if ca.spki_sha256 not in keys:
            text = _n("The cluster does not trust %(subject)s, which signed it.")
            found.append(say(text, subject=ca.subject))
    return found


def _tell_confirm(rotation: Rotation, step: RotationStep) -> Instructions:
    return Instructions(
        say=(
            say(
                _n(
                    "Nothing to do but to wait: every aggregated API is asked for its discovery "
                    "and for a list, and each has to answer and to see us as ourselves."
                )
            ),
        ),
        notes=(
            say(
                _n(
                    "The portal asks through the address that it knows, so behind a load balancer "
                    "it may reach one master alone. Ask each master by itself: kubectl --server "
                    "https://<master>:6443 get --raw /apis/<group>/<version>"
                )
            ),
        ),
    )


def prove_passing(look: Look, *, since: dt.datetime | None) -> Proof:
    """Requests pass, and have had the time to go wrong since `since`."""
    first = past_step(look.rotation, "overlap")
    before = tuple((first.facts if first else look.rotation.facts).get("failing", ()))
    passing = requests_pass(look, failing_before=before)
    wait = settled(since, passing, now=look.now)
    return Proof(
        ok=passing.ok and wait is None,
        seen=passing.seen,
        missing=(*passing.missing, *((wait,) if wait else ())),
        rules=passing.rules,
    )


def installed_at(rotation: Rotation, key: str) -> dt.datetime | None:
    """When a person said that the files of the step `key` are in place, or went past it."""
    past = past_step(rotation, key)
    return (past.told_at or past.ended_at) if past else None


def _prove_confirm(look: Look) -> Proof:
    return prove_passing(look, since=installed_at(look.rotation, PAIR))


PAIR_STEP = Step(
    key=PAIR,
    title=_n("Exchange the proxy client certificate"),
    tell=_tell,
    prove=_prove,
    back=_n(
        "Masters that have the new pair already: put the old one back (it was kept beside it), or "
        "leave it, as long as the CA that signed it is trusted."
    ),
    deed=Deed(
        label=_n("Issue the certificate"),
        do=_issue,
        form=_form,
        is_done=lambda rotation, step: rotation.new_certificate_id is not None,
        icon="plus-lg",
        needs=Role.ISSUER,
    ),
)
CONFIRM_STEP = Step(
    key=CONFIRM,
    title=_n("Confirm that requests pass"),
    tell=_tell_confirm,
    prove=_prove_confirm,
    back=_n("Nothing is to be undone."),
)
