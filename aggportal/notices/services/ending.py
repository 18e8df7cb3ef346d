"""Finding what ends: certificates, authorities and revocation lists that may need a warning.

Certificates are chosen by the database with the same thresholds that `deciding` then applies to
each: of a million rows only those that may be due are read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from aggportal.certs.models import Authority, Certificate, Kind, RevocationList
from aggportal.notices.deciding import (
    DAY,
    LOOK_BACK,
    Stage,
    day_stages,
    late_stages,
    shortest_life,
)
from aggportal.notices.models import Notice, SubjectKind
from aggportal.notices.services.rules import DEFAULTS, RuleBook, Rules
from aggportal.notices.subjects import Subject

# No sixth of a responder's life is longer.
RESPONDER_SPAN = 60 * DAY


def standing_certificates(*, now: dt.datetime) -> QuerySet[Certificate]:
    """Certificates whose end would matter: not revoked, without a good successor, and not those of
    our own authorities and responders, which are told of by themselves.
    """
    successors = Certificate.objects.good(now=now).filter(predecessor=OuterRef("pk"))
    rows = Certificate.objects.filter(~Exists(successors), revoked_at=None, made_authority=None)
    return rows.exclude(kind=Kind.RESPONDER).select_related("authority")


def standing_responders() -> QuerySet[Certificate]:
    """The newest certificate of each authority that signs its OCSP answers."""
    newest = Certificate.objects.filter(authority=OuterRef("authority"), kind=Kind.RESPONDER)
    return Certificate.objects.filter(
        pk=Subquery(newest.order_by("-pk").values("pk")[:1]), revoked_at=None
    ).select_related("authority")


def standing_authorities(*, now: dt.datetime) -> QuerySet[Authority]:
    """Authorities whose end would matter: not revoked, and nobody took their place."""
    return Authority.objects.filter(issued_as__revoked_at=None).filter(
        Q(successor=None) | Q(successor__not_after__lt=now)
    )


def standing_lists(*, now: dt.datetime) -> QuerySet[RevocationList]:
    """The newest revocation list of each authority that has not ended itself."""
    newest = RevocationList.objects.filter(authority=OuterRef("authority")).order_by("-number")
    return (
        RevocationList.objects.filter(
            pk=Subquery(newest.values("pk")[:1]),
            authority__not_after__gte=now,
            authority__issued_as__revoked_at=None,
        )
        .select_related("authority")
        .defer("der")
    )


def subject_of_certificate(certificate: Certificate, rules: Rules) -> Subject:
    """Return a certificate as a subject under `rules`."""
    life = certificate.not_after - certificate.not_before
    return Subject(
        kind=SubjectKind.CERTIFICATE,
        pk=certificate.pk,
        identity=certificate.fingerprint_sha256,
        label=str(certificate)[:300],
        begins=certificate.not_before,
        ends=certificate.not_after,
        authority_id=certificate.authority_id,
        stages=_certificate_stages(certificate, rules, life=life),
    )


def subject_of_authority(authority: Authority, rules: Rules) -> Subject:
    """Return an authority as a subject under `rules`."""
    life = authority.not_after - authority.not_before
    return Subject(
        kind=SubjectKind.AUTHORITY,
        pk=authority.pk,
        identity=authority.spki_sha256,
        label=authority.label,
        begins=authority.not_before,
        ends=authority.not_after,
        authority_id=authority.pk,
        stages=day_stages(rules.authority_days, life=life),
    )


def subject_of_list(newest: RevocationList) -> Subject:
    """Return an authority's newest revocation list as a subject."""
    return Subject(
        kind=SubjectKind.LIST,
        pk=newest.authority_id,
        identity=newest.authority.spki_sha256,
        label=newest.authority.label,
        begins=newest.this_update,
        ends=newest.next_update,
        authority_id=newest.authority_id,
        stages=late_stages(life=newest.next_update - newest.this_update),
    )


def _certificate_stages(
    certificate: Certificate, rules: Rules, *, life: dt.timedelta
) -> tuple[Stage, ...]:
    match certificate.kind:
        case Kind.RESPONDER:  # renews itself
            return late_stages(life=life)
        case Kind.AUTHORITY:
            return day_stages(rules.authority_days, life=life)
    return day_stages(rules.days, life=life)


def candidates(book: RuleBook, *, now: dt.datetime, limit: int) -> list[Subject]:
    """Subjects that may be due, at most `limit` certificates per rule; the rule decides itself."""
    found: list[Subject] = []
    for rules, chosen in _governed(book):
        if rules.enabled:
            rows = _certificates(chosen, rules, now=now)[:limit]
            found += [subject_of_certificate(row, rules) for row in rows]
    found += _responders(book, now=now)
    found += _authorities(book, now=now)
    found += _lists(book, now=now)
    return found


def _governed(book: RuleBook) -> Iterator[tuple[Rules, Q]]:
    """Yield each set of rules with a condition for the certificates that it governs."""
    for rules, ids in book.groups():
        known = Q(authority__in=[each for each in ids if each is not None])
        yield rules, known | Q(authority=None) if None in ids else known
    own = [authority_id for authority_id in book.own if authority_id is not None]
    others = Q(authority__isnull=False) & ~Q(authority__in=own)
    yield DEFAULTS, others if None in book.own else others | Q(authority=None)


def _certificates(chosen: Q, rules: Rules, *, now: dt.datetime) -> QuerySet[Certificate]:
    """Those between two thresholds that were not noticed at the nearer one or a tighter one."""
    due = _windows(rules.days, kind=Kind.LEAF, now=now)
    due |= _windows(rules.authority_days, kind=Kind.AUTHORITY, now=now)
    return standing_certificates(now=now).filter(chosen, due).order_by("not_after", "pk")


def _windows(days: Iterable[int], *, kind: Kind, now: dt.datetime) -> Q:
    """`due_stage` in the database's words, or rows that are never due would fill every round."""
    due, after = Q(pk__in=[]), now - LOOK_BACK
    for each in sorted(set(days)):
        said = Notice.objects.filter(
            kind=SubjectKind.CERTIFICATE,
            subject_id=OuterRef("pk"),
            ends_at=OuterRef("not_after"),
            stage__lte=each,
        )
        window = Q(~Exists(said), kind=kind, not_after__gt=after, not_after__lte=now + each * DAY)
        if each:
            window &= Q(not_before__lt=F("not_after") - shortest_life(each))
        due |= window
        after = now + each * DAY
    return due


def _responders(book: RuleBook, *, now: dt.datetime) -> list[Subject]:
    """The few certificates that renew themselves."""
    rows = standing_responders().filter(
        kind=Kind.RESPONDER, not_after__gt=now - LOOK_BACK, not_after__lte=now + RESPONDER_SPAN
    )
    pairs = [(row, book.of(row.authority_id)) for row in rows]
    return [subject_of_certificate(row, rules) for row, rules in pairs if rules.enabled]


def _authorities(book: RuleBook, *, now: dt.datetime) -> list[Subject]:
    rows = standing_authorities(now=now).filter(not_after__gt=now - LOOK_BACK)
    pairs: Sequence[tuple[Authority, Rules]] = [(row, book.of(row.pk)) for row in rows]
    return [subject_of_authority(row, rules) for row, rules in pairs if rules.enabled]


def _lists(book: RuleBook, *, now: dt.datetime) -> list[Subject]:
    rows = standing_lists(now=now)
    watched = [row for row in rows if book.of(row.authority_id).enabled]
    return [subject_of_list(row) for row in watched if book.of(row.authority_id).lists]
