"""Notices in words, and the message that carries them: the same for every channel."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from aggportal.certs.models import Authority
from aggportal.clusters.models import Cluster, Harm
from aggportal.notices.models import Notice, SubjectKind
from aggportal.web.sentences import visible, words
from aggportal.web.templatetags.portal import relative

_SAID = {
    (SubjectKind.CERTIFICATE, False): gettext_lazy("The certificate %(name)s ends %(when)s."),
    (SubjectKind.CERTIFICATE, True): gettext_lazy("The certificate %(name)s ended %(when)s."),
    (SubjectKind.AUTHORITY, False): gettext_lazy(
        "The authority %(name)s ends %(when)s, and with it everything that it issued."
    ),
    (SubjectKind.AUTHORITY, True): gettext_lazy(
        "The authority %(name)s ended %(when)s, and with it everything that it issued."
    ),
    (SubjectKind.LIST, False): gettext_lazy(
        "The revocation list of %(name)s should have been published anew; it ends %(when)s."
    ),
    (SubjectKind.LIST, True): gettext_lazy(
        "The revocation list of %(name)s was not published anew and ended %(when)s."
    ),
    # Where the finding itself is not kept any more.
    (SubjectKind.FINDING, False): gettext_lazy("The doctor found %(name)s %(when)s."),
    (SubjectKind.FINDING, True): gettext_lazy("The doctor found %(name)s %(when)s."),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One notice as it is told: `said` in words, `standing` what happened since, or empty.

    `path` leads to its subject's page.
    """

    notice: Notice
    said: str
    standing: str
    path: str

    @property
    def address(self) -> str:
        """The page's URL; its path where the portal does not know its own address."""
        return address_of(self.path)


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """The lines of one authority, soonest end first, or of one cluster; `title` names it."""

    title: str
    authority: Authority | None
    lines: tuple[Line, ...]
    cluster: Cluster | None = None

    @property
    def about(self) -> str:
        """What it is about in one word that no other group has."""
        if self.cluster is not None:
            return f"cluster-{self.cluster.slug}"
        return self.authority.slug if self.authority else "of-no-authority"


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What one channel is to carry at once; `more` notices beside those in `groups` are counted."""

    subject: str
    text: str
    groups: tuple[Group, ...] = ()
    more: int = 0


def one_line(text: object, *, limit: int = 200) -> str:
    """Return `text` fit for a header or a line: nothing invisible, nothing that ends the line."""
    flat = visible(text).replace("\n", "\\u{000A}")
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def address_of(path: str) -> str:
    """Return the URL of a page, or its path where the portal's own address is not set."""
    return f"{settings.PUBLIC_URL}{path}"


def line_of(notice: Notice, *, standing: str = "", now: dt.datetime) -> Line:
    """Return a notice in words."""
    said = _finding_said(notice) or _SAID[SubjectKind(notice.kind), notice.ends_at <= now] % {
        "name": one_line(notice.label),
        "when": when(notice.ends_at, now=now),
    }
    subject = notice.certificate or notice.authority or notice.finding
    path = subject.get_absolute_url() if subject else reverse("notices:notice_list")
    return Line(notice=notice, said=str(said), standing=standing, path=path)


def _finding_said(notice: Notice) -> str:
    """What the doctor found, with how bad it is; empty where it is about something else."""
    finding = notice.finding
    if finding is None or finding.said is None:
        return ""
    return _("%(harm)s in %(cluster)s, %(about)s: %(said)s") % {
        "harm": str(Harm(notice.stage).label).capitalize(),
        "cluster": one_line(finding.cluster.name),
        "about": one_line(finding.subject or _("the whole cluster")),
        "said": one_line(words(finding.said), limit=600),
    }


def when(ends: dt.datetime, *, now: dt.datetime) -> str:
    """Return a time as people say it, with the exact one beside it."""
    said = relative(ends, now=now).replace("\xa0", " ")
    return f"{said} ({ends.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC)"


def group_lines(lines: Iterable[Line]) -> tuple[Group, ...]:
    """Put lines under their authorities and clusters, everything soonest first."""
    found: dict[tuple[int | None, int | None], list[Line]] = {}
    for line in sorted(lines, key=lambda line: (line.notice.ends_at, line.notice.pk or 0)):
        finding = line.notice.finding
        key = (line.notice.authority_id, finding.cluster_id if finding else None)
        found.setdefault(key, []).append(line)
    return tuple(_group(tuple(each)) for each in found.values())


def _group(lines: tuple[Line, ...]) -> Group:
    authority, finding = lines[0].notice.authority, lines[0].notice.finding
    if finding is not None:
        title = _("Cluster %(name)s") % {"name": one_line(finding.cluster.name)}
        return Group(title=title, authority=None, cluster=finding.cluster, lines=lines)
    title = one_line(authority.label) if authority else _("Of no authority of ours")
    return Group(title=title, authority=authority, lines=lines)


def compose(lines: Sequence[Line], *, digest: bool, more: int = 0) -> Message:
    """Return the message that carries `lines`, at least one, and says how many `more` there are."""
    groups, count = group_lines(lines), len(lines) + more
    subject = f"AggPortal: {groups[0].lines[0].said}"
    if count > 1 or digest:
        subject = ngettext(
            "AggPortal: %(count)d notice: %(first)s",
            "AggPortal: %(count)d notices, the first: %(first)s",
            count,
        ) % {"count": count, "first": groups[0].lines[0].said}
    parts = [_group_text(group) for group in groups]
    if more:
        parts.append(_("And %(count)d more.") % {"count": more})
    text = "\n\n".join([*parts, _foot()])
    return Message(subject=one_line(subject), text=text, groups=groups, more=more)


def test_message() -> Message:
    """Return the message that a person sends to try a channel."""
    text = _("This is a test. Notices of what is ending will arrive like this.")
    return Message(subject=_("AggPortal: a test"), text=f"{text}\n\n{_foot()}")


# pytest would take it for a test of its own where a test imports it.
test_message.__test__ = False  # type: ignore[attr-defined]  # read by pytest alone


def _group_text(group: Group) -> str:
    return "\n\n".join([group.title, *(_line_text(line) for line in group.lines)])


def _line_text(line: Line) -> str:
    parts = [line.said, line.standing, line.address]
    return "- " + "\n  ".join(part for part in parts if part)


def _foot() -> str:
    return _("All notices: %(address)s") % {"address": address_of(reverse("notices:notice_list"))}
