"""The files of CA certificates that masters get in the middle and at the end of a rotation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from aggportal.clusters.models import Rotation
from aggportal.clusters.rotation.proofs import facts_in
from aggportal.clusters.rotation.steps import Offer
from aggportal.doctor.told import say
from aggportal.pki.exports import ExportedFile, archive, pem_of
from aggportal.pki.facts import CertificateFacts
from aggportal.web.actors import Actor
from aggportal.words import gettext_noop as _n


def old_cas(rotation: Rotation) -> tuple[CertificateFacts, ...]:
    """The CAs that were trusted when it began."""
    return facts_in(rotation.old_pem)


def new_cas(rotation: Rotation) -> tuple[CertificateFacts, ...]:
    """The certificate of the authority that takes their place, none while there is none."""
    return facts_in(rotation.new_authority.certificate_pem) if rotation.new_authority else ()


def overlap_offers(rotation: Rotation) -> tuple[Offer, ...]:
    """Old and new CA in one file; none while the new one is not made."""
    if rotation.new_authority is None:
        return ()
    body = pem_of((*old_cas(rotation), *new_cas(rotation))).encode()
    return _offers(rotation, f"{_base(rotation)}-and-successor.pem", body)


def single_offers(rotation: Rotation) -> tuple[Offer, ...]:
    """The new CA alone."""
    if rotation.new_authority is None:
        return ()
    name = f"{rotation.new_authority.file_base}.pem"
    return _offers(rotation, name, pem_of(new_cas(rotation)).encode())


def _offers(rotation: Rotation, name: str, body: bytes) -> tuple[Offer, ...]:
    """The file by its own name, and an archive whose install.sh writes over the present one."""
    installed = ExportedFile(name=f"{_base(rotation)}.pem", body=body)
    packed = f"{name.removesuffix('.pem')}.tar.gz"
    return (
        Offer(
            key="ca",
            label=say(_n("The CA file")),
            filename=name,
            make=_always(lambda now: body),
        ),
        Offer(
            key="ca-archive",
            label=say(_n("With install.sh, under the portal's own file names")),
            filename=packed,
            make=_always(lambda now: archive((installed,), now=now)),
        ),
    )


def _always(make: Callable[[dt.datetime], bytes]) -> Callable[[Actor, dt.datetime], bytes]:
    """Whoever takes it gets the same: no secret is in it."""

    def taken(by: Actor, now: dt.datetime) -> bytes:
        return make(now)

    return taken


def _base(rotation: Rotation) -> str:
    return rotation.old_authority.file_base if rotation.old_authority else "front-proxy-ca"
