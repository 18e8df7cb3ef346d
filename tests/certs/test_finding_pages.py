"""Orders, pages by key, addresses that hold a search, and the list taken away whole."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re

import pytest
from django.urls import reverse
from django.utils import timezone

from aggportal.certs.criteria import Sort
from aggportal.certs.models import Authority, Certificate, Kind, Origin, Reason, Tag
from aggportal.certs.services.finding import page_of
from aggportal.ledger.models import Entry
from tests.certs.makers import make_authority, make_certificate

pytestmark = pytest.mark.django_db

LIST = reverse("certs:certificate_list")
CSV = reverse("certs:certificate_export_csv")
JSON = reverse("certs:certificate_export_json")


def put(number: int, authority: Authority | None = None, **fields: object) -> Certificate:
    """An imported certificate as a row alone: quick, and enough to be found."""
    now = timezone.now()
    row = {
        "authority": authority,
        "origin": Origin.IMPORTED,
        "serial": f"{number:040x}",
        "common_name": f"n{number}",
        "subject": f"CN=n{number}",
        "key_text": "ECDSA P-256",
        "file_base": f"n{number}",
        "not_before": now - dt.timedelta(days=10),
        "not_after": now + dt.timedelta(days=100),
        "issued_at": now,
        "issued_by": "ana",
        "fingerprint_sha256": f"{number:064x}",
        "spki_sha256": f"{number:064x}",
    }
    return Certificate.objects.create(**row | fields)


@pytest.fixture
def many(db) -> list[Certificate]:
    """Many equal keys, authorities out of alphabetical order, and some of none."""
    names = ("", "a", "b", "B", "ä", "c")
    authorities = [make_authority(name) for name in ("zeta", "alpha", "mid")]
    end = timezone.now() + dt.timedelta(days=50)
    return [
        put(
            number,
            [*authorities, None][number * 7 % 11 % 4],
            common_name=names[number * 5 % 13 % 6],
            not_after=end + dt.timedelta(days=number * 3 % 7 % 4),
        )
        for number in range(83)
    ]


def walked(sort: Sort, *, size: int) -> tuple[list[int], list[int]]:
    """The ids from first page to last, and from the last page back, both in the list's order."""
    rows, pages, cursor = Certificate.objects.all(), [], ""
    while True:
        page = page_of(rows, sort, before=cursor, size=size)
        pages.append([row.pk for row in page.rows])
        if page.older is None:
            break
        cursor = str(page.older)
    back = [pages[-1]]
    while page.newer is not None:
        page = page_of(rows, sort, after=str(page.newer), size=size)
        back.insert(0, [row.pk for row in page.rows])
    return [pk for page in pages for pk in page], [pk for page in back for pk in page]


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("size", [1, 7, 50, 100])
def test_no_row_is_lost_or_doubled_in_any_order(many, sort: Sort, size: int) -> None:
    forth, back = walked(sort, size=size)
    assert sorted(forth) == sorted(row.pk for row in many)
    assert back == forth


def test_the_orders_are_what_they_say(many) -> None:
    rows = {row.pk: row for row in Certificate.objects.select_related("authority")}

    def listed(sort: Sort) -> list[Certificate]:
        return [rows[pk] for pk in walked(sort, size=20)[0]]

    assert [row.pk for row in listed(Sort.NEWEST)] == sorted(rows, reverse=True)
    ends = [row.not_after for row in listed(Sort.ENDS)]
    assert ends == sorted(ends)
    labels = [row.authority.label if row.authority else "~" for row in listed(Sort.AUTHORITY)]
    assert labels == sorted(labels)
    names = [row.common_name for row in listed(Sort.NAME)]
    assert list(dict.fromkeys(names)) == list(
        Certificate.objects.order_by("common_name").values_list("common_name", flat=True).distinct()
    )


def test_a_page_keeps_its_place_when_rows_come_and_go(many) -> None:
    first = page_of(Certificate.objects.all(), Sort.NAME, size=10)
    put(900, common_name="")
    narrowed = Certificate.objects.exclude(pk=first.rows[-1].pk)
    following = page_of(narrowed, Sort.NAME, before=str(first.older), size=10)
    plain = page_of(Certificate.objects.all(), Sort.NAME, before=str(first.older), size=10)
    assert [row.pk for row in following.rows] == [row.pk for row in plain.rows]
    assert not {row.pk for row in first.rows} & {row.pk for row in following.rows}


def listed(client, **query: str) -> set[str]:
    shown = re.findall(
        r'class="strong"\s+href="/certificates/(\d+)/"', client.get(LIST, query).text
    )
    return set(Certificate.objects.filter(pk__in=shown).values_list("common_name", flat=True))


def test_the_list_is_narrowed_by_where_they_stand(client_of, viewer) -> None:
    now, day = timezone.now(), dt.timedelta(days=1)
    put(1, common_name="good")
    put(2, common_name="soon", not_after=now + 20 * day)
    put(3, common_name="over", not_after=now - day)
    put(4, common_name="early", not_before=now + day)
    for number, name, why in ((5, "revoked", Reason.KEY_COMPROMISE), (6, "held", Reason.HOLD)):
        put(number, common_name=name, revoked_at=now, revocation_reason=why)
    old = put(7, common_name="replaced", not_after=now - day)
    put(8, common_name="heir", predecessor=old)
    client = client_of(viewer)
    for state, names in {
        "good": {"good", "soon", "heir"},
        "soon": {"soon"},
        "expired": {"over", "replaced"},
        "early": {"early"},
        "revoked": {"revoked"},
        "held": {"held"},
        "renewed": {"replaced"},
    }.items():
        assert listed(client, state=state) == names, state
    text = client.get(LIST).text
    assert "on hold" in text
    assert "not valid yet" in text


def test_the_list_is_narrowed_by_days_kind_origin_owner_tag_and_short_serial(
    client_of, viewer
) -> None:
    one = put(
        16,
        owner="Team Ä",
        kind=Kind.RESPONDER,
        not_after=dt.datetime(2031, 5, 6, 23, 59, tzinfo=dt.UTC),
    )
    one.tags.add(Tag.objects.create(name="prod"))
    put(17)
    client = client_of(viewer)
    for query in (
        {"ends_from": "2031-05-06", "ends_until": "2031-05-06"},
        {"kind": "responder", "origin": "imported"},
        {"owner": "Team"},
        {"tag": "PROD"},
        {"serial": "0x10"},
        {"serial": "16"},
    ):
        assert listed(client, **query) == {"n16"}, query
    today = f"{timezone.now():%Y-%m-%d}"
    assert listed(client, issued_from=today, issued_until="9999-12-31") == {"n16", "n17"}
    assert listed(client, issued_until="0001-01-01") == set()


def test_every_set_filter_is_a_chip_that_takes_it_away(client_of, viewer, many) -> None:
    client = client_of(viewer)
    text = client.get(
        LIST, {"q": "b", "state": "good", "sort": "name", "profile": "", "x": "1"}
    ).text
    assert 'href="/certificates/?state=good&amp;sort=name"' in text
    assert 'href="/certificates/?q=b&amp;sort=name"' in text
    assert "http://testserver/certificates/?q=b&amp;state=good&amp;sort=name</pre>" in text
    assert f'href="{CSV}?q=b&amp;state=good&amp;sort=name"' in text


def test_what_cannot_be_read_is_said_beside_its_field(client_of, viewer, many) -> None:
    client = client_of(viewer)
    for query, words in (
        ({"covers": "a b"}, "neither a host name nor an IP address"),
        ({"covers": "x\u202ey"}, "cannot be seen"),
        ({"serial": "zz"}, "Digits only"),
        ({"ends_from": "tomorrow"}, "Enter a valid date"),
        ({"sort": "odd"}, "Select a valid choice"),
    ):
        assert words in client.get(LIST, query).text, query
        refused = client.get(CSV, query)
        assert refused.status_code == 422
        assert words in refused.text
    assert not Entry.objects.filter(action="certificates.exported").exists()


def body(answer) -> str:
    return b"".join(answer.streaming_content).decode()


@pytest.mark.parametrize("sort", Sort.values)
def test_the_found_set_is_taken_away_whole(client_of, viewer, many, sort, monkeypatch) -> None:
    monkeypatch.setattr("aggportal.certs.services.list_exports.STRETCH", 10)
    client = client_of(viewer)
    rows = list(csv.DictReader(io.StringIO(body(client.get(CSV, {"sort": sort})))))
    things = json.loads(body(client.get(JSON, {"sort": sort})))
    assert [int(row["id"]) for row in rows] == [thing["id"] for thing in things]
    assert [thing["id"] for thing in things] == walked(Sort(sort), size=50)[0]
    entries = Entry.objects.filter(action="certificates.exported")
    assert {entry.detail["count"] for entry in entries} == {83}


def test_an_export_is_narrowed_as_the_page_and_safe_in_a_spreadsheet(client_of, viewer) -> None:
    put(1, common_name="=HYPERLINK(1)", notes="-1\u202e\nx", owner="@x", names="dns a\ndns b")
    put(2, common_name="other")
    client = client_of(viewer)
    (row,) = csv.DictReader(io.StringIO(body(client.get(CSV, {"q": "HYPER"}))))
    assert row["common_name"] == "'=HYPERLINK(1)"
    assert (row["owner"], row["names"], row["serial"]) == ("'@x", "dns a dns b", "1")
    assert row["notes"].startswith("'-1\\u{202E}")
    (thing,) = json.loads(body(client.get(JSON, {"q": "HYPER"})))
    assert (thing["common_name"], thing["names"]) == ("=HYPERLINK(1)", ["dns a", "dns b"])
    assert json.loads(body(client.get(JSON, {"q": "nothing like it"}))) == []


def test_only_people_with_a_role_take_the_list_away(client_of, stranger, viewer, client) -> None:
    for address in (CSV, JSON):
        assert client_of(stranger).get(address).status_code == 403
        assert client.get(address).status_code == 302
        assert client_of(viewer).post(address).status_code == 405
        assert client_of(viewer).get(address).status_code == 200


def test_an_issued_certificate_shows_its_authority_in_the_list(client_of, viewer) -> None:
    authority = make_authority()
    make_certificate(authority)
    put(5, issuer_subject="CN=somebody else")
    text = client_of(viewer).get(LIST).text
    assert authority.label in text
    assert "CN=somebody else" in text
