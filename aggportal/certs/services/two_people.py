"""When one person is not enough: profiles that ask for two, and names that are power."""

from __future__ import annotations

import datetime as dt

from cryptography import x509

from aggportal.certs.models import Authority, SigningRequest
from aggportal.certs.services.lanes import Passed, dangers_of
from aggportal.certs.signing_configs import config_of
from aggportal.pki.errors import PkiError
from aggportal.pki.frozen import tbs_sha256
from aggportal.pki.keys import PublicKey, require_allowed_key
from aggportal.pki.lanes import power_of, require_lane_kept
from aggportal.pki.plans import CertificatePlan
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n

# The kind of proposal that a signing request waits with.
SIGN = "sign"


class NeedsTwoPeople(PkiError):
    """The profile wants another person's approval, and nobody was asked for it."""

    code = "needs-two-people"


class PlanChanged(RefusedError):
    """What would be signed is not what was looked at or approved."""

    code = "plan-changed"


def wants_two_people(authority: Authority, profile: str) -> bool:
    """Tell whether what is signed under `profile` needs another person. Raises UnknownProfile."""
    return config_of(authority).profile(profile).two_people


def require_one_is_enough(authority: Authority, profile: str) -> None:
    """Refuse to sign at once what needs another person. Raises `NeedsTwoPeople`."""
    if wants_two_people(authority, profile):
        raise NeedsTwoPeople(
            _n(
                "The profile %(profile)s wants two people: it is not issued at once. Ask for it on "
                "the page for new certificates, and let somebody else approve it."
            ),
            field="profile",
            profile=profile,
        )


def passed_by_two(
    authority: Authority,
    plan: CertificatePlan,
    *,
    override_reason: str,
    power_reason: str,
    now: dt.datetime,
) -> Passed:
    """Return what two people let pass. `override_reason` is an administrator's and counts for
    everything, `power_reason` is that of whoever asks and counts for names of power alone.

    Raises as `pki.lanes.require_lane_kept`.
    """
    dangers = dangers_of(authority, plan, now=now)
    power = power_of(dangers)
    others = tuple(danger for danger in dangers if not danger.is_power)
    reason = power_reason if power_reason.strip() else override_reason
    kept = (
        require_lane_kept(power, override_reason=reason, granted=True),
        require_lane_kept(others, override_reason=override_reason),
    )
    return Passed(dangers=dangers, reason=next(filter(None, kept), ""), granted=bool(power))


def digest_of_plan(authority: Authority, plan: CertificatePlan, public_key: PublicKey) -> str:
    """Return the SHA-256 (hex) of the bytes that `authority` would sign."""
    own = x509.load_pem_x509_certificate(authority.certificate_pem.encode())
    signer = require_allowed_key(own.public_key())
    return tbs_sha256(plan, public_key=public_key, signer=signer)


def plan_changed() -> PlanChanged:
    return PlanChanged(
        _n(
            "What would be signed now is not what was looked at: the profile, the authority or the "
            "request changed meanwhile. Look at it again; nothing was signed."
        )
    )


def drop_key(request: SigningRequest) -> None:
    """Delete the key of a request that comes to nothing, in the caller's transaction."""
    row = request.key
    if row is None:
        return
    request.key = None
    SigningRequest.objects.filter(pk=request.pk).update(key=None)
    row.delete()
