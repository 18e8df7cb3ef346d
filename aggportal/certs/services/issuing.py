"""Issuing: the intent is recorded before the signature, and nothing is shown that is not stored."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from aggportal.certs.keeping import NOTHING_SAID, Keeping
from aggportal.certs.models import (
    Authority,
    Certificate,
    Mode,
)
from aggportal.certs.services.chains import issuer_for
from aggportal.certs.services.intents import (
    Signed,
    create_intent,
    record_failure,
    store_certificate,
)
from aggportal.certs.services.lanes import require_certificate_lane
from aggportal.certs.services.signers import signer_of
from aggportal.certs.services.signing import sign_plan
from aggportal.certs.services.succession import Succession
from aggportal.certs.services.two_people import require_one_is_enough
from aggportal.certs.signing_configs import config_of
from aggportal.pki.csrs import csr_pem, make_csr
from aggportal.pki.errors import InvalidField
from aggportal.pki.exports import require_base_name
from aggportal.pki.issuing import plan_certificate
from aggportal.pki.jsontext import dump_json
from aggportal.pki.keys import PrivateKey, PublicKey, generate_key
from aggportal.pki.plans import CertificatePlan
from aggportal.pki.requests import dump_request_spec
from aggportal.pki.specs import RequestSpec
from aggportal.vault.errors import VaultError
from aggportal.web.actors import Actor
from aggportal.words import RefusedError, gettext_noop


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueChoices:
    """How to issue. `compat` does as cfssl does; `end_with_authority` cuts the life at the
    authority's own end; unless `exportable`, the private key never leaves.

    `override_reason` lets pass what the authority's trust lane forbids; only an administrator may
    give it. `power_reason` says why somebody asks for a name that is power, which another person
    must approve. `keeping` is what people say of the certificate; a
    successor has its predecessor's instead.
    """

    profile: str
    file_base: str
    compat: bool = False
    end_with_authority: bool = False
    override_reason: str = ""
    power_reason: str = ""
    exportable: bool = True
    keeping: Keeping = NOTHING_SAID


def plan_for(
    authority: Authority, spec: RequestSpec, choices: IssueChoices, *, now: dt.datetime
) -> CertificatePlan:
    """Decide every field of the certificate that would be issued.

    Raises what the core refuses, and UnknownProfile.
    """
    profile = config_of(authority).profile(choices.profile)
    issuer = issuer_for(authority)
    return plan_certificate(
        spec,
        profile=profile,
        issuer=issuer,
        now=now,
        compat=choices.compat or authority.mode == Mode.COMPAT,
        end_with_issuer=choices.end_with_authority,
    )


def issue_certificate(
    authority: Authority,
    spec: RequestSpec,
    choices: IssueChoices,
    *,
    by: Actor,
    now: dt.datetime,
    succession: Succession | None = None,
) -> Certificate:
    """Make a key, sign a certificate for it, store both; with `succession` as the successor of
    another. Raises what the core refuses, before anything is stored, `AlreadyRenewed`, and
    `NeedsTwoPeople` and `ReservedIdentity` for what another person must approve.

    The intent (the request with its reserved serial, and a ledger entry) is committed before the
    authority's key is opened. A crash in between leaves the request in state `signing`.
    """
    require_own_file_name(choices.file_base, authority)
    require_one_is_enough(authority, choices.profile)
    plan = plan_for(authority, spec, choices, now=now)
    passed = require_certificate_lane(
        authority, plan, override_reason=choices.override_reason, now=now
    )
    spec_text = dump_json(dump_request_spec(spec))
    predecessor = succession.predecessor if succession else None
    request = create_intent(authority, plan, spec_text, by=by, now=now, renews=predecessor)
    request.override_reason = passed.reason
    try:
        key, public_key = _keys_for(spec, succession)
        if key is not None:
            request.csr_pem = csr_pem(make_csr(spec, key=key, compat=plan.compat))
        with signer_of(authority) as issuer_key:
            signed = sign_plan(plan, public_key=public_key, issuer_key=issuer_key, passed=passed)
    except (RefusedError, VaultError) as refused:
        record_failure(request, refused, by=by, now=now)
        raise
    made = Signed(
        certificate=signed,
        file_base=choices.file_base,
        key=key,
        exportable=choices.exportable,
        keeping=choices.keeping,
        detail={
            "compat": choices.compat,
            "exportable": choices.exportable,
            **({"kept": choices.keeping.told} if choices.keeping != NOTHING_SAID else {}),
            **passed.detail,
            **({"renews": predecessor.pk} if predecessor else {}),
        },
    )
    return store_certificate(request, made, by=by, now=now)


def _keys_for(
    spec: RequestSpec, succession: Succession | None
) -> tuple[PrivateKey | None, PublicKey]:
    """Return a new key, or the predecessor's: its public half alone where the private one is
    elsewhere.
    """
    if succession is None or succession.public_key is None:
        key = generate_key(spec.key)
        return key, key.public_key()
    return succession.open_key(), succession.public_key


def require_own_file_name(base: str, authority: Authority) -> None:
    """Refuse an unsafe name, and the authority's own: the archive holds the files of both."""
    require_base_name(base, field="file_base")
    if base == authority.file_base:
        raise InvalidField(
            gettext_noop("The authority's own files are called “%(base)s”. Choose another name."),
            field="file_base",
            base=base,
        )
