"""The pages that revoke, release and publish."""

from __future__ import annotations

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from aggportal.certs.models import Authority, Certificate, Kind, Reason
from aggportal.certs.services.revoking import RevocationChoices, revoke_certificates
from aggportal.ledger.models import Entry
from tests.certs.makers import ANA, make_authority, make_certificate

pytestmark = pytest.mark.django_db
MANY = reverse("certs:certificates_revoke")


@pytest.fixture
def certificate(db) -> Certificate:
    return make_certificate(make_authority())


@pytest.fixture
def ada(client_of, administrator):
    return client_of(administrator)


def page(deed: str, certificate: Certificate) -> str:
    return reverse(f"certs:certificate_{deed}", args=[certificate.pk])


def filled(certificate: Certificate, **changed: str) -> dict[str, str]:
    name = str(certificate)
    return {"reason": "superseded", "invalid_since": "", "confirm": name, **changed}


def hold(certificate: Certificate) -> None:
    choices = RevocationChoices(reason=Reason.HOLD)
    revoke_certificates([certificate.pk], choices, by=ANA, now=timezone.now())


def test_an_administrator_revokes_by_typing_the_name(ada, certificate) -> None:
    assert "Revoke front-proxy-client?" in ada.get(page("revoke", certificate)).text
    answer = ada.post(page("revoke", certificate), filled(certificate), follow=True)
    assert "front-proxy-client is revoked." in answer.text
    certificate.refresh_from_db()
    assert (certificate.revocation_reason, certificate.revoked_by) == ("superseded", "ada")
    assert "notice-bad" in answer.text


@pytest.mark.parametrize("deed", ["revoke", "release"])
def test_a_requester_and_a_stranger_cannot(client_of, requester, client, certificate, deed) -> None:
    for method in ("get", "post"):
        ask = getattr(client_of(requester), method)
        assert ask(page(deed, certificate)).status_code == 403
        assert getattr(client, method)(page(deed, certificate)).status_code == 302
    certificate.refresh_from_db()
    assert not certificate.is_revoked


@pytest.mark.parametrize(
    "wrong",
    [
        {"confirm": "another"},
        {"confirm": ""},
        {"reason": "boredom"},
        {"invalid_since": "2999-01-01T00:00"},
        {"invalid_since": "0001-01-01T00:00"},
        {"invalid_since": "yesterday"},
    ],
)
def test_what_is_filled_in_wrongly_changes_nothing(ada, certificate, wrong) -> None:
    answer = ada.post(page("revoke", certificate), filled(certificate, **wrong))
    assert answer.status_code == 422
    assert "field-errors" in answer.text
    certificate.refresh_from_db()
    assert not certificate.is_revoked


def test_the_moment_since_when_the_key_is_in_doubt_is_kept(ada, certificate) -> None:
    ada.post(page("revoke", certificate), filled(certificate, invalid_since="2026-01-02T03:04"))
    certificate.refresh_from_db()
    assert certificate.invalid_since == dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC)


def test_revoking_twice_is_a_conflict(ada, certificate) -> None:
    for status in (302, 409):
        answer = ada.post(page("revoke", certificate), filled(certificate))
        assert answer.status_code == status
    assert "a revocation is final" in answer.text
    assert Entry.objects.filter(action="certificate.revoked").count() == 1


def test_a_hold_is_released_once_or_made_final(ada, certificate) -> None:
    hold(certificate)
    shown = ada.get(certificate.get_absolute_url()).text
    assert page("release", certificate) in shown
    assert page("revoke", certificate) in shown
    assert '"certificateHold"' not in ada.get(page("revoke", certificate)).text
    again = ada.post(page("revoke", certificate), filled(certificate, reason="certificateHold"))
    assert again.status_code == 422
    wrong = ada.post(page("release", certificate), {"confirm": "no"})
    assert wrong.status_code == 422
    for status in (302, 409):
        answer = ada.post(page("release", certificate), {"confirm": str(certificate)})
        assert answer.status_code == status
    certificate.refresh_from_db()
    assert not certificate.is_revoked


def test_a_wrong_method_and_an_unknown_certificate_are_refused(ada, certificate) -> None:
    for deed in ("revoke", "release"):
        assert ada.put(page(deed, certificate)).status_code == 405
        assert ada.get(reverse(f"certs:certificate_{deed}", args=[999])).status_code == 404


def test_what_cannot_be_typed_is_confirmed_by_its_serial(ada, certificate) -> None:
    Certificate.objects.filter(pk=certificate.pk).update(common_name="web\u202egro")
    certificate.refresh_from_db()
    assert ada.post(page("revoke", certificate), filled(certificate)).status_code == 422
    sent = filled(certificate, confirm=certificate.serial)
    assert ada.post(page("revoke", certificate), sent).status_code == 302


def test_revoking_an_authoritys_certificate_says_loudly_what_stops(ada, certificate) -> None:
    below = make_authority("below")
    make_certificate(below, "leaf")
    Certificate.objects.filter(pk=certificate.pk).update(kind=Kind.AUTHORITY)
    Authority.objects.filter(pk=below.pk).update(
        issued_as=certificate, parent=certificate.authority
    )
    text = ada.get(page("revoke", certificate)).text
    assert "This is the certificate of the authority below." in text
    assert "the one valid certificate that it issued" in text
    ada.post(page("revoke", certificate), filled(certificate))
    assert "revoked" in ada.get(reverse("certs:authority_list")).text


def sent(*certificates: Certificate, **changed: str) -> dict[str, str]:
    ids = ",".join(str(one.pk) for one in certificates)
    begun = {"ids": ids, "reason": "superseded", "invalid_since": ""}
    return {**begun, "confirm": f"revoke {len(certificates)}", **changed}


def test_many_are_revoked_by_one_confirmation(ada, certificate) -> None:
    other = make_certificate(certificate.authority, "other")
    listed = ada.get(MANY, {"id": [certificate.pk, other.pk]}).text
    assert "Revoke 2 certificates?" in listed
    assert "revoke 2" in listed
    answer = ada.post(MANY, sent(certificate, other), follow=True)
    assert "2 certificates are revoked." in answer.text
    assert Certificate.objects.revoked().count() == 2
    assert ada.post(MANY, sent(certificate, other)).status_code == 409


def test_many_need_the_right_words_and_the_role(ada, client_of, requester, certificate) -> None:
    assert ada.post(MANY, sent(certificate, confirm="revoke 7")).status_code == 422
    assert ada.post(MANY, sent(certificate, reason="")).status_code == 422
    assert client_of(requester).get(MANY).status_code == 403
    assert client_of(requester).post(MANY, sent(certificate)).status_code == 403
    assert ada.put(MANY).status_code == 405
    assert not Certificate.objects.revoked().exists()


def test_one_that_cannot_be_revoked_stops_all_and_is_named(ada, certificate) -> None:
    other = make_certificate(certificate.authority, "other")
    revoke_certificates(
        [other.pk], RevocationChoices(reason=Reason.SUPERSEDED), by=ANA, now=timezone.now()
    )
    listed = ada.get(MANY, {"id": [certificate.pk, other.pk]})
    assert (listed.status_code, "other is revoked already" in listed.text) == (200, True)
    assert "Go on without" in listed.text
    assert ada.post(MANY, sent(certificate, other)).status_code == 409
    certificate.refresh_from_db()
    assert not certificate.is_revoked


@pytest.mark.parametrize("ids", ["", "x", "9" * 30, "1,,a", "\x00", "999999"])
def test_odd_ids_choose_nothing(ada, ids) -> None:
    assert ada.get(MANY, {"id": ids}).status_code == 200
    assert ada.post(MANY, {"ids": ids, "confirm": "revoke 0"}).status_code in (409, 422)


def test_everything_of_an_authority_can_be_chosen(ada, certificate) -> None:
    make_certificate(certificate.authority, "other")
    make_certificate(make_authority("elsewhere"), "not-this")
    text = ada.get(MANY, {"authority": certificate.authority.slug}).text
    assert "Revoke 2 certificates?" in text
    assert ada.get(MANY, {"authority": "no\x00body"}).status_code == 200


def test_the_list_offers_ticks_to_issuers_alone(client_of, issuer, requester, certificate) -> None:
    tick = f'name="id" value="{certificate.pk}"'
    path = reverse("certs:certificate_list")
    assert tick in " ".join(client_of(issuer).get(path).text.split())
    assert tick not in " ".join(client_of(requester).get(path).text.split())


def published(authority: Authority, number: object) -> dict[str, str]:
    return {"number": str(number)}


def test_a_list_is_published_by_hand_once_for_each_look(ada, certificate) -> None:
    authority = certificate.authority
    path = reverse("certs:crl_publish", args=[authority.slug])
    for status in (302, 409):
        assert ada.post(path, published(authority, 0)).status_code == status
    for number in ("", "x", "9" * 40):
        assert ada.post(path, published(authority, number)).status_code == 409
    assert authority.crls.count() == 1
    shown = ada.get(authority.get_absolute_url()).text
    assert reverse("certs:crl_file", args=[authority.slug]) in shown


def test_the_life_of_lists_is_changed_within_bounds(ada, certificate) -> None:
    authority = certificate.authority
    path = reverse("certs:crl_change", args=[authority.slug])
    for hours in ("0", "8761", "x", ""):
        answer = ada.post(path, {"hours": hours})
        assert (answer.status_code, "field-errors" in answer.text) == (422, True)
    for _ in range(2):
        assert ada.post(path, {"hours": "24"}).status_code == 302
    authority.refresh_from_db()
    assert authority.crl_hours == 24
    assert Entry.objects.filter(action="authority.crl_changed").count() == 1


@pytest.mark.parametrize("name", ["crl_publish", "crl_change"])
def test_lists_are_the_administrators(client_of, issuer, ada, client, certificate, name) -> None:
    path = reverse(f"certs:{name}", args=[certificate.authority.slug])
    assert client_of(issuer).post(path).status_code == 403
    assert client.post(path).status_code == 302
    assert ada.get(path).status_code == 405
    assert ada.post(reverse(f"certs:{name}", args=["nobody"])).status_code == 404


SENTENCE = "Revoking would not stop it in Kubernetes: kube-apiserver reads no revocation list."


def test_no_page_about_revoking_claims_that_it_stops_anything_in_kubernetes(
    client_of, administrator
) -> None:
    client = client_of(administrator)
    authority = make_authority()
    certificate = make_certificate(authority)
    shown = [certificate.get_absolute_url(), authority.get_absolute_url()]
    shown += [reverse("certs:certificate_revoke", args=[certificate.pk])]
    shown += [reverse("certs:certificates_revoke") + f"?ids={certificate.pk}"]
    for address in shown:
        text = client.get(address).text
        assert SENTENCE in text, address
        assert reverse("clusters:cluster_list") in text.split(SENTENCE)[1], address
