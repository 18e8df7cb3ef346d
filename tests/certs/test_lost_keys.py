"""Keys that are known to be compromised, and certificates that were revoked: nothing new for them
behind anybody's back.
"""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from aggportal.certs.models import (
    Authority,
    Certificate,
    ItemState,
    Lane,
    Reason,
    SealedKey,
    State,
)
from aggportal.certs.services.authority_renewing import renew_authority
from aggportal.certs.services.chains import Retired
from aggportal.certs.services.importing import Incoming, store_imported
from aggportal.certs.services.issuing import IssueChoices
from aggportal.certs.services.received import Decision, sign_request
from aggportal.certs.services.renewal_runs import RunChoices, start_run
from aggportal.certs.services.renewal_work import work_off_runs
from aggportal.certs.services.renewing import RenewChoices, renew_certificate
from aggportal.certs.services.revoking import RevocationChoices, revoke_certificates
from aggportal.ledger.models import Entry, Outcome
from aggportal.pki.errors import InvalidKey
from aggportal.pki.reading import read_certificate
from aggportal.pki.requests import load_request_spec
from aggportal.vault.errors import CannotOpen
from tests.certs.chains_made import answered, make_intermediate, outside
from tests.certs.makers import ANA, P256, make_authority, make_certificate
from tests.certs.requests_made import PROFILE, hand_in, set_in_profile

pytestmark = pytest.mark.django_db
MADE = dt.timedelta(days=350)


def revoke(row: Certificate, reason: Reason) -> None:
    choices = RevocationChoices(reason=reason)
    revoke_certificates([row.pk], choices, by=ANA, now=timezone.now())


@pytest.mark.parametrize("reason", [Reason.CESSATION, Reason.HOLD, Reason.KEY_COMPROMISE])
def test_what_is_revoked_after_a_run_was_started_is_not_renewed_by_it(reason):
    authority = make_authority(now=timezone.now() - MADE)
    revoked, other = (
        make_certificate(authority, name, now=timezone.now() - MADE) for name in ("a", "b")
    )
    run = start_run(authority, RunChoices(within_days=30), by=ANA, now=timezone.now())
    revoke(revoked, reason)
    work_off_runs(now=timezone.now(), seconds=60.0)
    states = dict(run.items.values_list("certificate", "state"))
    assert states == {revoked.pk: ItemState.REFUSED, other.pk: ItemState.RENEWED}
    assert "revoked meanwhile" in run.items.get(certificate=revoked).reason


def test_a_request_for_a_compromised_key_is_refused_at_the_door_and_when_it_waits():
    authority = make_authority()
    first = hand_in(authority)
    waits = hand_in(make_authority("other"))
    made = sign_request(first, Decision(profile=PROFILE), by=ANA, now=timezone.now())
    revoke(made, Reason.KEY_COMPROMISE)
    with pytest.raises(InvalidKey, match="compromised"):
        hand_in(authority)
    with pytest.raises(InvalidKey, match="compromised"):
        sign_request(waits, Decision(profile=PROFILE), by=ANA, now=timezone.now())
    waits.refresh_from_db()
    assert waits.state == State.PENDING


@pytest.mark.parametrize(
    ("reason", "issues"), [(Reason.CA_COMPROMISE, False), (Reason.SUPERSEDED, True)]
)
def test_an_authority_whose_key_was_lost_under_an_earlier_certificate_issues_no_more(
    reason, issues
):
    below = make_intermediate(make_authority("root", lane=Lane.SERVING))
    earlier = Certificate.objects.get(made_authority=below)
    seen, life = below.fingerprint_sha256, dt.timedelta(days=300)
    after = renew_authority(
        Authority.objects.get(pk=below.pk), life=life, seen=seen, by=ANA, now=timezone.now()
    )
    assert after.issued_as != earlier
    revoke(earlier, reason)
    if issues:
        assert make_certificate(after, "api.wardle.svc", profile="extension-serving")
        return
    with pytest.raises(Retired, match="compromised"):
        make_certificate(after, "api.wardle.svc", profile="extension-serving")


def test_an_authority_is_never_signed_without_a_decision():
    authority = make_authority()
    set_in_profile(authority, auto_sign=True)
    assert hand_in(authority).state == State.ISSUED
    other = make_authority("other")
    set_in_profile(
        other, auto_sign=True, usages=["cert sign", "crl sign"], ca_constraint={"is_ca": True}
    )
    assert hand_in(other).state == State.PENDING


def test_a_strangers_certificate_for_an_authoritys_key_is_not_renewed_for_that_key():
    ours, other = make_authority(), make_authority("other")
    facts = read_certificate(answered(ours.csr_pem, outside()))
    brought = store_imported(Incoming(facts=facts), by=ANA, now=timezone.now())
    spec = load_request_spec({"CN": "web", "hosts": ["web.example.com"], "key": P256})
    issue = IssueChoices(profile="aggregator", file_base="web")
    choices = RenewChoices(authority=other, issue=issue, same_key=True)
    with pytest.raises(InvalidKey, match="key of the authority"):
        renew_certificate(brought, spec, choices, by=ANA, now=timezone.now())
    assert not other.certificates.exists()


def test_an_authority_that_could_not_be_renewed_has_its_failure_in_the_ledger():
    first, second = make_authority("a"), make_authority("b")
    stolen = second.key
    SealedKey.objects.filter(pk=first.key.pk).update(
        ciphertext=stolen.ciphertext, nonce=stolen.nonce, wrapped_key=stolen.wrapped_key
    )
    seen, authority = first.fingerprint_sha256, Authority.objects.get(pk=first.pk)
    with pytest.raises(CannotOpen):
        renew_authority(authority, life=None, seen=seen, by=ANA, now=timezone.now())
    told = Entry.objects.filter(action="authority.renewed").order_by("seq")
    assert list(told.values_list("outcome", flat=True)) == [Outcome.INTENDED, Outcome.FAILED]
