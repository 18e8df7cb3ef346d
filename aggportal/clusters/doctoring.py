"""From findings and the last examination to what the doctor's page shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _

from aggportal.accounts.models import User
from aggportal.accounts.roles import has_role
from aggportal.certs.models import Authority
from aggportal.clusters.health import Worst, symbol_of, tone_of, worst_of
from aggportal.clusters.liveness import Liveness
from aggportal.clusters.models import Cluster, Examination, Finding, WatchedAPIService
from aggportal.clusters.remedies import (
    Link,
    Surroundings,
    command_for,
    last_rotation,
    links_for,
)
from aggportal.clusters.standing import Stood, load_standing
from aggportal.doctor.findings import Verdict
from aggportal.kube.permissions import AccessRule, render_forwarding, render_rules
from aggportal.kube.secret_access import render_secret_access

MOST_GROUPS = 60
_CONFIG_MAP_RULE = AccessRule(verb="get", resource="configmaps")
# Nobody needs all Secrets: the page Drift has a Role for those that are mounted.
_SECRET_RULE = AccessRule(verb="get", resource="secrets")
_FORWARD = "pods/portforward"
_BIND_READER = (
    "kubectl create rolebinding aggportal-authentication-reader --namespace kube-system \\\n"
    "  --role extension-apiserver-authentication-reader --serviceaccount aggportal:aggportal"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """One finding as it is shown, with what may be done about it by the one who looks."""

    finding: Finding
    tone: str
    symbol: str
    link: Link | None
    command: str
    muted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """The findings that hurt the same thing; `url` leads to it where it has a page."""

    title: str
    url: str
    mono: bool
    cards: tuple[Card, ...]

    @property
    def rank(self) -> tuple[int, bool, str]:
        return min(card.finding.harm for card in self.cards), self.mono, self.title


@dataclass(frozen=True, kw_only=True, slots=True)
class DoctorPage:
    """All that the page shows. `left_out` groups are not shown, since there are too many."""

    cluster: Cluster
    examination: Examination
    liveness: Liveness
    worst: Worst | None
    groups: tuple[Group, ...]
    left_out: int
    muted: tuple[Card, ...]
    unchecked: tuple[Stood, ...]
    passed: tuple[Stood, ...]
    inapplicable: tuple[Stood, ...]
    rules: str
    forwarding: str
    secret_access: str
    bind_reader: str
    authority: Authority | None
    chosen: bool

    @property
    def mark(self) -> str:
        """What the page has shown; another one means that it is to be drawn anew."""
        return mark_of(self.examination, self.liveness)


def mark_of(examination: Examination | None, liveness: Liveness) -> str:
    """Changes with everything that the page shows."""
    version = examination.version if examination else 0
    return f"{version}-{liveness.mark}"


def make_doctor_page(
    cluster: Cluster, liveness: Liveness, *, user: User | AnonymousUser, now: dt.datetime
) -> DoctorPage:
    """Read what is open, and what the last examination said of the rest."""
    examination = getattr(cluster, "examination", None) or Examination(cluster=cluster)
    found = list(Finding.objects.unresolved().filter(cluster=cluster).worst_first())
    cards = _cards(cluster, examination, found, user=user, now=now)
    loud = [card for card in cards if not card.muted]
    groups = sorted(_groups(cluster, loud), key=lambda group: group.rank)
    stood = load_standing(examination.standing)
    unchecked = _having(stood, Verdict.UNCHECKED)
    rules = {each.rule for each in unchecked if each.rule is not None}
    return DoctorPage(
        cluster=cluster,
        examination=examination,
        liveness=liveness,
        worst=worst_of(card.finding for card in loud),
        groups=tuple(groups[:MOST_GROUPS]),
        left_out=max(len(groups) - MOST_GROUPS, 0),
        muted=tuple(card for card in cards if card.muted),
        unchecked=unchecked,
        passed=_having(stood, Verdict.PASSED),
        inapplicable=_having(stood, Verdict.INAPPLICABLE),
        rules=render_rules(
            {r for r in rules if not r.namespace} - {_CONFIG_MAP_RULE, _SECRET_RULE}
        ),
        forwarding=render_forwarding(r.namespace for r in rules if r.resource == _FORWARD),
        secret_access=render_secret_access((r.namespace, r.name) for r in rules if r.name),
        # That one ConfigMap has a Role of its own: nobody needs all of them.
        bind_reader=_BIND_READER if _CONFIG_MAP_RULE in rules else "",
        authority=cluster.front_proxy or examination.recognised,
        chosen=cluster.front_proxy_id is not None,
    )


def _having(stood: Sequence[Stood], verdict: Verdict) -> tuple[Stood, ...]:
    found = (each for each in stood if each.verdict == verdict)
    return tuple(sorted(found, key=lambda each: each.code))


def _cards(
    cluster: Cluster,
    examination: Examination,
    found: Sequence[Finding],
    *,
    user: User | AnonymousUser,
    now: dt.datetime,
) -> list[Card]:
    rows = WatchedAPIService.objects.filter(cluster=cluster).defer("raw")
    subjects = {each.subject for each in found if each.subject}
    around = Surroundings(
        cluster=cluster,
        front_proxy=cluster.front_proxy or examination.recognised,
        serving=cluster.serving_authorities.first(),
        services={row.name: row for row in rows if row.name in subjects},
        rotation=last_rotation(cluster),
    )
    cards = []
    for finding in found:
        finding.cluster = cluster
        allowed = (each for each in links_for(finding, around) if has_role(user, each.role))
        cards.append(
            Card(
                finding=finding,
                tone=tone_of(finding.harm),
                symbol=symbol_of(finding.harm),
                link=next(allowed, None),
                command=command_for(finding),
                muted=finding.is_muted(now=now),
            )
        )
    return cards


def _groups(cluster: Cluster, cards: Iterable[Card]) -> list[Group]:
    found: dict[str, list[Card]] = {}
    for card in cards:
        finding = card.finding
        hurt = finding.subject or ("I" if finding.code.startswith("I") else "")
        found.setdefault(hurt, []).append(card)
    return [_group(cluster, hurt, tuple(each)) for hurt, each in found.items()]


def _group(cluster: Cluster, hurt: str, cards: tuple[Card, ...]) -> Group:
    if hurt == "":
        title = _("Every aggregated API: whom they trust, and how they are reached")
        return Group(title=title, url="", mono=False, cards=cards)
    if hurt == "I":
        title = _("Those who use the cluster")
        return Group(title=title, url="", mono=False, cards=cards)
    row = WatchedAPIService(cluster=cluster, name=hurt)
    return Group(title=hurt, url=row.get_absolute_url(), mono=True, cards=cards)
