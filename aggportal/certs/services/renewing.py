"""Renewing a certificate: a successor that points back, exactly one."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from cryptography import x509

from aggportal.certs.models import Authority, Certificate, Kind, SigningRequest
from aggportal.certs.services.holding import ask_certificate
from aggportal.certs.services.issuing import IssueChoices, issue_certificate, plan_for
from aggportal.certs.services.lost_keys import lost_keys
from aggportal.certs.services.succession import Succession, require_not_renewed
from aggportal.pki.errors import InvalidKey, PkiError
from aggportal.pki.jsontext import dump_json
from aggportal.pki.keys import PublicKey, key_spec_of
from aggportal.pki.plans import CertificatePlan
from aggportal.pki.reading import read_certificate
from aggportal.pki.renewal_differences import RenewalDifference, renewal_differences
from aggportal.pki.renewing import public_key_of, request_spec_of_certificate
from aggportal.pki.requests import dump_request_spec
from aggportal.pki.specs import RequestSpec
from aggportal.pki.weakkeys import require_strong_key
from aggportal.web.actors import Actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n


class NotRenewable(RefusedError):
    """This certificate is not renewed here, or not now."""

    code = "not-renewable"


class CompromisedKey(PkiError):
    """The key was revoked as compromised: no certificate for it again."""

    code = "compromised-key"


@dataclass(frozen=True, kw_only=True, slots=True)
class RenewChoices:
    """How to renew: under which authority and profile, and whether for the very same key."""

    authority: Authority
    issue: IssueChoices
    same_key: bool = False


def renew_certificate(
    certificate: Certificate,
    spec: RequestSpec,
    choices: RenewChoices,
    *,
    by: Actor,
    now: dt.datetime,
) -> Certificate:
    """Issue the successor of `certificate`; owner, notes and tags go with it, and a key that never
    leaves stays so. `spec.key` counts for a new key alone.

    Raises what `issue_certificate` raises, `NotRenewable`, `CompromisedKey` and `AlreadyRenewed`.
    """
    issue, fitting, succession = _fitted(certificate, spec, choices)
    authority = choices.authority
    return issue_certificate(authority, fitting, issue, by=by, now=now, succession=succession)


def ask_renewal(
    certificate: Certificate,
    spec: RequestSpec,
    choices: RenewChoices,
    *,
    by: Actor,
    now: dt.datetime,
) -> Certificate | SigningRequest:
    """Renew at once where one person is enough, else freeze the successor and return the request
    that waits for another person. Raises as `renew_certificate`, and `AlreadyProposed`.
    """
    issue, fitting, succession = _fitted(certificate, spec, choices)
    authority = choices.authority
    return ask_certificate(authority, fitting, issue, by=by, now=now, succession=succession)


def _fitted(
    certificate: Certificate, spec: RequestSpec, choices: RenewChoices
) -> tuple[IssueChoices, RequestSpec, Succession]:
    require_renewable(certificate)
    require_not_renewed(certificate)
    public_key = _same_key(certificate) if choices.same_key else None
    return (
        _fitting_choices(certificate, choices),
        _fitting_spec(spec, public_key),
        Succession(predecessor=certificate, public_key=public_key),
    )


def plan_renewal(
    certificate: Certificate, spec: RequestSpec, choices: RenewChoices, *, now: dt.datetime
) -> CertificatePlan:
    """Decide every field of the successor. Raises what `renew_certificate` would."""
    public_key = _same_key(certificate) if choices.same_key else None
    fitting = _fitting_choices(certificate, choices)
    return plan_for(choices.authority, _fitting_spec(spec, public_key), fitting, now=now)


def differences_from(
    certificate: Certificate, spec: RequestSpec, choices: RenewChoices, *, now: dt.datetime
) -> tuple[RenewalDifference, ...]:
    """Tell what the successor would have that its predecessor has not, and the other way round.

    Raises what `plan_renewal` raises.
    """
    return renewal_differences(
        read_certificate(certificate.material.pem),
        plan_renewal(certificate, spec, choices, now=now),
        before_profile=certificate.profile,
        same_key=choices.same_key,
    )


def spec_to_begin_with(certificate: Certificate) -> str:
    """Return the CSR JSON that `certificate` was made from, or what it has itself where it came
    from somebody's request or from elsewhere.
    """
    kept = certificate.material.request_spec
    if kept.strip():
        return kept
    try:
        return dump_json(dump_request_spec(request_spec_of_certificate(_loaded(certificate))))
    except InvalidKey:
        return dump_json({"CN": certificate.common_name, "hosts": list(certificate.hosts)})


def authority_to_begin_with(certificate: Certificate) -> Authority | None:
    """Return the authority that signed it, or the one that takes that one's place."""
    authority = certificate.authority
    return authority_in_place_of(authority) if authority else None


def authority_in_place_of(authority: Authority) -> Authority:
    """Return the authority under which its certificates are renewed: its successor where it has
    one.
    """
    successor = Authority.objects.filter(predecessor=authority, retired_at=None)
    return successor.select_related("key").first() or authority


def require_renewable(certificate: Certificate) -> None:
    """Refuse what is renewed elsewhere, and what is on hold. Raises `NotRenewable`."""
    if certificate.kind == Kind.AUTHORITY:
        raise NotRenewable(
            _n(
                "This is an authority's certificate: renew it on the authority's own page, or have "
                "whoever holds its key send a new request."
            )
        )
    if certificate.kind == Kind.RESPONDER:
        raise NotRenewable(_n("The OCSP responder renews its certificate itself."))
    if certificate.is_held:
        raise NotRenewable(
            _n(
                "It is on hold: a successor would undo that. Release it or revoke it for good, and "
                "renew it then."
            )
        )


def require_good_key(certificate: Certificate) -> None:
    """Refuse a key that somebody revoked as compromised. Raises `CompromisedKey`."""
    if lost_keys([certificate.spki_sha256]):
        raise CompromisedKey(
            _n(
                "A certificate for this key was revoked because the key is compromised: whoever "
                "has it could go on with the new certificate. Renew it with a new key."
            ),
            field="key_choice",
        )


def _require_no_authoritys_key(certificate: Certificate) -> None:
    """Certificates from elsewhere may be for any key, and nobody proved here to have it."""
    authority = Authority.objects.filter(spki_sha256=certificate.spki_sha256).first()
    if authority is not None:
        raise InvalidKey(
            _n(
                "This is the key of the authority %(name)s. A second certificate for it would let "
                "one purpose act as the other. Renew it with a new key."
            ),
            field="key_choice",
            name=authority.label,
        )


def _same_key(certificate: Certificate) -> PublicKey:
    require_good_key(certificate)
    _require_no_authoritys_key(certificate)
    key = public_key_of(_loaded(certificate))
    require_strong_key(key, field="key_choice")
    return key


def _fitting_spec(spec: RequestSpec, public_key: PublicKey | None) -> RequestSpec:
    return spec if public_key is None else replace(spec, key=key_spec_of(public_key))


def _fitting_choices(certificate: Certificate, choices: RenewChoices) -> IssueChoices:
    """The same key under a second certificate must not become a way out for a key that stays."""
    if choices.same_key and not certificate.exportable:
        return replace(choices.issue, exportable=False)
    return choices.issue


def _loaded(certificate: Certificate) -> x509.Certificate:
    return x509.load_pem_x509_certificate(certificate.material.pem.encode())
