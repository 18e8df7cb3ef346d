"""What can be done about a finding from here, as a link for those who may."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from aggportal.accounts.roles import Role
from aggportal.certs.models import Authority
from aggportal.clusters.models import Cluster, Finding, Rotation, WatchedAPIService
from aggportal.clusters.models.rotations import RotationKind, RotationState
from aggportal.doctor.findings import Deed

_PROXY_NAME = "front-proxy-client"


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A page of the portal that mends it; whoever holds `role` may go there. `css` is its look."""

    url: str
    label: str
    role: Role
    css: str = "primary"


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What a link is made of: the authorities, the APIServices by name, the last rotation of the
    cluster's front-proxy CA that was not stopped.
    """

    cluster: Cluster
    front_proxy: Authority | None
    serving: Authority | None
    services: Mapping[str, WatchedAPIService]
    rotation: Rotation | None = None


def last_rotation(cluster: Cluster) -> Rotation | None:
    """The newest rotation of its front-proxy CA that is under way or done."""
    rows = Rotation.objects.filter(cluster=cluster, kind=RotationKind.FRONT_PROXY_CA)
    found = rows.exclude(state=RotationState.STOPPED).order_by("-pk").first()
    if found is not None:
        found.cluster = cluster
    return found


def links_for(finding: Finding, around: Surroundings) -> tuple[Link, ...]:
    """Where `finding` can be mended, the best first; none where it cannot be mended from here."""
    row = around.services.get(finding.subject)
    if finding.deed == Deed.ISSUE_SERVING and row is not None and not row.is_local:
        return _serving_links(row, around.serving)
    link = _link_for(finding, row, around)
    return (link,) if link else ()


def repair_url(row: WatchedAPIService, what: str, query: Mapping[str, str] | None = None) -> str:
    """The page that repairs `bundle` or `secret` of an APIService."""
    return _address(f"{row.get_absolute_url()}{what}/", query or {})


def _link_for(finding: Finding, row: WatchedAPIService | None, around: Surroundings) -> Link | None:
    match finding.deed:
        case Deed.PATCH_BUNDLE if row is not None and not row.is_local and not row.automanaged:
            return Link(
                url=repair_url(row, "bundle", _of(around.serving)),
                label=_("Repair the caBundle…"),
                role=Role.ADMINISTRATOR,
            )
        case Deed.ISSUE_PROXY:
            return Link(
                url=_proxy_url(around.front_proxy),
                label=_("Issue a proxy client certificate"),
                role=Role.ISSUER,
            )
        case Deed.FLAGS:
            query = {"authority": around.front_proxy.slug} if around.front_proxy else {}
            return Link(
                url=_address(reverse("snippets:flags_show"), query),
                label=_("Render the flags"),
                role=Role.VIEWER,
            )
        case Deed.DELETE_APISERVICE if row is not None and not row.automanaged:
            return Link(
                url=f"{row.get_absolute_url()}delete/",
                label=_("Delete the APIService…"),
                role=Role.ADMINISTRATOR,
                css="quiet",
            )
        case Deed.FINISH_ROTATION:
            rotations = reverse("clusters:rotation_list", args=[around.cluster.slug])
            return Link(
                url=around.rotation.get_absolute_url() if around.rotation else rotations,
                label=_("To the rotation that takes it out"),
                role=Role.VIEWER,
            )
        case Deed.ROTATE:
            rotation = reverse("clusters:rotation_new", args=[around.cluster.slug])
            return Link(
                url=_address(rotation, {"kind": "front_proxy_ca"}),
                label=_("Rotate the front-proxy CA…"),
                role=Role.ADMINISTRATOR,
            )
    return None


def command_for(finding: Finding) -> str:
    """What to type where no page mends it; the finding's own command first."""
    if finding.command:
        return finding.command
    if finding.deed == Deed.PATCH_BUNDLE and finding.subject.isprintable():
        return _PATCH % {"name": shlex.quote(finding.subject)}
    return ""


def _serving_links(row: WatchedAPIService, authority: Authority | None) -> tuple[Link, ...]:
    """Whoever may write into clusters does it all on one page; others issue and hand over."""
    return (
        Link(
            url=repair_url(row, "secret"),
            label=_("Write a new serving certificate into the cluster…"),
            role=Role.ADMINISTRATOR,
        ),
        Link(
            url=_serving_url(row, authority),
            label=_("Issue the serving certificate"),
            role=Role.ISSUER,
        ),
    )


_PATCH = """\
kubectl patch apiservice %(name)s --type merge \\
  --patch "{\\"spec\\":{\\"caBundle\\":\\"$(base64 -w0 < ca.pem)\\"}}"\
"""


def _serving_url(row: WatchedAPIService, authority: Authority | None) -> str:
    name = f"{row.service_name}.{row.service_namespace}"
    hosts = [f"{name}.svc", f"{name}.svc.cluster.local", name]
    query = {"profile": "extension-serving", "cn": hosts[0], "hosts": ",".join(hosts)}
    return _address(reverse("certs:certificate_new"), _of(authority) | query)


def _proxy_url(authority: Authority | None) -> str:
    name = next(iter(authority.proxy_names), _PROXY_NAME) if authority else _PROXY_NAME
    query = {"profile": "front-proxy-client", "cn": name}
    return _address(reverse("certs:certificate_new"), _of(authority) | query)


def _of(authority: Authority | None) -> dict[str, str]:
    return {"authority": authority.slug} if authority else {}


def _address(url: str, query: Mapping[str, str]) -> str:
    return f"{url}?{urlencode(query)}" if query else url
