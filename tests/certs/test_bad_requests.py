"""Bad input on the issue page: words beside the very field, what was typed kept, nothing stored."""

from __future__ import annotations

import html
import json

import pytest
from django.test import Client

from aggportal.certs.models import Authority, Certificate, SigningRequest
from aggportal.ledger.models import Entry
from tests.certs.makers import P256, make_authority
from tests.certs.pages_used import PREVIEW, pasted, send, typed

pytestmark = pytest.mark.django_db

SCRIPT = "<script>alert(1)</script>"
WRONG = {
    "no-json": "CN: x",
    "cut off": '{"CN": "x"',
    "a list": "[1, 2]",
    "a text": '"CN"',
    "empty": "",
    "twice the same key": '{"CN": "a", "CN": "b"}',
    "deep": "[" * 5000,
    "huge number": '{"CN": 1' + "0" * 5000 + "}",
    "not a number": '{"key": {"algo": "rsa", "size": NaN}, "CN": "x"}',
    "lone surrogate": '{"CN": "\\ud800"}',
    "NUL": '{"CN": "a\\u0000b"}',
    "control character": '{"CN": "a\\u001bb"}',
    "bidi": '{"CN": "a\\u202eb"}',
    "CN a number": {"CN": 5},
    "CN a list": {"CN": ["x"]},
    "CN empty": {"CN": "", "hosts": ["a.b.svc"]},
    "CN blank": {"CN": "   "},
    "CN too long": {"CN": "x" * 65},
    "hosts a text": {"CN": "x", "hosts": "a.b"},
    "hosts of numbers": {"CN": "x", "hosts": [1]},
    "empty host": {"CN": "x", "hosts": [""]},
    "host and port": {"CN": "x", "hosts": ["a.b:443"]},
    "host with NUL": {"CN": "x", "hosts": ["a\0b"]},
    "ten thousand hosts": {"CN": "x", "hosts": [f"h{i}.example.com" for i in range(10_000)]},
    "key a text": {"CN": "x", "key": "rsa"},
    "key of no kind": {"CN": "x", "key": {"algo": "dsa", "size": 2048}},
    "key too small": {"CN": "x", "key": {"algo": "rsa", "size": 1024}},
    "key too large": {"CN": "x", "key": {"algo": "rsa", "size": 16384}},
    "key size a text": {"CN": "x", "key": {"algo": "rsa", "size": "2048"}},
    "key size negative": {"CN": "x", "key": {"algo": "ecdsa", "size": -256}},
    "names an object": {"CN": "x", "names": {"O": "k8s"}},
    "names of texts": {"CN": "x", "names": ["k8s"]},
    "a ca section": {"CN": "x", "ca": {"expiry": "8760h"}},
}


@pytest.fixture
def authority() -> Authority:
    return make_authority()


@pytest.fixture
def desk(client_of, issuer) -> Client:
    return client_of(issuer)


@pytest.mark.parametrize("document", WRONG.values(), ids=WRONG)
def test_bad_json_is_refused_in_words_and_nothing_is_stored(desk, authority, document) -> None:
    before = Entry.objects.count()
    answer = send(desk, pasted(authority, document))
    assert answer.status_code == 422
    assert "field-errors" in answer.text
    assert send(desk, pasted(authority, document), to=PREVIEW).status_code == 200
    assert not SigningRequest.objects.exists()
    assert Entry.objects.count() == before


@pytest.mark.parametrize("count", [101, 10_000])
def test_too_many_typed_hosts_are_told_under_hosts(desk, authority, count: int) -> None:
    hosts = "\n".join(f"h{number}.example.com" for number in range(count))
    answer = send(desk, typed(authority, CN="x", hosts=hosts))
    assert answer.status_code == 422
    assert answer.context["view"].form["hosts"].errors
    assert "at most 100 are accepted" in answer.text


@pytest.mark.parametrize("value", [SCRIPT, '"><img src=x onerror=alert(1)>', "{{ 7|add:7 }}"])
def test_markup_in_any_text_field_is_shown_as_text(desk, authority, value: str) -> None:
    fields = ("CN", "hosts", "serialnumber", "names-0-C", "names-0-ST", "names-0-O", "names-0-E")
    others = ("authority", "profile", "file_base", "service", "namespace", "domain", "key", "do")
    data = typed(authority) | dict.fromkeys((*fields, *others), value)
    for name in ("certs:certificate_new", PREVIEW):
        answer = send(desk, data, to=name)
        assert value not in answer.text.replace(html.escape(value), "")
        assert answer.status_code in (200, 422)
    assert not Certificate.objects.exists()


def test_markup_in_json_is_shown_as_text(desk, authority) -> None:
    text = json.dumps({"CN": SCRIPT, "names": [{"O": SCRIPT}], SCRIPT: SCRIPT, "key": P256})
    answer = send(desk, pasted(authority, text), to=PREVIEW)
    assert SCRIPT not in answer.text


def test_a_certificate_named_like_markup_is_shown_as_text(desk, authority) -> None:
    send(desk, pasted(authority, {"CN": SCRIPT, "names": [{"O": SCRIPT}]}))
    certificate = Certificate.objects.get()
    for address in ("/certificates/", certificate.get_absolute_url()):
        assert SCRIPT not in desk.get(address).text


def test_a_wrong_host_is_told_under_hosts_with_its_line(desk, authority) -> None:
    answer = send(desk, typed(authority, CN="x", hosts="a.b.svc\nc.d:443"))
    assert answer.status_code == 422
    assert "line 2:" in answer.text
    assert "c.d:443" in answer.text


@pytest.mark.parametrize(
    "change",
    [
        {"authority": "nobody"},
        {"authority": ""},
        {"profile": "nope"},
        {"file_base": "../up"},
        {"file_base": "a\nb"},
        {"compat": "on", "end_with_authority": "on"},
    ],
)
def test_wrong_choices_are_refused_beside_their_field(desk, authority, change) -> None:
    answer = send(desk, typed(authority, CN="kept-cn") | change)
    assert answer.status_code == 422
    assert "field-errors" in answer.text
    assert 'value="kept-cn"' in answer.text
    assert not SigningRequest.objects.exists()


def test_a_request_without_any_field_is_refused(desk, authority) -> None:
    assert send(desk, {"do": "issue"}).status_code == 422
    assert send(desk, {}, to=PREVIEW).status_code == 200


def test_a_life_beyond_the_authoritys_is_refused_beside_the_choice_that_mends_it(desk) -> None:
    short = make_authority("short", expiry="100h")
    answer = send(desk, typed(short, CN="x"))
    assert answer.status_code == 422
    assert 'id="id_end_with_authority_error"' in answer.text
    assert send(desk, typed(short, CN="x", end_with_authority="on")).status_code == 302


def test_the_panel_shows_the_rest_while_one_host_is_wrong(desk, authority) -> None:
    answer = send(desk, typed(authority, CN="x", hosts="good.svc\nbad:443"), to=PREVIEW)
    assert "1 to mend" in answer.text
    assert "DNS good.svc" in answer.text
    assert "CN=x" in answer.text


@pytest.mark.parametrize(
    "document",
    ['{"CN": "x", "\\ud800": 1}', '{"CN": "x", "names": [{"O": "k8s", "\\ud800": 1}]}'],
)
def test_an_unknown_key_that_no_page_can_carry_is_spelled_out(
    client_of, issuer, authority, document: str
) -> None:
    answer = send(client_of(issuer), pasted(authority, document), to=PREVIEW)
    assert answer.status_code == 200
    assert "\\u{D800}" in answer.content.decode()
