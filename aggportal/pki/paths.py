"""Every way from a certificate up to a root, each judged by RFC 5280 section 6.

Building goes by names and signatures alone (RFC 4158); judging looks at dates, basic constraints,
path lengths, key usages, extended usages, name constraints and critical extensions, of the root
too, as OpenSSL, Go and cryptography do. Extended usages of authorities bind all below them, which
RFC 5280 leaves open and every TLS library does. Revocation is not looked at.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from aggportal.pki.constrained import Bearer, names_borne, violations
from aggportal.pki.constraints import constraints_of
from aggportal.pki.errors import InvalidCertificate, PkiError
from aggportal.pki.facts import LIBRARY_ERRORS, CertificateFacts, is_issued_by
from aggportal.pki.reading import load_certificate
from aggportal.words import gettext_noop as _n

MAX_DEPTH = 12
MAX_PATHS = 20
# Pairs of certificates whose signature is looked at: many of one name must not cost hours.
MAX_SIGNATURES = 400
# RFC 5280 section 4.2: what judging here understands, or what changes nothing for it.
_UNDERSTOOD = frozenset(
    (
        "2.5.29.14",  # subject key identifier
        "2.5.29.15",  # key usage
        "2.5.29.17",  # subject alternative name
        "2.5.29.19",  # basic constraints
        "2.5.29.30",  # name constraints
        "2.5.29.32",  # certificate policies, which only a wanted policy would make count
        "2.5.29.35",  # authority key identifier
        "2.5.29.37",  # extended key usage
    )
)
_SERVER = ("digital signature", "key encipherment", "key agreement")
_LEAF_USAGES = {"server auth": _SERVER, "client auth": ("digital signature", "key agreement")}


class PathProblem(PkiError):
    """Why verifiers refuse a path; `field` is the certificate's place, 0 the end."""

    code = "path-problem"


@dataclass(frozen=True, kw_only=True, slots=True)
class Path:
    """One way up, end certificate first. `is_anchored` tells whether it ends in a given root;
    `problems` is what hinders it.
    """

    certificates: tuple[CertificateFacts, ...]
    is_anchored: bool
    problems: tuple[PkiError, ...] = ()

    @property
    def is_good(self) -> bool:
        return self.is_anchored and not self.problems

    @property
    def root(self) -> CertificateFacts:
        """The highest certificate."""
        return self.certificates[-1]


@dataclass(slots=True)
class _Search:
    """What is known while one climbs; `left` are the signatures that may still be looked at."""

    intermediates: tuple[CertificateFacts, ...]
    roots: tuple[CertificateFacts, ...]
    left: int = MAX_SIGNATURES
    signed: dict[tuple[str, str], bool] = field(default_factory=dict)

    def issued(self, child: CertificateFacts, issuer: CertificateFacts) -> bool:
        if child.issuer != issuer.subject:
            return False
        pair = child.sha256, issuer.sha256
        if pair not in self.signed:
            if not self.left:
                return False
            self.left -= 1
            self.signed[pair] = is_issued_by(load_certificate(child), load_certificate(issuer))
        return self.signed[pair]


def find_paths(
    leaf: CertificateFacts,
    *,
    intermediates: Iterable[CertificateFacts],
    roots: Iterable[CertificateFacts],
    usage: str = "",
    now: dt.datetime,
) -> tuple[Path, ...]:
    """Return every way up from `leaf`, good ones first, then shorter ones; at most `MAX_PATHS`.

    `usage` is "server auth", "client auth" or empty for any. Without a root a way ends where no
    issuer is known. A certificate with the same name and key stands in a path once.
    """
    known_roots = {root.sha256: root for root in roots}
    between = {c.sha256: c for c in intermediates if c.sha256 not in known_roots}
    between.pop(leaf.sha256, None)
    search = _Search(intermediates=tuple(between.values()), roots=tuple(known_roots.values()))
    found = []
    for steps, anchored in _climb((leaf,), search):
        problems = tuple(path_problems(steps, usage=usage, now=now))
        found.append(Path(certificates=steps, is_anchored=anchored, problems=problems))
        if len(found) == MAX_PATHS:
            break
    return tuple(
        sorted(found, key=lambda p: (not p.is_good, not p.is_anchored, len(p.certificates)))
    )


def _climb(
    steps: tuple[CertificateFacts, ...], search: _Search
) -> Iterator[tuple[tuple[CertificateFacts, ...], bool]]:
    top = steps[-1]
    if any(root.sha256 == top.sha256 for root in search.roots):
        yield steps, True
        return
    ended = True
    for issuer, is_root in _issuers(top, search):
        if any(_same(issuer, step) for step in steps):
            continue
        ended = False
        if is_root:
            yield (*steps, issuer), True
        elif len(steps) < MAX_DEPTH:
            yield from _climb((*steps, issuer), search)
    if ended:
        yield steps, False


def _issuers(
    certificate: CertificateFacts, search: _Search
) -> Iterator[tuple[CertificateFacts, bool]]:
    for root in search.roots:
        if search.issued(certificate, root):
            yield root, True
    for between in search.intermediates:
        if search.issued(certificate, between):
            yield between, False


def _same(one: CertificateFacts, other: CertificateFacts) -> bool:
    return one.subject == other.subject and one.spki_sha256 == other.spki_sha256


def path_problems(
    path: Sequence[CertificateFacts], *, usage: str = "", now: dt.datetime
) -> Iterator[PkiError]:
    """Yield why a verifier would refuse `path` (end certificate first), from the end upwards."""
    for place, certificate in enumerate(path):
        yield from _time_problems(certificate, place, now)
        yield from _extension_problems(certificate, place)
        yield from _usage_problems(certificate, place, usage, is_anchor=place == len(path) - 1)
        if place:
            yield from _authority_problems(path, place)
    yield from _constraint_problems(path)


def _problem(text: str, place: int, certificate: CertificateFacts, **params: object) -> PathProblem:
    return PathProblem(text, field=str(place), name=certificate.subject, **params)


def _time_problems(
    certificate: CertificateFacts, place: int, now: dt.datetime
) -> Iterator[PathProblem]:
    if now < certificate.not_before:
        words = _n("“%(name)s” is valid only from %(since)s.")
        since = f"{certificate.not_before:%Y-%m-%d %H:%M} UTC"
        yield _problem(words, place, certificate, since=since)
    if now > certificate.not_after:
        words = _n("“%(name)s” expired on %(until)s.")
        until = f"{certificate.not_after:%Y-%m-%d %H:%M} UTC"
        yield _problem(words, place, certificate, until=until)


def _extension_problems(certificate: CertificateFacts, place: int) -> Iterator[PathProblem]:
    for extension in load_certificate(certificate).extensions:
        oid = extension.oid.dotted_string
        if extension.critical and oid not in _UNDERSTOOD:
            words = _n("“%(name)s” has a critical extension that is not understood here (%(oid)s).")
            yield _problem(words, place, certificate, oid=oid)


def _usage_problems(
    certificate: CertificateFacts, place: int, usage: str, *, is_anchor: bool
) -> Iterator[PathProblem]:
    if not usage:
        return
    extended = certificate.extended_usages
    if extended and usage not in extended and "any" not in extended and not (is_anchor and place):
        words = _n("“%(name)s” is limited to other uses than “%(usage)s” (%(usages)s).")
        yield _problem(words, place, certificate, usage=usage, usages=", ".join(extended))
    wanted = _LEAF_USAGES.get(usage, ())
    if not place and certificate.key_usages and not set(wanted) & set(certificate.key_usages):
        words = _n("The key usage of “%(name)s” does not go with “%(usage)s”.")
        yield _problem(words, place, certificate, usage=usage)


def _authority_problems(path: Sequence[CertificateFacts], place: int) -> Iterator[PathProblem]:
    certificate = path[place]
    if not certificate.is_ca:
        words = _n("“%(name)s” signed the one below it, but is no authority.")
        yield _problem(words, place, certificate)
        return
    if certificate.key_usages and "cert sign" not in certificate.key_usages:
        words = _n("The key usage of “%(name)s” does not let it sign certificates.")
        yield _problem(words, place, certificate)
    below = sum(1 for each in path[1:place] if each.subject != each.issuer)
    if certificate.path_length is not None and below > certificate.path_length:
        words = _n("“%(name)s” allows %(limit)d authorities below itself, and there are %(below)d.")
        limit = certificate.path_length
        yield _problem(words, place, certificate, limit=limit, below=below)


def _constraint_problems(path: Sequence[CertificateFacts]) -> Iterator[PkiError]:
    """Hold the names of each certificate against the constraints of all above it (6.1.3 (b), (c));
    those of authorities that issued themselves are passed over.
    """
    for place, certificate in enumerate(path[1:], start=1):
        try:
            constraints = constraints_of(load_certificate(certificate))
        except InvalidCertificate:
            words = _n("The name constraints of “%(name)s” cannot be read.")
            yield _problem(words, place, certificate)
            continue
        if constraints.foreign:
            words = _n("“%(name)s” constrains names of a kind that is not understood here.")
            yield _problem(words, place, certificate)
        for lower, each in enumerate(path[:place]):
            if lower and each.subject == each.issuer:
                continue
            for problem in violations(constraints, _names(each)):
                yield PathProblem(
                    problem.sentence.text, field=str(lower), **problem.sentence.params
                )


def _names(certificate: CertificateFacts) -> tuple[Bearer, ...]:
    try:
        return names_borne(load_certificate(certificate))
    except LIBRARY_ERRORS:
        return ()
