"""The request editor: what one side says, the other follows; buttons work without JavaScript."""

from __future__ import annotations

import html
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from aggportal.certs.models import Authority
from tests.certs.makers import make_authority
from tests.certs.pages_used import NEW, PREVIEW, pasted, send, typed

pytestmark = pytest.mark.django_db


@pytest.fixture
def authority() -> Authority:
    return make_authority()


@pytest.fixture
def desk(client_of, issuer) -> Client:
    return client_of(issuer)


def shown(answer) -> str:
    return html.unescape(answer.text)


def said(answer) -> str:
    """The answer as a person reads it: without tags, blanks folded."""
    return " ".join(re.sub(r"<[^>]*>", " ", shown(answer)).split())


def test_typing_in_a_field_rewrites_the_json(desk: Client, authority: Authority) -> None:
    text = shown(send(desk, typed(authority, CN="abc", hosts="a.b.svc"), to=PREVIEW))
    assert '"CN": "abc"' in text
    assert "CN=abc" in text


def test_editing_the_json_rewrites_the_fields(desk: Client, authority: Authority) -> None:
    text = shown(send(desk, pasted(authority, {"CN": "abc", "names": [{"O": "k8s"}]}), to=PREVIEW))
    assert 'value="abc"' in text
    assert 'value="k8s"' in text


def test_hosts_are_told_what_they_become(desk: Client, authority: Authority) -> None:
    hosts = "a.b.svc\n10.0.0.1\nops@example.com\nspiffe://x/y\na.b:443"
    text = said(send(desk, typed(authority, CN="x", hosts=hosts), to=PREVIEW))
    for kind in ("DNS a.b.svc", "IP 10.0.0.1", "email ops@example.com", "URI spiffe://x/y"):
        assert kind in text
    assert "a.b:443:" in text


def test_broken_json_is_told_with_line_and_column(desk: Client, authority: Authority) -> None:
    answer = send(desk, pasted(authority, '{\n  "CN": "x",\n}'), to=PREVIEW)
    assert answer.status_code == 200
    assert "Line 2, column 12: remove the comma" in shown(answer)


def test_an_entry_of_names_is_added_and_removed_by_buttons(desk, authority) -> None:
    data = typed(authority, CN="x", names_0_O="first")
    added = shown(send(desk, data | {"do": "add-name"}))
    assert 'name="names-1-O"' in added
    data |= {"names-1-C": "", "names-1-O": "second", "do": "remove-name-0"}
    removed = shown(send(desk, data))
    assert 'value="second"' in removed
    assert 'value="first"' not in removed


def test_names_of_a_service_become_hosts(desk: Client, authority: Authority) -> None:
    asked = {"service": "api", "namespace": "wardle", "domain": "cluster.local", "do": "service"}
    text = shown(send(desk, typed(authority, CN="x", hosts="10.0.0.1") | asked))
    assert "10.0.0.1\napi.wardle.svc\napi.wardle.svc.cluster.local" in text


def test_a_wrong_service_is_told_beside_its_field(desk: Client, authority: Authority) -> None:
    asked = {"service": "A b", "namespace": "", "domain": "", "do": "service"}
    text = shown(send(desk, typed(authority, CN="kept") | asked))
    assert "lower case letters" in text
    assert 'value="kept"' in text


def test_another_authority_offers_its_own_profiles(desk: Client, authority: Authority) -> None:
    make_authority("serving", profiles=["extension-serving"])
    data = typed(authority, CN="x") | {"authority": "serving", "shown_authority": authority.slug}
    text = shown(send(desk, data, to=PREVIEW))
    assert 'value="extension-serving"' in text
    assert 'value="front-proxy-client"' not in text


def test_a_leaf_with_its_authoritys_subject_is_warned_about(desk, authority) -> None:
    text = shown(send(desk, typed(authority, CN=authority.common_name), to=PREVIEW))
    assert "subject" in text
    assert "state-warn" in text or "state-bad" in text


def test_an_uploaded_file_counts_as_edited_json(desk: Client, authority: Authority) -> None:
    file = SimpleUploadedFile("aggregator-csr.json", b'{"CN": "from-file"}', "application/json")
    answer = desk.post(reverse(NEW), {**typed(authority), "do": "show", "file": file})
    assert 'value="from-file"' in answer.text


def test_a_field_keeps_what_was_typed_while_something_is_refused(desk, authority) -> None:
    odd = {"CN": "kept", "hosts": "bad:443", "serialnumber": "42", "names_0_C": "XYZ"}
    text = shown(send(desk, typed(authority, key="rsa-3072", **odd)))
    for kept in ('value="kept"', "bad:443", 'value="42"', 'value="XYZ"', 'value="rsa-3072"'):
        assert kept in text
    assert re.search(r'value="rsa-3072"[^>]*checked', text)
