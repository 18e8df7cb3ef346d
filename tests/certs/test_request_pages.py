"""The pages of signing requests: who may, who may not, and what a wrong one is told."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from aggportal.certs.models import Certificate, SigningRequest, State
from aggportal.ledger.models import Entry
from tests.certs.makers import make_authority
from tests.certs.requests_made import decided, filled, hand_in, send, set_in_profile
from tests.pki.csrs_made import ca, csr, der, pem, sans, unknown

pytestmark = pytest.mark.django_db
LIST, NEW = reverse("certs:request_list"), reverse("certs:request_new")
PREVIEW = reverse("certs:request_preview")


def test_an_issuer_hands_in_a_pasted_request(client_of, issuer) -> None:
    answer = client_of(issuer).post(NEW, filled(make_authority()))
    asked = SigningRequest.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, asked.get_absolute_url())
    assert (asked.state, asked.requester_name) == (State.PENDING, issuer.username)
    assert Entry.objects.get(action="request.received").actor_id == issuer.pk


@pytest.mark.parametrize("write", [der, lambda made: pem(made).encode()], ids=["der", "pem"])
def test_an_issuer_hands_in_a_file(client_of, issuer, write) -> None:
    upload = SimpleUploadedFile("web.csr", write(csr(sans("a.example"))))
    data = filled(make_authority()) | {"csr": "", "file": upload}
    assert client_of(issuer).post(NEW, data).status_code == 302
    assert SigningRequest.objects.get().subject == "O=k8s, CN=web"


def test_a_file_becomes_text_when_the_page_is_shown_again(client_of, issuer) -> None:
    made = csr(sans("a.example"))
    data = filled(make_authority(), do="show")
    data |= {"csr": "", "file": SimpleUploadedFile("web.der", der(made))}
    answer = client_of(issuer).post(NEW, data)
    assert answer.status_code == 200
    assert pem(made).strip() in answer.text
    assert not SigningRequest.objects.exists()


def test_a_text_and_another_file_are_refused(client_of, issuer) -> None:
    upload = SimpleUploadedFile("web.csr", der(csr(sans("b.example"))))
    answer = client_of(issuer).post(NEW, filled(make_authority()) | {"file": upload})
    assert (answer.status_code, SigningRequest.objects.count()) == (422, 0)
    assert "Give one of the two" in answer.text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"csr": ""}, "There is no signing request"),
        ({"csr": "nonsense <script>"}, "This is not PEM"),
        ({"csr": "\x00"}, "Null characters"),
        ({"csr": pem(csr(ca()))}, "CA:TRUE"),
        ({"profile": "nope"}, "has no profile"),
        ({"authority": "nope"}, "no such authority"),
        ({"file": SimpleUploadedFile("empty.csr", b""), "csr": ""}, "no signing request"),
    ],
)
def test_a_wrong_request_is_told_beside_its_field(client_of, issuer, wrong, said: str) -> None:
    answer = client_of(issuer).post(NEW, filled(make_authority()) | wrong)
    assert (answer.status_code, SigningRequest.objects.count()) == (422, 0)
    assert said in answer.text
    assert "field-errors" in answer.text


def test_a_request_that_is_sent_twice_waits_once(client_of, issuer) -> None:
    client, data = client_of(issuer), filled(make_authority())
    assert [client.post(NEW, data).status_code for _ in range(2)] == [302, 422]
    assert SigningRequest.objects.count() == 1


def test_the_preview_tells_every_difference_and_stores_nothing(client_of, issuer) -> None:
    made = pem(csr(sans("a.example"), unknown()))
    answer = client_of(issuer).post(PREVIEW, filled(make_authority(), csr=made))
    assert answer.status_code == 200
    assert "1.3.6.1.4.1.99999.7" in answer.text
    assert "no copy_extensions" in answer.text
    assert not SigningRequest.objects.exists()
    assert "not PEM" in client_of(issuer).post(PREVIEW, filled(make_authority("b"), csr="x")).text


def test_auto_sign_leads_to_the_certificate(client_of, issuer) -> None:
    authority = make_authority()
    set_in_profile(authority, auto_sign=True)
    answer = client_of(issuer).post(NEW, filled(authority))
    assert answer["Location"] == Certificate.objects.get().get_absolute_url()


@pytest.mark.parametrize("person", ["viewer", "stranger"])
def test_who_is_no_issuer_hands_nothing_in(client_of, request, person: str) -> None:
    client, authority = client_of(request.getfixturevalue(person)), make_authority()
    assert client.get(NEW).status_code == 403
    for address in (NEW, PREVIEW):
        assert client.post(address, filled(authority)).status_code == 403
    assert not SigningRequest.objects.exists()


def test_an_administrator_signs_as_asked(client_of, administrator) -> None:
    asked = hand_in(make_authority())
    answer = send(client_of(administrator), asked, "sign", decided(asked))
    certificate = Certificate.objects.get()
    assert answer["Location"] == certificate.get_absolute_url()
    assert certificate.issued_by == administrator.username
    entry = Entry.objects.filter(action="certificate.issued").latest("seq")
    assert (entry.detail["changed_subject"], entry.detail["changed_names"]) == (False, False)


def test_an_administrator_signs_with_changes(client_of, administrator) -> None:
    asked = hand_in(make_authority())
    data = decided(
        asked, CN="api", O="k8s\nteam", hosts="b.example\n10.0.0.1", profile="aggregator"
    )
    answer = send(client_of(administrator), asked, "sign", data)
    assert answer.status_code == 302
    certificate = Certificate.objects.get()
    assert certificate.subject == "O=k8s, O=team, CN=api"
    assert (certificate.names, certificate.profile) == ("dns b.example\nip 10.0.0.1", "aggregator")


@pytest.mark.parametrize(
    "wrong",
    [
        {"hosts": "a b"},
        {"profile": "nope"},
        {"CN": "system:masters"},
        {"CN": "a\x00"},
        {"C": "x" * 300},
    ],
)
def test_a_wrong_change_signs_nothing(client_of, administrator, wrong) -> None:
    asked = hand_in(make_authority())
    answer = send(client_of(administrator), asked, "sign", decided(asked, **wrong))
    assert (answer.status_code, Certificate.objects.count()) == (422, 0)
    assert "field-errors" in answer.text
    asked.refresh_from_db()
    assert asked.waits


def test_an_administrator_rejects_with_a_reason(client_of, administrator, viewer) -> None:
    asked = hand_in(make_authority())
    client = client_of(administrator)
    assert send(client, asked, "reject", {"reason": " "}).status_code == 422
    assert send(client, asked, "reject", {"reason": "wrong <b>CN</b>"}).status_code == 302
    shown = client_of(viewer).get(asked.get_absolute_url())
    assert "wrong &lt;b&gt;CN&lt;/b&gt;" in shown.text


def test_the_second_decision_is_told_who_was_first(client_of, administrator) -> None:
    asked = hand_in(make_authority())
    client = client_of(administrator)
    send(client, asked, "reject", {"reason": "no"})
    for deed, data in (("sign", decided(asked)), ("reject", {"reason": "again"})):
        answer = send(client, asked, deed, data)
        assert answer.status_code == 409
        assert "before you" in answer.text
    assert not Certificate.objects.exists()


@pytest.mark.parametrize("person", ["issuer", "viewer", "stranger"])
def test_who_is_no_administrator_decides_nothing(client_of, request, person: str) -> None:
    asked = hand_in(make_authority())
    client = client_of(request.getfixturevalue(person))
    for deed, data in (("sign", decided(asked)), ("compare", {}), ("reject", {"reason": "no"})):
        assert send(client, asked, deed, data).status_code == 403
    asked.refresh_from_db()
    assert asked.waits


def test_looking_decides_nothing(client_of, administrator) -> None:
    asked = hand_in(make_authority())
    client = client_of(administrator)
    for deed in ("sign", "reject", "compare"):
        assert client.get(reverse(f"certs:request_{deed}", args=[asked.pk])).status_code == 405
    shown = send(client, asked, "sign", decided(asked, do="show", hosts="c.example"))
    assert (shown.status_code, "DNS c.example" in shown.text) == (200, True)
    compared = send(client, asked, "compare", decided(asked, hosts="d.example"))
    assert "DNS d.example" in compared.text
    asked.refresh_from_db()
    assert asked.waits


def test_a_viewer_sees_and_a_stranger_does_not(client_of, viewer, stranger) -> None:
    asked = hand_in(make_authority(), subject=[("CN", "<script>alert(1)</script>")])
    pages = (LIST, f"{LIST}?show=all", asked.get_absolute_url())
    for address in pages:
        shown = client_of(viewer).get(address)
        assert (shown.status_code, "<script>alert" in shown.text) == (200, False)
        assert client_of(stranger).get(address).status_code == 403
        assert client_of(viewer).post(address).status_code == 405
    assert client_of(viewer).get("/requests/999/").status_code == 404


def test_the_left_bar_counts_what_waits(client_of, viewer) -> None:
    client = client_of(viewer)
    assert "nav-count" not in client.get(LIST).text
    asked = hand_in(make_authority())
    assert 'class="nav-count">1<' in client.get("/certificates/").text
    SigningRequest.objects.filter(pk=asked.pk).update(state=State.REJECTED)
    assert "nav-count" not in client.get(LIST).text


def test_the_list_shows_what_waits_and_all(client_of, viewer) -> None:
    authority = make_authority()
    gone, waits = hand_in(authority), hand_in(authority, subject=[("CN", "patient")])
    SigningRequest.objects.filter(pk=gone.pk).update(state=State.REJECTED)
    client = client_of(viewer)
    assert gone.get_absolute_url() not in client.get(LIST).text
    everything = client.get(f"{LIST}?show=all").text
    assert gone.get_absolute_url() in everything
    assert waits.get_absolute_url() in everything


def test_without_an_authority_the_pages_say_what_to_do(client_of, administrator) -> None:
    client = client_of(administrator)
    for address in (LIST, NEW):
        assert reverse("certs:authority_new") in client.get(address).text


def test_a_certificate_of_a_request_says_where_its_key_is(client_of, issuer, administrator) -> None:
    asked = hand_in(make_authority())
    send(client_of(administrator), asked, "sign", decided(asked))
    shown = client_of(issuer).get(Certificate.objects.get().get_absolute_url()).text
    assert "never came here" in shown
    assert asked.get_absolute_url() in shown
    assert "-key.pem</button>" not in shown
