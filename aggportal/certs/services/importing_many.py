"""Many certificates at once, to be watched: each comes in or says why it does not."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import transaction

from aggportal.certs.models import Certificate
from aggportal.certs.services.importing import (
    AlreadyHere,
    Incoming,
    incoming,
    plain,
    store_imported,
)
from aggportal.certs.services.lineage import Lineage
from aggportal.pki.gathering import Gathered
from aggportal.web.actors import Actor
from aggportal.words import RefusedError, Sentence, gettext_noop


@dataclass(frozen=True, kw_only=True, slots=True)
class Fate:
    """What became of one thing. `state` is imported, already, refused or left; `certificate` its
    row where there is one.
    """

    state: str
    name: str
    sentence: Sentence
    certificate: Certificate | None = None


@transaction.atomic
def import_certificates(
    found: Gathered, *, keep_keys: bool, exportable: bool, by: Actor, now: dt.datetime
) -> tuple[Fate, ...]:
    """Store every certificate that is new; what is refused hinders no other."""
    lineage = Lineage(one.facts for one in found.certificates)
    fates = []
    for one in found.certificates:
        key = found.key_of(one.facts)
        is_kept = key is not None and keep_keys and not one.facts.is_ca
        given = incoming(
            one.facts,
            lineage=lineage,
            sources=one.sources,
            key=key.key if key is not None and is_kept else None,
            exportable=exportable,
        )
        fates.append(_fate(given, had_key=key is not None, by=by, now=now))
    left = (
        Fate(state="refused" if item.refused else "left", name=item.source, sentence=item.sentence)
        for item in found.left_out
    )
    strangers = (
        Fate(state="left", name=key.source, sentence=Sentence(text=_STRANGER))
        for key in found.strangers
    )
    return (*fates, *left, *strangers)


def _fate(given: Incoming, *, had_key: bool, by: Actor, now: dt.datetime) -> Fate:
    name = plain(given.facts.common_name or given.facts.subject)[:200]
    try:
        row = store_imported(given, by=by, now=now)
    except AlreadyHere as here:
        return Fate(
            state="already", name=name, sentence=here.sentence, certificate=here.certificate
        )
    except RefusedError as refused:
        return Fate(state="refused", name=name, sentence=refused.sentence)
    told = _standing(given, had_key=had_key)
    return Fate(state="imported", name=name, sentence=told, certificate=row)


def _standing(given: Incoming, *, had_key: bool) -> Sentence:
    if given.authority is not None:
        return Sentence(text=_OURS, params={"authority": given.authority.label})
    if had_key and given.facts.is_ca:
        return Sentence(text=_AUTHORITY)
    return Sentence(text=_ALONE if given.facts.self_signed else _FOREIGN)


_OURS = gettext_noop("Signed by “%(authority)s” of ours, proven by its signature.")
_FOREIGN = gettext_noop("Signed by nobody of ours; it is watched all the same.")
_ALONE = gettext_noop("It signed itself; it is watched all the same.")
_AUTHORITY = gettext_noop(
    "Its key is an authority's, and was left out here. To sign with it, bring it as an authority."
)
_STRANGER = gettext_noop("A private key without a certificate among these: not kept.")
