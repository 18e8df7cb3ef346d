"""The studio's deeds: a serving certificate for an extension API server, and the set with it.

The certificate is issued and in the ledger before its key leaves; the key is in the set and nowhere
on a page.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from django.db import transaction

from aggportal.certs.models import Authority, Certificate
from aggportal.certs.services.file_names import base_name_of
from aggportal.certs.services.files import require_chain, take_key
from aggportal.certs.services.issuing import IssueChoices, issue_certificate, plan_for
from aggportal.certs.services.lanes import require_certificate_lane
from aggportal.kube import studio
from aggportal.ledger.services import record
from aggportal.pki.errors import InvalidField
from aggportal.pki.exports import intermediates, pem_of, trusted
from aggportal.pki.reading import read_certificate
from aggportal.pki.specs import RequestSpec
from aggportal.web.actors import Actor
from aggportal.words import gettext_noop

_SERVER = "server auth"
# RFC 5280, ub-common-name. kube-apiserver does not look at the CN, only at the names.
_LONGEST_CN = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """An extension API server, and who signs its serving certificate under which profile."""

    extension: studio.Extension
    authority: Authority
    profile: str
    end_with_authority: bool = False

    @property
    def request(self) -> RequestSpec:
        """What the certificate is asked to say."""
        hosts = self.extension.hosts
        fits = len(hosts[0]) <= _LONGEST_CN
        return RequestSpec(common_name=hosts[0] if fits else self.extension.name, hosts=hosts)

    @property
    def choices(self) -> IssueChoices:
        return IssueChoices(
            profile=self.profile,
            file_base=base_name_of(self.extension.hosts[0]),
            end_with_authority=self.end_with_authority,
        )

    @property
    def ca_pem(self) -> str:
        """The caBundle: the authority's own certificate, so that nobody above it is trusted too."""
        return self.authority.certificate_pem


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """The set as one file; it holds the private key."""

    filename: str
    content_type: str
    body: bytes = field(repr=False)


def require_issuable(described: Described, *, now: dt.datetime) -> None:
    """Refuse a certificate that the authority would not sign or that serves nobody.

    Raises what the core refuses, `UnknownProfile`, and `InvalidField` on `profile`.
    """
    plan = plan_for(described.authority, described.request, described.choices, now=now)
    if _SERVER not in plan.extended_key_usages:
        raise InvalidField(
            gettext_noop(
                "Certificates of the profile “%(profile)s” are not for servers. Choose one with "
                "the usage “server auth”."
            ),
            field="profile",
            profile=described.profile,
        )
    require_certificate_lane(described.authority, plan, override_reason="", now=now)


def issue_for(described: Described, *, by: Actor, now: dt.datetime) -> Certificate:
    """Issue the serving certificate, recorded. Raises as `require_issuable`."""
    require_issuable(described, now=now)
    return issue_certificate(
        described.authority, described.request, described.choices, by=by, now=now
    )


@transaction.atomic
def take_set(
    described: Described, certificate: Certificate, *, form: str, by: Actor, now: dt.datetime
) -> Taken:
    """Return the set with the key of `certificate`, in one of `FORMS`; recorded before.

    Raises as `certs.services.files.take_key`.
    """
    pair = serving_pair(certificate, by=by, now=now)
    taken = FORMS[form](described, pair, now)
    extension = described.extension
    record(
        "extension.taken",
        actor=by,
        subject=("certificate", certificate.pk, extension.apiservice),
        detail={
            "form": form,
            "name": extension.name,
            "namespace": extension.namespace,
            "image": extension.image,
            "authority": described.authority.slug,
            "serial": certificate.serial,
        },
        at=now,
    )
    return taken


def serving_pair(certificate: Certificate, *, by: Actor, now: dt.datetime) -> studio.ServingPair:
    """Return what goes into the Secret, its key recorded as taken. Raises as `take_key`."""
    chain = require_chain(certificate)
    return studio.ServingPair(
        certificate_pem=served_pem(certificate),
        key_pem=take_key(certificate, how="secret", by=by, now=now),
        root_pem=pem_of(trusted(chain)),
    )


def served_pem(certificate: Certificate) -> str:
    """Return what the server shows: its certificate with the intermediates, never the root."""
    facts, chain = read_certificate(certificate.material.pem), require_chain(certificate)
    return pem_of((facts, *intermediates(chain)))


def _yaml(described: Described, pair: studio.ServingPair, now: dt.datetime) -> Taken:
    found = studio.manifests(described.extension, ca_pem=described.ca_pem, pair=pair)
    return Taken(
        filename=f"{described.extension.name}.yaml",
        content_type="application/yaml; charset=utf-8",
        body=studio.set_yaml(found).encode(),
    )


def _kustomize(described: Described, pair: studio.ServingPair, now: dt.datetime) -> Taken:
    found = studio.manifests(described.extension, ca_pem=described.ca_pem, pair=pair)
    files = studio.base_files(described.extension, found)
    return _packed(f"{described.extension.name}-kustomize.tar.gz", files, now)


def _helm(described: Described, pair: studio.ServingPair, now: dt.datetime) -> Taken:
    extension, ca_pem = described.extension, described.ca_pem
    found = studio.manifests(extension, ca_pem=ca_pem)
    files = studio.chart_files(extension, found, ca_pem=ca_pem, pair=pair)
    return _packed(f"{extension.name}-chart.tar.gz", files, now)


def _packed(filename: str, files: tuple[studio.StudioFile, ...], now: dt.datetime) -> Taken:
    return Taken(
        filename=filename, content_type="application/gzip", body=studio.pack(files, now=now)
    )


FORMS: Mapping[str, Callable[[Described, studio.ServingPair, dt.datetime], Taken]] = (
    MappingProxyType({"yaml": _yaml, "kustomize": _kustomize, "helm": _helm})
)
