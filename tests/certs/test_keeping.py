"""Owner, tags and notes: kept by issuers, found by all, each change in the ledger."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from aggportal.certs.models import Certificate, Tag
from aggportal.ledger.models import Entry
from tests.certs.makers import make_authority, make_certificate
from tests.certs.pages_used import page_of, typed
from tests.certs.pages_used import send as issue

pytestmark = pytest.mark.django_db

SAID = {
    "owner": "Team Aggregation",
    "tags": "Prod, front  proxy,prod",
    "notes": "Ask first.\r\nTwice.",
}


@pytest.fixture
def certificate(db) -> Certificate:
    return make_certificate(make_authority())


def send(client, certificate: Certificate, **said: str):
    seen = re.search(r'name="seen" value="(\w+)"', client.get(page_of(certificate)).text)
    return client.post(page_of(certificate, "keep"), SAID | {"seen": seen[1]} | said)


def kept() -> list[Entry]:
    return list(Entry.objects.filter(action="certificate.kept").order_by("seq"))


def test_an_issuer_says_who_owns_it(client_of, issuer, viewer, certificate) -> None:
    answer = send(client_of(issuer), certificate)
    assert answer.status_code == 302
    certificate.refresh_from_db()
    assert (certificate.owner, certificate.notes) == ("Team Aggregation", "Ask first.\nTwice.")
    assert {tag.name for tag in certificate.tags.all()} == {"front proxy", "prod"}
    (entry,) = kept()
    assert entry.detail["before"] == {"owner": "", "tags": [], "notes": ""}
    assert entry.detail["after"]["tags"] == ["front proxy", "prod"]
    text = client_of(viewer).get(page_of(certificate)).text
    assert "?owner=Team%20Aggregation" in text
    assert "?tag=front%20proxy" in text
    assert "Ask first." in text
    found = client_of(viewer).get(reverse("certs:certificate_list"), {"tag": "prod"}).text
    assert certificate.get_absolute_url() in found


def test_saying_the_same_again_is_no_change(client_of, issuer, certificate) -> None:
    client = client_of(issuer)
    for _ in range(2):
        assert send(client, certificate).status_code == 302
    assert len(kept()) == 1
    assert Tag.objects.count() == 2


def test_all_of_it_can_be_taken_back(client_of, issuer, certificate) -> None:
    client = client_of(issuer)
    send(client, certificate)
    send(client, certificate, owner="", tags=" , ", notes="")
    certificate.refresh_from_db()
    assert (certificate.owner, certificate.notes, certificate.tags.count()) == ("", "", 0)
    assert kept()[1].detail["before"]["owner"] == "Team Aggregation"


def test_who_wrote_meanwhile_is_not_overwritten(client_of, issuer, administrator, certificate):
    other = client_of(administrator)
    seen = re.search(r'name="seen" value="(\w+)"', other.get(page_of(certificate)).text)[1]
    send(client_of(issuer), certificate)
    late = other.post(page_of(certificate, "keep"), SAID | {"seen": seen, "owner": "me"})
    assert late.status_code == 409
    assert "Somebody else changed" in late.text
    certificate.refresh_from_db()
    assert certificate.owner == "Team Aggregation"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"owner": "x" * 151}, "at most 150"),
        ({"owner": "a\u202eb"}, "cannot be seen"),
        ({"tags": "x" * 51}, "at most 50"),
        ({"tags": ",".join(map(str, range(21)))}, "At most 20 tags"),
        ({"tags": "a\u200bb"}, "cannot be seen"),
        ({"notes": "x" * 4001}, "at most 4000"),
        ({"notes": "a\x1b[2Jb"}, "cannot be seen"),
        ({"owner": "a\x00"}, "Null characters"),
    ],
)
def test_what_cannot_be_kept_is_said_beside_its_field(
    client_of, issuer, certificate, said, words
) -> None:
    answer = send(client_of(issuer), certificate, **said)
    assert answer.status_code == 422
    assert words in answer.text
    assert kept() == []


def test_who_may_only_read_keeps_nothing(client_of, viewer, stranger, certificate, client) -> None:
    for person in (viewer, stranger):
        answer = client_of(person).post(page_of(certificate, "keep"), SAID)
        assert answer.status_code == 403
    assert client.post(page_of(certificate, "keep"), SAID).status_code == 302
    assert client_of(viewer).get(page_of(certificate, "keep")).status_code == 405
    assert kept() == []


def test_owner_and_tags_can_be_said_when_issuing(client_of, issuer) -> None:
    authority, client = make_authority(), client_of(issuer)
    sent = issue(client, typed(authority, CN="a", owner="Team", tags="Blue, prod"))
    assert sent.status_code == 302
    one = Certificate.objects.get()
    assert (one.owner, {tag.name for tag in one.tags.all()}) == ("Team", {"blue", "prod"})
    wrong = issue(client, typed(authority, CN="b", tags="x" * 60))
    assert wrong.status_code == 422
    assert "at most 50" in wrong.text


def test_nobody_keeps_what_is_not_there(client_of, issuer, certificate) -> None:
    gone = reverse("certs:certificate_keep", args=[certificate.pk + 1])
    assert client_of(issuer).post(gone, SAID).status_code == 404
