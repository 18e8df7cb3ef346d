"""Certificates of ours that an extension API server can serve, and making one more."""

from __future__ import annotations

import datetime as dt

from django.db.models import QuerySet

from aggportal.certs.models import Authority, Certificate, Kind
from aggportal.certs.services.file_names import base_name_of
from aggportal.certs.services.issuing import IssueChoices, issue_certificate
from aggportal.certs.services.renewal_work import renew_like_before
from aggportal.certs.services.renewing import authority_to_begin_with
from aggportal.certs.signing_configs import config_of
from aggportal.clusters.models import WatchedAPIService
from aggportal.pki.covering import names_that_cover
from aggportal.pki.specs import RequestSpec
from aggportal.web.actors import Actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n

_SERVER = "server auth"
_PREFERRED = "extension-serving"
# RFC 5280, ub-common-name. kube-apiserver does not look at the CN, only at the names.
_LONGEST_CN = 64


class NothingToIssueFrom(RefusedError):
    """The authority has no profile for servers, or none of ours renews the certificate."""

    code = "nothing-to-issue-from"


def serving_name(row: WatchedAPIService) -> str:
    """The DNS name that kube-apiserver checks the serving certificate for."""
    return f"{row.service_name}.{row.service_namespace}.svc"


def fitting_certificates(row: WatchedAPIService, *, now: dt.datetime) -> QuerySet[Certificate]:
    """Good leaves of ours that name the Service of `row` and whose key may leave; newest first."""
    good = Certificate.objects.good(now=now).covering(names_that_cover(serving_name(row)))
    mine = good.filter(kind=Kind.LEAF, key__isnull=False, exportable=True)
    return mine.select_related("authority", "material").order_by("-not_before", "-pk")


def issue_serving(
    row: WatchedAPIService, authority: Authority, *, by: Actor, now: dt.datetime
) -> Certificate:
    """Issue a serving certificate for the Service of `row`, with a new key. Raises RefusedError."""
    profile = _server_profile(authority)
    if profile is None:
        text = _n("%(name)s has no profile for servers. Add one to it, or choose another.")
        raise NothingToIssueFrom(text, field="authority", name=authority.label)
    name = serving_name(row)
    hosts = (name, f"{name}.cluster.local", name.removesuffix(".svc"))
    spec = RequestSpec(
        common_name=name if len(name) <= _LONGEST_CN else row.service_name, hosts=hosts
    )
    choices = IssueChoices(profile=profile, file_base=base_name_of(name), end_with_authority=True)
    return issue_certificate(authority, spec, choices, by=by, now=now)


def renew_serving(certificate: Certificate, *, by: Actor, now: dt.datetime) -> Certificate:
    """Renew it with a new key and everything else as it was. Raises RefusedError."""
    authority = authority_to_begin_with(certificate)
    if authority is None:
        text = _n("No authority of ours signed “%(name)s”, so it is not renewed here.")
        raise NothingToIssueFrom(text, field="certificate", name=str(certificate))
    return renew_like_before(certificate, authority, same_key=False, by=by, now=now)


def _server_profile(authority: Authority) -> str | None:
    config = config_of(authority)
    names = [profile.name for profile in config.profiles if _SERVER in profile.usages]
    if _PREFERRED in names:
        return _PREFERRED
    usual = ["default"] if _SERVER in config.default.usages else []
    return next(iter([*names, *usual]), None)
