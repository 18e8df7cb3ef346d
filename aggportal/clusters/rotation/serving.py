"""The exchange of a serving CA: trust both, serve the new, drop the old."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

from aggportal.accounts.rights import Role
from aggportal.certs.models import Authority
from aggportal.clusters.forms.serving_rotations import ServingStartForm
from aggportal.clusters.models import Cluster, Rotation, WatchedAPIService
from aggportal.clusters.rotation.serving_deeds import drop_old, issue_certificates, trust_both
from aggportal.clusters.rotation.serving_looks import Backed, backed, read_backed
from aggportal.clusters.rotation.serving_steps import (
    all_issued,
    certificates_form,
    drop_form,
    names_of,
    prove_certificates,
    prove_drop,
    prove_overlap,
    tell_certificates,
    tell_drop,
    tell_overlap,
)
from aggportal.clusters.rotation.steps import Beginning, Deed, Kind, Step
from aggportal.doctor.told import say
from aggportal.kube.client import ApiClient
from aggportal.pki.errors import InvalidField
from aggportal.pki.exports import pem_of
from aggportal.pki.facts import CertificateFacts
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

_MOST_NAMED = 4
Held = tuple[tuple[CertificateFacts, ...], tuple[Backed, ...]]


def start_form(cluster: Cluster, data: Mapping[str, Any] | None) -> forms.Form:
    """Which of the CAs in the caBundles, as last watched, for which authority of ours."""
    rows = WatchedAPIService.objects.ours().filter(cluster=cluster)
    held = _held(backed(row.raw for row in rows))
    return ServingStartForm(data, held=[(key, _label(*found)) for key, found in held.items()])


def begin(cluster: Cluster, client: ApiClient, chosen: Mapping[str, Any]) -> Beginning:
    """Find the old CA in the caBundles as they are now. Raises InvalidField on `old` or `new`."""
    new: Authority = chosen["new"]
    held = _held(read_backed(client))
    if chosen["old"] not in held:
        raise InvalidField(_n("No caBundle holds this CA any more. Choose again."), field="old")
    certificates, services = held[chosen["old"]]
    if new.spki_sha256 == chosen["old"]:
        raise InvalidField(
            _n("This is the same CA: same key. Choose the authority that takes its place."),
            field="new",
        )
    places: dict[str, list[str]] = {}
    ports: dict[str, int] = {}
    for each in services:
        places.setdefault(each.place, []).append(each.name)
        ports[each.place] = each.port
    return Beginning(
        subject=certificates[0].spki_sha256[:16],
        old_authority=Authority.objects.filter(spki_sha256=chosen["old"]).first(),
        new_authority=new,
        old_pem=pem_of(certificates),
        facts={
            "services": places,
            "ports": ports,
            "old": certificates[0].common_name or certificates[0].subject,
            "certificates": {},
        },
    )


def _held(services: Iterable[Backed]) -> dict[str, Held]:
    """CAs in caBundles by public key: their certificates, and the APIServices that trust them."""
    certificates: dict[str, dict[str, CertificateFacts]] = {}
    trusting: dict[str, list[Backed]] = {}
    for each in services:
        for ca in each.bundle:
            certificates.setdefault(ca.spki_sha256, {})[ca.sha256] = ca
            found = trusting.setdefault(ca.spki_sha256, [])
            if each not in found:
                found.append(each)
    return {
        key: (tuple(found.values()), tuple(trusting[key])) for key, found in certificates.items()
    }


def _label(certificates: tuple[CertificateFacts, ...], services: tuple[Backed, ...]) -> str:
    first, names = certificates[0], [each.name for each in services]
    told = ", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")
    return f"{first.subject} · {first.not_after:%Y-%m-%d} · {told}"


def end(rotation: Rotation) -> tuple[Sentence, ...]:
    """What is left to do by hand."""
    left = [
        say(
            _n(
                "Keep caBundle in your manifests and charts as it is in the cluster now, or the "
                "next deployment brings %(old)s back."
            ),
            old=names_of(rotation)[0],
        )
    ]
    if rotation.old_authority is not None and rotation.old_authority.retired_at is None:
        text = _n("Retire %(old)s once no other cluster trusts it, so that it signs nothing more.")
        left.append(say(text, old=rotation.old_authority.label))
    return tuple(left)


SERVING_CA = Kind(
    key="serving_ca",
    title=_n("Serving CA"),
    about=_n(
        "When the CA that caBundles trust comes to its end or is no longer to be trusted: another "
        "takes its place, and no request fails meanwhile."
    ),
    steps=(
        Step(
            key="overlap",
            title=_n("Trust both CAs"),
            tell=tell_overlap,
            prove=prove_overlap,
            deed=Deed(label=_n("Write both into caBundle"), do=trust_both),
            back="",
        ),
        Step(
            key="certificate",
            title=_n("Serve the new certificates"),
            tell=tell_certificates,
            prove=prove_certificates,
            deed=Deed(
                label=_n("Issue the certificates"),
                do=issue_certificates,
                form=certificates_form,
                is_done=all_issued,
                needs=Role.ISSUER,
            ),
            back=_n(
                "Nothing is undone in the cluster: what was issued stays issued, Secrets stay as "
                "they are. Both CAs are trusted, so either certificate may be served."
            ),
        ),
        Step(
            key="drop",
            title=_n("Trust the new CA alone"),
            tell=tell_drop,
            prove=prove_drop,
            deed=Deed(label=_n("Take the old CA out of caBundle"), do=drop_old, form=drop_form),
            back=_n(
                "Where the old CA is gone already it stays so: go back to the first step to have "
                "both written again, before any backend serves its old certificate."
            ),
        ),
    ),
    form=start_form,
    begin=begin,
    end=end,
)
