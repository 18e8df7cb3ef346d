"""Issuing in the browser: fields and JSON are one document, and whoever may not, cannot."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from aggportal.certs.models import Certificate, SigningRequest
from aggportal.ledger.models import Entry, Outcome
from tests.certs.makers import make_authority
from tests.certs.pages_used import NEW, PREVIEW, pasted, send, typed

pytestmark = pytest.mark.django_db

RECIPE = {
    "CN": "aggregator",
    "hosts": [],
    "key": {"algo": "rsa", "size": 2048},
    "names": [{"C": "CN", "ST": "Shanghai", "L": "Shanghai", "O": "k8s", "OU": "System"}],
}

REASON = "k3s calls its proxy so"


def test_nothing_is_held_against_what_nobody_touched(client_of, issuer) -> None:
    authority = make_authority()
    client = client_of(issuer)
    fresh = client.get(reverse(NEW), {"authority": authority.slug}).text
    assert "to mend" not in fresh
    assert "Nothing yet: give it a name" in fresh
    touched = send(client, typed(authority, CN=""), to=PREVIEW).text
    assert "1 to mend" in touched
    linked = client.get(reverse(NEW), {"authority": authority.slug, "hosts": "bad:443"}).text
    assert "to mend" in linked


def test_what_is_dangerous_is_not_said_to_be_bad_json(client_of, issuer) -> None:
    answer = send(client_of(issuer), typed(make_authority(), CN="x", names_0_O="system:masters"))
    assert answer.status_code == 422
    assert "makes the holder a cluster administrator" in " ".join(answer.text.split())
    assert "The JSON needs mending" not in answer.text


def test_an_issuer_issues_from_the_fields(client_of, issuer) -> None:
    data = typed(make_authority(), CN="metrics", hosts="a.b.svc\n10.0.0.1", names_0_O="k8s")
    answer = send(client_of(issuer), data)
    certificate = Certificate.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, certificate.get_absolute_url())
    assert certificate.names == "dns a.b.svc\nip 10.0.0.1"
    assert (certificate.subject, certificate.file_base) == ("O=k8s, CN=metrics", "metrics")
    assert certificate.issued_by == issuer.username


def test_an_issuer_issues_from_pasted_json(client_of, issuer) -> None:
    data = pasted(make_authority(), RECIPE, profile="aggregator", end_with_authority="on")
    assert send(client_of(issuer), data).status_code == 302
    certificate = Certificate.objects.select_related("material").get()
    assert certificate.subject == "C=CN, ST=Shanghai, L=Shanghai, O=k8s, OU=System, CN=aggregator"
    assert json.loads(certificate.material.request_spec)["names"] == RECIPE["names"]


def test_json_keys_without_a_field_survive_an_edit_of_the_fields(client_of, issuer) -> None:
    base = json.dumps({"CN": "old", "names": [{"O": "k8s", "OID": {"1.2.3.4": "kept"}}]})
    data = typed(make_authority(), base=base, CN="new", names_0_O="k8s")
    assert send(client_of(issuer), data).status_code == 302
    assert Certificate.objects.get().subject == "O=k8s, CN=new, 1.2.3.4=kept"


def test_two_edited_sides_are_refused_until_somebody_decides(client_of, issuer) -> None:
    data = typed(make_authority(), CN="from-fields") | {"text": '{"CN": "from-json"}'}
    client = client_of(issuer)
    answer = send(client, data)
    assert (answer.status_code, Certificate.objects.count()) == (422, 0)
    assert "from-fields" in answer.text
    assert "from-json" in answer.text
    assert send(client, data | {"keep": "json"}).status_code == 302
    assert Certificate.objects.get().common_name == "from-json"


@pytest.mark.parametrize("person", ["viewer", "stranger"])
@pytest.mark.parametrize("name", [NEW, PREVIEW])
def test_who_is_no_issuer_issues_nothing(client_of, request, person: str, name: str) -> None:
    client = client_of(request.getfixturevalue(person))
    assert send(client, typed(make_authority(), CN="x"), to=name).status_code == 403
    assert not SigningRequest.objects.exists()


def test_nobody_issues_without_signing_in(client) -> None:
    answer = send(client, typed(make_authority(), CN="x"))
    assert answer["Location"].startswith(reverse("accounts:login"))
    assert not SigningRequest.objects.exists()


def test_looking_issues_nothing(client_of, issuer) -> None:
    client = client_of(issuer)
    authority = make_authority()
    assert client.get(reverse(PREVIEW)).status_code == 405
    assert client.put(reverse(NEW)).status_code == 405
    assert send(client, typed(authority, CN="x"), to=PREVIEW).status_code == 200
    assert send(client, typed(authority, CN="x") | {"do": "show"}).status_code == 200
    assert not SigningRequest.objects.exists()


def test_sending_twice_issues_two_with_serials_and_keys_of_their_own(client_of, issuer) -> None:
    client, data = client_of(issuer), typed(make_authority(), CN="x")
    for _ in range(2):
        send(client, data)
    first, second = Certificate.objects.all()
    assert first.serial != second.serial
    assert first.spki_sha256 != second.spki_sha256


def test_a_reserved_name_needs_a_reason_and_an_administrator_who_did_not_ask(
    client_of, issuer, administrator
) -> None:
    data = typed(make_authority(), CN="system:auth-proxy")
    refused = send(client_of(issuer), data)
    assert (refused.status_code, Certificate.objects.count()) == (422, 0)
    asked = send(client_of(issuer), data | {"override_reason": REASON})
    assert Certificate.objects.count() == 0
    waiting = SigningRequest.objects.get()
    approve = reverse("certs:request_approve", args=[waiting.pk])
    assert asked["Location"] == waiting.get_absolute_url()
    assert client_of(issuer).post(approve, {"sha256": waiting.tbs_sha256}).status_code == 403
    made = client_of(administrator).post(approve, {"sha256": waiting.tbs_sha256})
    assert made["Location"] == Certificate.objects.get().get_absolute_url()
    done = Entry.objects.get(action="certificate.issued", outcome=Outcome.DONE)
    assert (done.detail["override_reason"], done.detail["dangers"]) == (
        REASON,
        ["reserved-identity"],
    )


def test_without_an_authority_the_page_offers_the_first_step(client_of, issuer) -> None:
    answer = client_of(issuer).get(reverse(NEW))
    assert (answer.status_code, reverse("certs:authority_list") in answer.text) == (200, True)


def test_the_address_fills_the_page(client_of, issuer) -> None:
    make_authority("first")
    make_authority("second")
    address = f"{reverse(NEW)}?authority=second&profile=aggregator&cn=abc&hosts=a.b.svc,10.0.0.1"
    text = client_of(issuer).get(address).text
    assert '<option value="second" selected>' in text
    assert '<option value="aggregator" selected>' in text
    assert 'value="abc"' in text
    assert "a.b.svc\n10.0.0.1" in text
