"""Whether a certificate can do its job in the aggregation layer, decided as kube-apiserver would,
but with words.

Signatures are really verified. The library's own path verifier is not used: it wants a subject
alternative name, which proxy client certificates commonly lack, and takes a permit-all policy to
mean that no usage matters. All refusals of one certificate come together: `CannotProxy` and
`CannotServe` carry them in `.problems`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from aggportal.pki.errors import CannotProxy, CannotServe
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.misfits import (
    authority_problems,
    identity_problems,
    issuer_problems,
    name_problems,
    service_problems,
    time_problems,
    trust_problems,
    usage_problems,
)
from aggportal.words import gettext_noop as _n


def require_signed_by(leaf: CertificateFacts, ca: CertificateFacts) -> None:
    """Refuse a `leaf` that `ca` did not sign itself.

    Raises `NotSignedByAuthority`, `AuthorityCannotSign`.
    """
    for problem in issuer_problems(leaf, ca):
        raise problem


def require_can_proxy(
    certificate: CertificateFacts,
    *,
    authority: CertificateFacts,
    allowed_names: Sequence[str],
    now: dt.datetime,
) -> None:
    """Refuse what cannot stand behind --proxy-client-cert-file with `authority` as the
    requestheader CA.

    Empty `allowed_names` accept any CN, as kube-apiserver does; warning of that is the caller's
    matter. Raises `CannotProxy`.
    """
    problems = [
        *identity_problems(certificate, authority),
        *usage_problems(certificate, "client auth"),
        *time_problems(certificate, now),
        *authority_problems(authority, "client auth", now),
        *name_problems(certificate, allowed_names),
    ]
    if problems:
        raise CannotProxy(
            _n("“%(subject)s” cannot be the proxy client certificate: %(reasons)s"),
            reasons=problems,
            subject=certificate.subject,
        )


def require_can_serve(
    certificate: CertificateFacts,
    *,
    bundle: Sequence[CertificateFacts],
    service: str,
    namespace: str,
    now: dt.datetime,
) -> None:
    """Refuse what kube-apiserver would not accept from `service` in `namespace` with `bundle` as
    caBundle.

    As in Go, any issuer in `bundle` is an anchor, and so is the certificate itself. Raises
    `CannotServe`.
    """
    problems = [
        *usage_problems(certificate, "server auth"),
        *time_problems(certificate, now),
        *service_problems(certificate, f"{service}.{namespace}.svc"),
        *trust_problems(certificate, bundle, now),
    ]
    if problems:
        raise CannotServe(
            _n("“%(subject)s” cannot serve %(service)s: %(reasons)s"),
            reasons=problems,
            subject=certificate.subject,
            service=f"{service}.{namespace}",
        )
