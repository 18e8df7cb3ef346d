"""Two people on the pages: who asks, who approves, and what was looked at is what is signed."""

from __future__ import annotations

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from aggportal.certs.models import Certificate, Proposal, SigningRequest, State
from tests.certs.makers import make_authority
from tests.certs.pages_used import send as issue
from tests.certs.pages_used import typed
from tests.certs.requests_made import decided, filled, hand_in, seen_on, send, set_in_profile
from tests.certs.two_people_made import held, two_people_authority

pytestmark = pytest.mark.django_db
OTHER_PERSON = "somebody else must approve it"


def approve(client, asked: SigningRequest, sha256: str = ""):
    address = reverse("certs:request_approve", args=[asked.pk])
    return client.post(address, {"sha256": sha256 or asked.tbs_sha256})


def test_one_asks_and_another_approves_what_the_page_shows(client_of, issuer, approver) -> None:
    data = typed(two_people_authority(), CN="aggregator")
    panel = issue(client_of(issuer), data, to="certs:certificate_preview")
    assert "It needs two people" in panel.text
    asked_at = issue(client_of(issuer), data)["Location"]
    asked = SigningRequest.objects.get()
    own, other = client_of(issuer).get(asked_at).text, client_of(approver).get(asked_at).text
    assert (OTHER_PERSON in own, "Approve and sign" in own) == (True, False)
    assert (OTHER_PERSON in other, "Approve and sign" in other) == (False, True)
    assert asked.tbs_sha256 in own
    made = approve(client_of(approver), asked)
    assert made["Location"] == Certificate.objects.get().get_absolute_url()
    after = client_of(issuer).get(asked_at).text
    assert (asked.tbs_sha256 in after, "abel" in after) == (True, True)


def test_an_administrator_is_no_exception_and_strangers_have_no_say(
    client_of, administrator, issuer, viewer
) -> None:
    issue(client_of(administrator), typed(two_people_authority(), CN="aggregator"))
    asked = SigningRequest.objects.get()
    page = client_of(administrator).get(asked.get_absolute_url()).text
    assert (OTHER_PERSON in page, "Approve and sign" in page) == (True, False)
    for person in (administrator, issuer, viewer):
        assert approve(client_of(person), asked).status_code == 403
    assert not Certificate.objects.exists()


def test_the_list_tells_who_waits_for_whom(client_of, viewer) -> None:
    held(two_people_authority())
    text = client_of(viewer).get(reverse("certs:request_list")).text
    assert "waits for another person" in text
    assert "anybody who may approve but asker" in text


def test_other_bytes_a_second_click_and_wrong_methods(client_of, approver) -> None:
    asked, client = held(two_people_authority()), client_of(approver)
    assert approve(client, asked, "0" * 64).status_code == 409
    assert client.get(reverse("certs:request_approve", args=[asked.pk])).status_code == 405
    assert approve(client, asked).status_code == 302
    late = approve(client, asked)
    assert (late.status_code, "before you" in late.text) == (409, True)
    assert Certificate.objects.count() == 1


def test_what_changed_or_is_too_old_says_so_and_is_not_signed(client_of, approver) -> None:
    authority, client = two_people_authority(), client_of(approver)
    old = held(authority, "old")
    Proposal.objects.update(expires_at=timezone.now() - dt.timedelta(minutes=1))
    assert "must be proposed anew" in client.get(old.get_absolute_url()).text
    assert approve(client, old).status_code == 409
    changed = held(authority, "changed")
    set_in_profile(authority, expiry="1h")
    page = approve(client, changed)
    assert (page.status_code, "not what was looked at" in page.text) == (409, True)
    assert "changed since this was frozen" in page.text
    assert not Certificate.objects.exists()


def test_a_held_one_is_rejected_with_a_reason(client_of, approver) -> None:
    asked, client = held(two_people_authority()), client_of(approver)
    assert send(client, asked, "reject", {"reason": ""}).status_code == 422
    assert send(client, asked, "reject", {"reason": "not needed"}).status_code == 302
    assert "not needed" in client.get(asked.get_absolute_url()).text


def test_somebodys_request_waits_for_another_person_and_is_not_signed_otherwise(
    client_of, issuer, approver
) -> None:
    data = filled(two_people_authority())
    handed = client_of(issuer).post(reverse("certs:request_new"), data, follow=True)
    assert OTHER_PERSON in handed.text
    asked = SigningRequest.objects.get()
    signing = send(client_of(approver), asked, "sign", decided(asked))
    assert (signing.status_code, Certificate.objects.count()) == (409, 0)
    assert approve(client_of(approver), asked).status_code == 302


def test_a_power_name_in_a_request_is_proposed_to_another_administrator(
    client_of, approver, administrator
) -> None:
    asked = hand_in(make_authority(), subject=[("CN", "web"), ("O", "system:masters")])
    data = decided(asked, O="system:masters")
    assert send(client_of(approver), asked, "sign", data).status_code == 422
    reason = {"override_reason": "breaking the glass in May"}
    proposed = send(client_of(approver), asked, "sign", data | reason)
    assert proposed["Location"] == asked.get_absolute_url()
    asked.refresh_from_db()
    assert (asked.state, asked.is_held) == (State.PENDING, True)
    assert approve(client_of(approver), asked).status_code == 403
    assert approve(client_of(administrator), asked).status_code == 302
    assert Certificate.objects.get().override_reason == reason["override_reason"]


def test_what_an_approver_saw_is_what_is_signed(client_of, approver) -> None:
    authority = make_authority()
    asked, client = hand_in(authority), client_of(approver)
    seen = {"seen": seen_on(client.get(asked.get_absolute_url()))}
    set_in_profile(authority, expiry="1h")
    changed = send(client, asked, "sign", decided(asked) | seen)
    assert (changed.status_code, Certificate.objects.count()) == (409, 0)
    for wrong in ("", "x", seen["seen"][:-2]):
        refused = send(client, asked, "sign", decided(asked) | {"seen": wrong})
        assert refused.status_code == 409
    again = {"seen": seen_on(changed)}
    assert send(client, asked, "sign", decided(asked) | again).status_code == 302
    assert Certificate.objects.count() == 1


def test_a_change_after_looking_is_compared_before_it_is_signed(client_of, approver) -> None:
    asked, client = hand_in(make_authority()), client_of(approver)
    seen = {"seen": seen_on(client.get(asked.get_absolute_url()))}
    other = decided(asked, hosts="b.example")
    refused = send(client, asked, "sign", other | seen)
    assert (refused.status_code, "b.example" in refused.text) == (409, True)
    assert send(client, asked, "sign", other | {"seen": seen_on(refused)}).status_code == 302
    assert Certificate.objects.get().names == "dns b.example"
