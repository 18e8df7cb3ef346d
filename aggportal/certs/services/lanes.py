"""Keeping trust lanes apart: who else is an authority, and what an administrator lets pass."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography import x509

from aggportal.certs.models import Authority, Certificate, Lane
from aggportal.pki.issuers import encode_name
from aggportal.pki.lanes import (
    Danger,
    Neighbour,
    authority_dangers,
    below_dangers,
    lane_dangers,
    power_of,
    require_lane_kept,
)
from aggportal.pki.plans import CertificatePlan

MAX_NAMES = 100
# Who knows further CAs that clusters trust (--client-ca-file); apps above this one add to it.
neighbour_sources: list[Callable[[], Sequence[Neighbour]]] = []


@dataclass(frozen=True, kw_only=True, slots=True)
class Passed:
    """What was let pass: `reason` is empty where nothing was dangerous. `granted` tells that two
    people let names of power pass.
    """

    dangers: tuple[Danger, ...] = ()
    reason: str = ""
    granted: bool = False

    @property
    def detail(self) -> dict[str, object]:
        """What the ledger keeps of it."""
        if not self.dangers:
            return {}
        codes = [danger.code for danger in self.dangers]
        return {"override_reason": self.reason, "dangers": codes}


NOTHING_PASSED = Passed()


def neighbours(*, now: dt.datetime, but: Authority | None = None) -> tuple[Neighbour, ...]:
    """Return every other authority, and what is known of clusters' own."""
    others = Authority.objects.defer("signing_config", "request_spec", "csr_pem")
    return (
        *(_neighbour(other, now=now) for other in others if other != but),
        *(known for source in neighbour_sources for known in source()),
    )


def dangers_of(
    authority: Authority, plan: CertificatePlan, *, now: dt.datetime
) -> tuple[Danger, ...]:
    """Tell what is dangerous in a certificate that `authority` would sign as `plan` says."""
    return lane_dangers(
        authority.lane,  # type: ignore[arg-type]  # the model's choices are the core's lanes
        plan,
        others=neighbours(but=authority, now=now),
    )


def require_certificate_lane(
    authority: Authority,
    plan: CertificatePlan,
    *,
    override_reason: str,
    now: dt.datetime,
    granted: bool = False,
) -> Passed:
    """Refuse a plan that mixes lanes, unless an administrator said why it may pass; names of power
    pass only where two people `granted` them.

    Only views for administrators may take the reason from whoever asks. Raises as
    `pki.lanes.require_lane_kept`.
    """
    dangers = dangers_of(authority, plan, now=now)
    reason = require_lane_kept(dangers, override_reason=override_reason, granted=granted)
    return Passed(dangers=dangers, reason=reason, granted=granted and bool(power_of(dangers)))


def dangers_of_authority(
    lane: Lane,
    subject: x509.Name,
    *,
    now: dt.datetime,
    spki_sha256: str = "",
    parent: Authority | None = None,
) -> tuple[Danger, ...]:
    """Tell what is dangerous in an authority of `lane`, its own or below `parent`.

    `spki_sha256` (hex) is empty while its key is not made.
    """
    return (
        *(below_dangers(parent.lane, lane.value) if parent else ()),  # type: ignore[arg-type]  # the model's choices are the core's lanes
        *authority_dangers(
            lane.value,  # type: ignore[arg-type]  # the model's choices are the core's lanes
            subject,
            spki_sha256=spki_sha256,
            others=neighbours(now=now),
        ),
    )


def require_authority_lane(
    lane: Lane,
    subject: x509.Name,
    *,
    override_reason: str,
    now: dt.datetime,
    spki_sha256: str = "",
    parent: Authority | None = None,
) -> Passed:
    """Refuse an authority (made, imported or signed by `parent`) that mixes lanes, unless an
    administrator said why it may pass. Raises as `pki.lanes.require_lane_kept`.
    """
    dangers = dangers_of_authority(lane, subject, spki_sha256=spki_sha256, parent=parent, now=now)
    return Passed(
        dangers=dangers, reason=require_lane_kept(dangers, override_reason=override_reason)
    )


def _neighbour(authority: Authority, *, now: dt.datetime) -> Neighbour:
    certificate = x509.load_pem_x509_certificate(authority.certificate_pem.encode())
    return Neighbour(
        label=authority.label,
        lane=authority.lane,  # type: ignore[arg-type]  # the model's choices are the core's lanes
        subject=encode_name(certificate.subject),
        spki_sha256=authority.spki_sha256,
        proxy_names=_proxy_names(authority, now=now),
    )


def _proxy_names(authority: Authority, *, now: dt.datetime) -> tuple[str, ...]:
    """Return the CNs that act as front proxy: those that somebody said, else those of the good
    certificates of a front-proxy authority.
    """
    if authority.proxy_names or authority.lane != Lane.FRONT_PROXY:
        return authority.proxy_names
    rows = Certificate.objects.good(now=now).filter(authority=authority)
    return tuple(rows.values_list("common_name", flat=True).distinct().order_by()[:MAX_NAMES])
