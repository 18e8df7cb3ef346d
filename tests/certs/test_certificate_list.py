"""Finding certificates: by name, host, serial, fingerprint, authority, profile and state."""

from __future__ import annotations

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from aggportal.certs.models import Certificate, Lane
from tests.certs.makers import make_authority, make_certificate

pytestmark = pytest.mark.django_db

LIST = reverse("certs:certificate_list")


@pytest.fixture
def three(db) -> list[Certificate]:
    first = make_authority("first")
    second = make_authority("second", lane=Lane.SERVING)
    long_ago = timezone.now() - dt.timedelta(days=400)
    return [
        make_certificate(first, "alpha", hosts=["alpha.example.com", "10.1.2.3"]),
        make_certificate(second, "beta", profile="extension-serving", hosts=["beta.svc"]),
        make_certificate(first, "gamma", now=long_ago),
    ]


def found(client, **query: str) -> set[str]:
    text = client.get(LIST, query).text
    return {one.common_name for one in Certificate.objects.all() if one.get_absolute_url() in text}


def test_everything_is_found_by_what_names_it(client_of, viewer, three) -> None:
    client, alpha = client_of(viewer), three[0]
    colons = ":".join(alpha.serial[i : i + 2] for i in range(0, 40, 2)).upper()
    for text in (
        "ALPHA",
        "alpha.example",
        "10.1.2.3",
        alpha.serial,
        colons,
        alpha.fingerprint_sha256,
    ):
        assert found(client, q=text) == {"alpha"}, text
    assert found(client, q="nothing like it") == set()


def test_what_was_brought_is_not_said_to_be_issued_here(client_of, viewer) -> None:
    row = make_certificate(make_authority())
    Certificate.objects.filter(pk=row.pk).update(origin="imported")
    client = client_of(viewer)
    assert "brought by ana" in client.get(LIST).text
    page = client.get(row.get_absolute_url()).text
    assert "made elsewhere, brought by ana" in page
    assert "ConfigMap with the authority" in page
    Certificate.objects.filter(pk=row.pk).update(authority=None, issuer_subject="CN=x")
    alone = client.get(row.get_absolute_url()).text
    assert "ConfigMap with the authority" not in alone
    assert "PKCS#12 and JKS" not in alone
    assert "issued by ana" not in page


def test_an_empty_list_has_one_thing_to_do_first(client_of, administrator) -> None:
    assert client_of(administrator).get(LIST).text.count("btn-primary") == 1


def test_the_list_is_narrowed_by_authority_profile_and_state(client_of, viewer, three) -> None:
    client = client_of(viewer)
    assert found(client) == {"alpha", "beta", "gamma"}
    assert found(client, authority="first") == {"alpha", "gamma"}
    assert found(client, profile="extension-serving") == {"beta"}
    assert found(client, state="good") == {"alpha", "beta"}
    assert found(client, state="expired", authority="first") == {"gamma"}
    assert found(client, state="soon") == set()


@pytest.mark.parametrize(
    "query",
    [
        {"q": "\x00"},
        {"q": "%"},
        {"q": "'; DROP TABLE certs_certificate;--"},
        {"authority": "nobody", "state": "odd", "profile": "x" * 500},
        {"before": "-1", "after": "9" * 40},
        {"before": "x"},
        {"q": "<script>alert(1)</script>"},
    ],
)
def test_odd_filters_break_nothing(client_of, viewer, three, query: dict[str, str]) -> None:
    answer = client_of(viewer).get(LIST, query)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text


def test_pages_go_older_and_back(client_of, viewer) -> None:
    authority = make_authority()
    for number in range(53):
        make_certificate(authority, f"n{number:02}")
    client = client_of(viewer)
    first = found(client)
    assert len(first) == 50
    lowest = min(Certificate.objects.filter(common_name__in=first).values_list("pk", flat=True))
    assert found(client, before=str(lowest)) == {"n00", "n01", "n02"}
    assert len(found(client, after=str(lowest - 1))) == 50


def test_the_list_asks_the_database_a_fixed_number_of_questions(
    client_of, viewer, three, django_assert_max_num_queries
) -> None:
    client = client_of(viewer)
    for _ in range(5):
        make_certificate(three[0].authority, "more")
    with django_assert_max_num_queries(10):
        client.get(LIST)


def test_an_empty_list_offers_the_first_step(client_of, issuer) -> None:
    text = client_of(issuer).get(LIST).text
    assert "empty" in text


def test_only_people_with_a_role_read_the_list(client_of, stranger, client) -> None:
    assert client_of(stranger).get(LIST).status_code == 403
    assert client.get(LIST).status_code == 302
    assert client_of(stranger).post(LIST).status_code == 405


def test_the_admin_shows_certificates_and_no_key(client_of, administrator, three) -> None:
    client = client_of(administrator)
    for name in ("authority", "certificate", "signingrequest"):
        answer = client.get(reverse(f"admin:certs_{name}_changelist"))
        assert answer.status_code == 200
    page = client.get(reverse("admin:certs_certificate_change", args=[three[0].pk]))
    assert page.status_code == 200
    assert str(three[0].key_id) not in page.text
    assert (
        client.post(reverse("admin:certs_certificate_delete", args=[three[0].pk])).status_code
        == 403
    )
