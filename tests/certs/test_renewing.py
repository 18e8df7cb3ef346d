"""Renewing a certificate: one successor that takes over what it should."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from aggportal.certs.models import Authority, Certificate, Reason, SigningRequest, State, Tag
from aggportal.certs.services.issuing import IssueChoices
from aggportal.certs.services.received import Decision, sign_request
from aggportal.certs.services.renewing import (
    CompromisedKey,
    NotRenewable,
    RenewChoices,
    differences_from,
    renew_certificate,
    spec_to_begin_with,
)
from aggportal.certs.services.succession import AlreadyRenewed
from aggportal.ledger.models import Entry, Outcome
from aggportal.pki.requests import load_request_spec, parse_request_spec
from aggportal.pki.specs import RequestSpec
from tests.certs.makers import ANA, make_authority, make_certificate
from tests.certs.requests_made import PROFILE, hand_in

pytestmark = pytest.mark.django_db
LONG_AGO = dt.timedelta(days=800)


def spec_of(certificate: Certificate) -> RequestSpec:
    return parse_request_spec(spec_to_begin_with(certificate))


def renewed(
    certificate: Certificate,
    *,
    spec: RequestSpec | None = None,
    authority: Authority | None = None,
    same_key: bool = False,
    **choices: object,
) -> Certificate:
    chosen = authority or certificate.authority
    assert chosen is not None
    issue = {"profile": certificate.profile or PROFILE, "file_base": "again", **choices}
    return renew_certificate(
        certificate,
        spec or spec_of(certificate),
        RenewChoices(authority=chosen, issue=IssueChoices(**issue), same_key=same_key),
        by=ANA,
        now=timezone.now(),
    )


def revoke(certificate: Certificate, reason: Reason) -> None:
    certificate.revoked_at, certificate.revocation_reason = timezone.now(), reason
    certificate.save()


def test_a_successor_has_a_new_key_and_points_back() -> None:
    before = make_certificate(make_authority(), hosts=["a.example"])
    after = renewed(before)
    assert after.predecessor == before
    assert before.successor == after
    assert after.spki_sha256 != before.spki_sha256
    assert (after.names, after.subject) == (before.names, before.subject)
    assert after.serial != before.serial


def test_owner_notes_and_tags_go_with_it() -> None:
    before = make_certificate(make_authority())
    before.owner, before.notes = "team-a", "behind the load balancer"
    before.save()
    before.tags.add(Tag.objects.create(name="production"))
    after = renewed(before)
    assert (after.owner, after.notes) == ("team-a", "behind the load balancer")
    assert [tag.name for tag in after.tags.all()] == ["production"]


def test_the_same_key_is_sealed_anew_for_the_successor() -> None:
    before = make_certificate(make_authority())
    after = renewed(before, same_key=True)
    assert after.spki_sha256 == before.spki_sha256
    assert after.key is not None
    assert after.key_id != before.key_id
    assert after.key.open() == before.key.open()


def test_a_key_that_never_leaves_does_not_leave_by_a_renewal() -> None:
    before = make_certificate(make_authority())
    before.exportable = False
    before.save()
    assert not renewed(before, same_key=True, exportable=True).exportable


def test_somebody_elses_key_is_certified_again_without_having_it() -> None:
    asked = hand_in(make_authority())
    before = sign_request(asked, Decision(profile=PROFILE), by=ANA, now=timezone.now())
    after = renewed(before, same_key=True)
    assert after.key is None
    assert after.spki_sha256 == before.spki_sha256
    assert after.material.csr_pem == before.material.csr_pem
    assert after.names == before.names


def test_profile_and_hosts_may_change_and_the_differences_are_told() -> None:
    before = make_certificate(make_authority(), hosts=["a.example", "b.example"])
    spec = load_request_spec({"CN": "front-proxy-client", "hosts": ["b.example", "c.example"]})
    choices = RenewChoices(
        authority=before.authority,
        issue=IssueChoices(profile="extension-serving", file_base="again"),
    )
    told = {line.key: line for line in differences_from(before, spec, choices, now=timezone.now())}
    assert (told["names"].removed, told["names"].added) == (("dns a.example",), ("dns c.example",))
    assert told["profile"].added == ("extension-serving",)
    assert not told["subject"].differs
    assert renewed(before, spec=spec, profile="extension-serving").names.splitlines() == [
        "dns b.example",
        "dns c.example",
    ]


def test_an_expired_certificate_is_renewed() -> None:
    past = timezone.now() - LONG_AGO
    before = make_certificate(make_authority(now=past), now=past)
    assert before.not_after < timezone.now()
    assert renewed(before).not_after > timezone.now()


def test_nobody_renews_twice() -> None:
    before = make_certificate(make_authority())
    renewed(before)
    with pytest.raises(AlreadyRenewed):
        renewed(before)
    assert Certificate.objects.count() == 2
    assert SigningRequest.objects.filter(renews=before, state=State.ISSUED).count() == 1


def test_after_a_failed_renewal_one_may_try_again() -> None:
    before = make_certificate(make_authority())
    renewed(before)
    SigningRequest.objects.filter(renews=before).update(state=State.FAILED)
    Certificate.objects.filter(predecessor=before).update(predecessor=None)
    assert renewed(before).predecessor == before


@pytest.mark.parametrize("reason", [Reason.KEY_COMPROMISE, Reason.CA_COMPROMISE])
def test_a_compromised_key_is_not_certified_again(reason: Reason) -> None:
    before = make_certificate(make_authority())
    revoke(before, reason)
    with pytest.raises(CompromisedKey, match="new key"):
        renewed(before, same_key=True)
    assert renewed(before).predecessor == before


def test_a_revoked_certificate_whose_key_is_good_keeps_it() -> None:
    before = make_certificate(make_authority())
    revoke(before, Reason.SUPERSEDED)
    assert renewed(before, same_key=True).spki_sha256 == before.spki_sha256


def test_what_is_on_hold_is_not_renewed() -> None:
    before = make_certificate(make_authority())
    revoke(before, Reason.HOLD)
    with pytest.raises(NotRenewable, match="on hold"):
        renewed(before)


def test_a_certificate_of_another_issuer_goes_on_under_one_of_ours() -> None:
    ours = make_authority()
    before = make_certificate(make_authority("elsewhere"))
    before.authority, before.request, before.origin = None, None, "imported"
    before.key = None
    before.save()
    before.material.request_spec = ""
    before.material.save()
    after = renewed(before, authority=ours, profile=PROFILE)
    assert (after.authority, after.predecessor) == (ours, before)
    assert after.common_name == before.common_name


def test_both_stories_tell_of_it() -> None:
    before = make_certificate(make_authority())
    after = renewed(before)
    told = Entry.objects.get(action="certificate.renewed")
    assert (told.object_id, told.detail["successor"]) == (str(before.pk), after.pk)
    issued = Entry.objects.filter(action="certificate.issued").order_by("seq").last()
    assert issued is not None
    assert (issued.outcome, issued.detail["renews"]) == (Outcome.DONE, before.pk)
