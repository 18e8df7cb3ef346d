"""From the last comparison to what the page Drift shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.urls import reverse
from django.utils.translation import gettext as _

from aggportal.accounts.models import User
from aggportal.accounts.roles import Role, has_role
from aggportal.certs.models import Authority
from aggportal.clusters.doctoring import mark_of
from aggportal.clusters.drift_rows import Compared, load_rows
from aggportal.clusters.liveness import Liveness
from aggportal.clusters.models import Cluster, Drift, Examination, Finding, WatchedAPIService
from aggportal.clusters.remedies import Link, Surroundings, command_for, links_for, repair_url
from aggportal.doctor.drift import SECRET_RULE, Kind, Stand
from aggportal.doctor.findings import Deed
from aggportal.kube.permissions import AccessRule, render_rules
from aggportal.kube.secret_access import render_secret_access

_CONFIG_MAP_RULE = AccessRule(verb="get", resource="configmaps")


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What is compared and what it came to, with what may be done by the one who looks."""

    row: Compared
    url: str
    links: tuple[Link, ...]
    command: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """The rows of one kind, by verdict."""

    kind: str
    title: str
    differs: tuple[Line, ...]
    unknown: tuple[Line, ...]
    unmanaged: tuple[Line, ...]
    same: tuple[Line, ...]

    @property
    def tone(self) -> str:
        """bad, warn, ok or old, as the pills are called: green only where all was compared."""
        if self.differs:
            return "bad"
        if self.unknown:
            return "warn"
        return "ok" if self.same else "old"


@dataclass(frozen=True, kw_only=True, slots=True)
class DriftPage:
    """All that the page shows. `secret_access` is YAML that lets the portal read the Secrets."""

    cluster: Cluster
    examination: Examination
    liveness: Liveness
    drift: Drift | None
    sections: tuple[Section, ...]
    left_out: int
    rules: str
    secret_access: str
    bind_reader: bool
    authority: Authority | None

    @property
    def mark(self) -> str:
        """What the page has shown; another one means that it is to be drawn anew."""
        return mark_of(self.examination, self.liveness)


def make_drift_page(
    cluster: Cluster, liveness: Liveness, *, user: User | AnonymousUser
) -> DriftPage:
    """Read the last comparison."""
    examination = getattr(cluster, "examination", None) or Examination(cluster=cluster)
    drift = Drift.objects.filter(cluster=cluster).first()
    rows = load_rows(drift.rows) if drift else ()
    around = _around(cluster, examination, rows)
    lines = [_line(row, around, user=user) for row in rows]
    rules = {row.rule for row in rows if row.rule is not None}
    return DriftPage(
        cluster=cluster,
        examination=examination,
        liveness=liveness,
        drift=drift,
        sections=_sections(lines),
        left_out=sum(row.more for row in rows if row.stand is Stand.DIFFERS),
        rules=render_rules(rules - {_CONFIG_MAP_RULE, SECRET_RULE}),
        secret_access=render_secret_access(_secrets(drift)),
        bind_reader=_CONFIG_MAP_RULE in rules,
        authority=around.front_proxy,
    )


def _secrets(drift: Drift | None) -> list[tuple[str, str]]:
    """Those that pods mount, as namespace and name."""
    found = [secret.partition("/") for secret in (drift.secrets if drift else [])]
    return [(namespace, name) for namespace, _slash, name in found]


def _around(cluster: Cluster, examination: Examination, rows: Iterable[Compared]) -> Surroundings:
    subjects = {row.subject for row in rows if row.stand is Stand.DIFFERS}
    services = WatchedAPIService.objects.filter(cluster=cluster, name__in=subjects).defer("raw")
    return Surroundings(
        cluster=cluster,
        front_proxy=cluster.front_proxy or examination.recognised,
        serving=cluster.serving_authorities.first(),
        services={row.name: row for row in services},
    )


def _sections(lines: list[Line]) -> tuple[Section, ...]:
    titles = {
        Kind.TRUST: _("Whom extension API servers believe"),
        Kind.BUNDLE: _("caBundle of each APIService"),
        Kind.SERVING: _("Serving certificates"),
        Kind.FLAGS: _("Flags of kube-apiserver"),
    }
    found = []
    for kind, title in titles.items():
        of = {
            stand: tuple(
                line for line in lines if line.row.kind is kind and line.row.stand is stand
            )
            for stand in Stand
        }
        if any(of.values()):
            parts = {str(stand): rows for stand, rows in of.items()}
            found.append(Section(kind=str(kind), title=title, **parts))
    return tuple(found)


def _line(row: Compared, around: Surroundings, *, user: User | AnonymousUser) -> Line:
    finding = Finding(
        cluster=around.cluster, subject=row.subject, deed=row.deed or "", command=row.command
    )
    differs = row.stand is Stand.DIFFERS
    links = [*links_for(finding, around), *_further_links(row, around)] if differs else []
    watched = WatchedAPIService(cluster=around.cluster, name=row.subject)
    return Line(
        row=row,
        url=watched.get_absolute_url() if row.subject and row.count == 1 else "",
        links=tuple(link for link in links if has_role(user, link.role)),
        command=command_for(finding),
    )


def _further_links(row: Compared, around: Surroundings) -> Iterator[Link]:
    """To rotations; to the certificate of ours that ought to be there, and to writing it there."""
    watched = around.services.get(row.subject)
    if row.deed == Deed.ROTATE:
        url = reverse("clusters:rotation_list", args=[around.cluster.slug])
        yield Link(url=url, label=_("Rotations"), role=Role.VIEWER, css="quiet")
    if not row.certificate:
        return
    if row.secret and watched is not None:
        name = row.secret.partition("/")[2]
        query = {"certificate": row.certificate, "name": name}
        yield Link(
            url=repair_url(watched, "secret", query),
            label=_("Write it into the Secret…"),
            role=Role.ADMINISTRATOR,
        )
    url = reverse("certs:certificate_show", args=[row.certificate])
    yield Link(url=url, label=_("The certificate that we issued"), role=Role.VIEWER, css="quiet")
