"""The exchange of a front-proxy CA: trust both, show a certificate of the new one, drop the old."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django import forms

from aggportal.certs.models import Authority
from aggportal.certs.services.succeeding import successor_of
from aggportal.clusters.forms.rotating import StartCaForm, StartClientForm
from aggportal.clusters.models import Cluster, Rotation, RotationStep
from aggportal.clusters.rotation.bundles import old_cas, overlap_offers, single_offers
from aggportal.clusters.rotation.dropping import DROP_STEP
from aggportal.clusters.rotation.making import MAKE_STEP
from aggportal.clusters.rotation.masters import CA_NOTES, ca_commands
from aggportal.clusters.rotation.neighbours import still_using
from aggportal.clusters.rotation.pair import CONFIRM_STEP, PAIR_STEP, prove_passing
from aggportal.clusters.rotation.present import clients_of, present_authority
from aggportal.clusters.rotation.proofs import (
    asks_for_masters,
    facts_in,
    read_trust,
    requests_pass,
    told_ca,
    unreadable_trust,
)
from aggportal.clusters.rotation.steps import (
    Beginning,
    Instructions,
    Kind,
    Look,
    Proof,
    Step,
)
from aggportal.doctor.authconfig import CONFIG_MAP, AuthConfig, parse_auth_config
from aggportal.doctor.told import say
from aggportal.kube.client import ApiClient
from aggportal.kube.errors import PermissionDenied
from aggportal.pki.errors import InvalidField
from aggportal.pki.exports import pem_of
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n


def _start_ca(cluster: Cluster, data: Mapping[str, Any] | None) -> forms.Form:
    return StartCaForm(data)


def _begin_ca(cluster: Cluster, client: ApiClient, chosen: Mapping[str, Any]) -> Beginning:
    config = _trusted(client)
    old = present_authority(cluster, config)
    new: Authority | None = chosen.get("successor") or (successor_of(old) if old else None)
    if new is None and old is None:
        raise InvalidField(
            _n(
                "The cluster's front-proxy CA is none of this portal's, so it has no successor "
                "here. Choose the authority that takes its place."
            ),
            field="successor",
        )
    if new is not None and old is not None and new.pk == old.pk:
        raise InvalidField(
            _n("This is the present one. Choose the authority that takes its place."),
            field="successor",
        )
    keep = tuple(
        ca for ca in config.requestheader_cas if new is None or ca.spki_sha256 != new.spki_sha256
    )
    clients = clients_of(old, config.allowed_names) if old else []
    return Beginning(
        old_authority=old,
        new_authority=new,
        old_certificate=clients[0] if clients else None,
        old_pem=pem_of(keep),
        facts={"allowed_names": list(config.allowed_names)},
    )


def _start_client(cluster: Cluster, data: Mapping[str, Any] | None) -> forms.Form:
    examination = getattr(cluster, "examination", None)
    authority = cluster.front_proxy or (examination.recognised if examination else None)
    return StartClientForm(data, certificates=clients_of(authority, ()) if authority else [])


def _begin_client(cluster: Cluster, client: ApiClient, chosen: Mapping[str, Any]) -> Beginning:
    config, old = _trusted(client), chosen["certificate"]
    passing = requests_pass_now(client)
    return Beginning(
        old_authority=old.authority,
        old_certificate=old,
        old_pem=pem_of(config.requestheader_cas),
        facts={"allowed_names": list(config.allowed_names), "failing": list(passing)},
    )


def requests_pass_now(client: ApiClient) -> tuple[str, ...]:
    """The APIServices that fail before anything was done."""
    now = dt.datetime.now(dt.UTC)
    look = Look(client=client, rotation=Rotation(), step=RotationStep(), now=now)
    return requests_pass(look).failing


def _trusted(client: ApiClient) -> AuthConfig:
    config = parse_auth_config(client.get_json(CONFIG_MAP))
    if not config.requestheader_cas:
        raise InvalidField(
            _n(
                "The cluster publishes no front-proxy CA: kube-apiserver has no "
                "--requestheader-client-ca-file, so there is nothing to exchange. Render the flags "
                "first."
            )
        )
    return config


def _tell_overlap(rotation: Rotation, step: RotationStep) -> Instructions:
    offers = overlap_offers(rotation)
    current = _current_file(rotation)
    return Instructions(
        say=(
            say(
                _n(
                    "Put the file with the old and the new CA into the place of the present one on "
                    "every master. Nothing changes for anybody: more is trusted, nothing less."
                )
            ),
        ),
        offers=offers,
        commands=ca_commands(offers[0].filename, current) if offers else (),
        notes=CA_NOTES,
    )


def _current_file(rotation: Rotation) -> str:
    return f"{rotation.old_authority.file_base if rotation.old_authority else 'front-proxy-ca'}.pem"


def _prove_overlap(look: Look) -> Proof:
    try:
        trust = read_trust(look)
    except PermissionDenied as error:
        return unreadable_trust(error)
    wanted = (*old_cas(look.rotation), *_new_ca(look.rotation))
    held = [ca for ca in wanted if ca.sha256 in trust.digests]
    lacking = [ca for ca in wanted if ca.sha256 not in trust.digests]
    passing = requests_pass(look)
    missing = [
        told_ca(_n("The ConfigMap does not hold %(subject)s (%(digest)s) yet."), ca)
        for ca in lacking
    ]
    return Proof(
        ok=not lacking and len(wanted) > 1,
        seen=(
            *(told_ca(_n("The ConfigMap holds %(subject)s (%(digest)s)."), ca) for ca in held),
            say(_UNION),
            *passing.seen,
            *(say(_FAILS, name=name) for name in passing.failing),
        ),
        missing=tuple(missing),
        asks=asks_for_masters(
            look,
            _n("On %(node)s the file with both CAs is in place."),
            _n("On every master the file with both CAs is in place."),
        ),
        facts={"failing": list(passing.failing)},
    )


_UNION = _n(
    "The ConfigMap is the union of what all kube-apiservers trust: one of them is enough to bring "
    "the new CA in. That every master has it no API tells, so say it yourself."
)
_FAILS = _n("%(name)s fails already; it will not be waited for.")


def _new_ca(rotation: Rotation) -> tuple[Any, ...]:
    return facts_in(rotation.new_authority.certificate_pem) if rotation.new_authority else ()


def _tell_remove(rotation: Rotation, step: RotationStep) -> Instructions:
    offers = single_offers(rotation)
    return Instructions(
        say=(
            say(
                _n(
                    "Put the file with the new CA alone into the place of the one with both on "
                    "every master. The ConfigMap keeps the old CA until the next step."
                )
            ),
            *still_using(rotation),
        ),
        offers=offers,
        commands=ca_commands(offers[0].filename, _current_file(rotation)) if offers else (),
        notes=CA_NOTES,
    )


def _prove_remove(look: Look) -> Proof:
    proof = prove_passing(look, since=None)
    return Proof(
        ok=proof.ok,
        seen=(say(_UNSEEN_FILE), *proof.seen),
        missing=proof.missing,
        rules=proof.rules,
        asks=asks_for_masters(
            look,
            _n("On %(node)s the file holds the new CA alone."),
            _n("On every master the file holds the new CA alone."),
        ),
    )


_UNSEEN_FILE = _n(
    "What stands in the files of the masters no API tells. The next step shows it: a master that "
    "still has the old CA brings it back into the ConfigMap within a minute."
)


def _end_ca(rotation: Rotation) -> tuple[Sentence, ...]:
    if rotation.old_authority is None or rotation.old_authority.retired_at is not None:
        return ()
    text = _n("Retire %(old)s once no other cluster trusts it, so that it signs nothing more.")
    return (say(text, old=rotation.old_authority.label),)


OVERLAP_STEP = Step(
    key="overlap",
    title=_n("Trust both on every master"),
    tell=_tell_overlap,
    prove=_prove_overlap,
    back=_n(
        "Masters that have the file with both CAs may keep it: it only trusts more. The new "
        "authority stays as it is."
    ),
)
REMOVE_STEP = Step(
    key="remove",
    title=_n("Take the old CA out of the files"),
    tell=_tell_remove,
    prove=_prove_remove,
    back=_n("Put the file with both CAs back on every master: it can be taken in step 2 again."),
)
FRONT_PROXY_CA = Kind(
    key="front_proxy_ca",
    title=_n("Front-proxy CA"),
    about=_n(
        "When the CA behind --requestheader-client-ca-file comes to its end or is no longer to be "
        "trusted: another takes its place, and no request fails meanwhile."
    ),
    steps=(MAKE_STEP, OVERLAP_STEP, PAIR_STEP, CONFIRM_STEP, REMOVE_STEP, DROP_STEP),
    form=_start_ca,
    begin=_begin_ca,
    end=_end_ca,
)
PROXY_CLIENT = Kind(
    key="proxy_client",
    title=_n("Proxy client certificate"),
    about=_n(
        "When the certificate behind --proxy-client-cert-file comes to its end and its CA does "
        "not: the same CA signs the next one, for the same name."
    ),
    steps=(PAIR_STEP, CONFIRM_STEP),
    form=_start_client,
    begin=_begin_client,
    end=lambda rotation: (),
)
