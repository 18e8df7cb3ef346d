"""What keeps a certificate from a job in the aggregation layer: refusals that say what to do.

Every function yields the problems of one kind; none means that all is well.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from aggportal.pki.covering import covers
from aggportal.pki.errors import PkiError
from aggportal.pki.facts import CertificateFacts, is_issued_by
from aggportal.pki.reading import load_certificate
from aggportal.words import gettext_noop as _n


class NotSignedByAuthority(PkiError):
    """The signature is not that of the authority's key."""

    code = "not-signed-by-authority"


class AuthorityCannotSign(PkiError):
    """The issuer may not sign certificates, or not of this use."""

    code = "authority-cannot-sign"


class IsTheAuthority(PkiError):
    """The certificate is the authority's own."""

    code = "is-the-authority"


class UsageMissing(PkiError):
    """The certificate does not allow the use that the job needs."""

    code = "usage-missing"


class NotYetValid(PkiError):
    """Its time has not come."""

    code = "not-yet-valid"


class Expired(PkiError):
    """Its time is over."""

    code = "expired"


class AuthorityNotValidNow(PkiError):
    """The authority's own time has not come or is over."""

    code = "authority-not-valid-now"


class CommonNameNotAllowed(PkiError):
    """The CN is not among the names that extension API servers will accept."""

    code = "common-name-not-allowed"


class ServiceNameMissing(PkiError):
    """The names do not cover the one name that kube-apiserver checks."""

    code = "service-name-missing"


class WeakSignature(PkiError):
    """The signature's digest is broken and refused by Go."""

    code = "weak-signature"


def issuer_problems(leaf: CertificateFacts, ca: CertificateFacts) -> Iterator[PkiError]:
    if not is_issued_by(load_certificate(leaf), load_certificate(ca)):
        yield NotSignedByAuthority(
            _n(
                "It was not signed by “%(authority)s” but names “%(issuer)s” as its issuer; a "
                "name alone proves nothing. Choose a certificate of that authority, or its "
                "authority."
            ),
            field="certificate",
            authority=ca.subject,
            issuer=leaf.issuer,
        )
    if not ca.is_ca or (ca.key_usages and "cert sign" not in ca.key_usages):
        yield AuthorityCannotSign(
            _n(
                "“%(authority)s” is not a certificate authority, so nothing that it signed is "
                "trusted. Choose the authority's certificate."
            ),
            field="authority",
            authority=ca.subject,
        )


def identity_problems(
    certificate: CertificateFacts, authority: CertificateFacts
) -> Iterator[PkiError]:
    if certificate.spki_sha256 == authority.spki_sha256:
        yield IsTheAuthority(
            _n(
                "This is the authority itself. Its key must not lie on a server: issue a "
                "certificate from it for the front proxy."
            ),
            field="certificate",
        )
        return
    yield from issuer_problems(certificate, authority)


def usage_problems(certificate: CertificateFacts, usage: str) -> Iterator[PkiError]:
    if not _may_be_used_for(certificate, usage) or not certificate.extended_usages:
        yield UsageMissing(
            _n(
                "It has no “%(usage)s” among its extended usages (%(usages)s), so the other side "
                "refuses it. Issue one from a profile with that usage."
            ),
            field="certificate",
            usage=usage,
            usages=", ".join(certificate.extended_usages) or "-",
        )
    if certificate.key_usages and "digital signature" not in certificate.key_usages:
        yield UsageMissing(
            _n(
                "Its key may not make digital signatures (%(usages)s), and TLS proves with one "
                "who is speaking. Issue one from a profile with the usage “signing”."
            ),
            field="certificate",
            usages=", ".join(certificate.key_usages),
        )
    if certificate.signature.endswith(("SHA-1", "MD5")):
        yield WeakSignature(
            _n(
                "It is signed by %(signature)s, which can be forged and is refused since "
                "Kubernetes 1.24. Issue a new one."
            ),
            field="certificate",
            signature=certificate.signature,
        )


def _may_be_used_for(certificate: CertificateFacts, usage: str) -> bool:
    """Go's rule for every certificate of a path: no extended usages mean all of them."""
    return not certificate.extended_usages or bool(
        {usage, "any"} & set(certificate.extended_usages)
    )


def time_problems(certificate: CertificateFacts, now: dt.datetime) -> Iterator[PkiError]:
    if now < certificate.not_before:
        yield NotYetValid(
            _n(
                "It is valid only from %(since)s. Wait, or look at the clocks, or issue one that "
                "begins now."
            ),
            field="certificate",
            since=_moment(certificate.not_before),
        )
    if now > certificate.not_after:
        yield Expired(
            _n("It expired on %(until)s. Renew it."),
            field="certificate",
            until=_moment(certificate.not_after),
        )


def authority_problems(
    authority: CertificateFacts, usage: str, now: dt.datetime
) -> Iterator[PkiError]:
    if not _is_valid(authority, now):
        yield AuthorityNotValidNow(
            _n(
                "The authority “%(authority)s” is valid from %(since)s to %(until)s, which is not "
                "now, so nothing that it signed is accepted. Make a new authority and issue from "
                "it."
            ),
            field="authority",
            authority=authority.subject,
            since=_moment(authority.not_before),
            until=_moment(authority.not_after),
        )
    if not _may_be_used_for(authority, usage):
        yield AuthorityCannotSign(
            _n(
                "The authority “%(authority)s” is limited to %(usages)s, so its certificates do "
                "not count for “%(usage)s”. Choose another authority."
            ),
            field="authority",
            authority=authority.subject,
            usages=", ".join(authority.extended_usages),
            usage=usage,
        )


def name_problems(
    certificate: CertificateFacts, allowed_names: Sequence[str]
) -> Iterator[PkiError]:
    if allowed_names and certificate.common_name not in allowed_names:
        yield CommonNameNotAllowed(
            _n(
                "Its CN “%(cn)s” is not among the allowed names (%(names)s), so every extension "
                "API server would answer 401. Add the name, or issue a certificate with one of "
                "them."
            ),
            field="allowed_names",
            cn=certificate.common_name,
            names=", ".join(allowed_names),
        )


def service_problems(certificate: CertificateFacts, name: str) -> Iterator[PkiError]:
    if not any(covers(pattern, name) for pattern in certificate.names("dns")):
        yield ServiceNameMissing(
            _n(
                "Its names do not hold %(name)s, and kube-apiserver checks that name only, never "
                "the CN and never an IP address. Issue one with that host."
            ),
            field="certificate",
            name=name,
        )


def trust_problems(
    certificate: CertificateFacts, bundle: Sequence[CertificateFacts], now: dt.datetime
) -> Iterator[PkiError]:
    if any(known.sha256 == certificate.sha256 for known in bundle):
        return
    issuers = [ca for ca in bundle if not list(issuer_problems(certificate, ca))]
    if not issuers:
        yield NotSignedByAuthority(
            _n(
                "No certificate in the bundle signed it, so kube-apiserver "
                "answers 503 (“signed by unknown authority”). Put the certificate of “%(issuer)s” "
                "into caBundle."
            ),
            field="bundle",
            count=len(bundle),
            issuer=certificate.issuer,
        )
    elif not any(not list(authority_problems(ca, "server auth", now)) for ca in issuers):
        yield from authority_problems(issuers[0], "server auth", now)


def _is_valid(certificate: CertificateFacts, now: dt.datetime) -> bool:
    return certificate.not_before <= now <= certificate.not_after


def _moment(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
