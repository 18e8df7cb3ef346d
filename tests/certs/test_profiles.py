"""The profiles page: who may, what is stored, what is refused, two people at once."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from aggportal.certs.models import Authority
from aggportal.certs.services.profiles import (
    ConfigChanged,
    config_version,
    update_signing_config,
)
from aggportal.ledger.models import Entry
from aggportal.pki.errors import PkiError
from aggportal.pki.presets import DEFAULT_CONFIG_TEXT
from aggportal.web.actors import system_actor
from tests.certs.authority_made import make_authority

BAD = [
    '{"signing": {"default": {"expiry": "1h",}}}',
    '{"signing": {"default": {"expiry": 8760}}}',
    '{"signing": {"default": {"expiry": "365d"}}}',
    '{"signing": {"default": {"expiry": "1h"}, "profiles": {"a": {"expiry": "1h"}}}}',
    '{"signing": {"default": {"expiry": "1h", "usages": ["<script>alert(1)</script>"]}}}',
    '{"signing": {"default": {"expiry": "1h\\u0000\\u202e"}}}',
    '{"signing": {"default": {"expiry": "\\ud800"}}}',
    '{"signing": [], "x": "<script>alert(1)</script>"}',
    "<script>alert(1)</script>",
    "\x00",
    "[]",
]


@pytest.fixture
def authority(db: None) -> Authority:
    return make_authority()


@pytest.fixture
def address(authority: Authority) -> str:
    return reverse("certs:profile_edit", args=[authority.slug])


def save(client, address, authority, text, **more):
    authority.refresh_from_db()
    sent = {"do": "save", "version": config_version(authority), "base": authority.signing_config}
    return client.post(address, sent | {"text": text} | more)


def test_a_viewer_reads_the_profiles_and_edits_nothing(client_of, viewer, authority, address):
    answer = client_of(viewer).get(address)
    assert answer.status_code == 200
    assert "front-proxy-client" in answer.text
    assert "<fieldset disabled>" in answer.text
    assert 'value="save">Save profiles' not in answer.text


@pytest.mark.parametrize("who", ["stranger", "viewer", "issuer"])
def test_only_an_administrator_saves(client_of, request, who, authority, address):
    answer = save(client_of(request.getfixturevalue(who)), address, authority, DEFAULT_CONFIG_TEXT)
    assert answer.status_code == 403
    authority.refresh_from_db()
    assert "www" not in authority.signing_config


def test_a_stranger_sees_nothing(client_of, stranger, client, address):
    assert client_of(stranger).get(address).status_code == 403
    assert client.get(address).status_code == 302


def test_an_unknown_authority_is_not_found(client_of, administrator):
    address = reverse("certs:profile_edit", args=["nobody"])
    assert client_of(administrator).get(address).status_code == 404


def test_other_methods_are_refused(client_of, administrator, address):
    assert client_of(administrator).delete(address).status_code == 405


def test_json_is_stored_as_written_and_the_ledger_tells_the_difference(
    client_of, administrator, authority, address
):
    answer = save(client_of(administrator), address, authority, DEFAULT_CONFIG_TEXT)
    assert answer.status_code == 302
    authority.refresh_from_db()
    assert authority.signing_config == DEFAULT_CONFIG_TEXT
    entry = Entry.objects.filter(action="authority.config_changed").get()
    assert entry.actor_name == "ada"
    assert "default.expiry: 8760h → 168h" in entry.detail["changes"]
    gone = "− front-proxy-client: usages signing, client auth; expiry 8760h"
    assert gone in entry.detail["changes"]


def test_saving_twice_changes_nothing_the_second_time(client_of, administrator, authority, address):
    client = client_of(administrator)
    save(client, address, authority, DEFAULT_CONFIG_TEXT)
    assert save(client, address, authority, DEFAULT_CONFIG_TEXT).status_code == 302
    assert Entry.objects.filter(action="authority.config_changed").count() == 1


def test_fields_are_stored_through_the_json(client_of, administrator, authority, address):
    fields = {
        "default-expiry": "8760h",
        "p0-name": "front-proxy-client",
        "p0-expiry": "720h",
        "p0-usages": ["signing", "client auth"],
    }
    text = authority.signing_config
    assert save(client_of(administrator), address, authority, text, **fields).status_code == 302
    authority.refresh_from_db()
    profile = json.loads(authority.signing_config)["signing"]["profiles"]["front-proxy-client"]
    assert profile == {"usages": ["signing", "client auth"], "expiry": "720h"}


@pytest.mark.parametrize("text", BAD)
def test_bad_json_is_said_and_stored_nowhere(client_of, administrator, authority, address, text):
    before = authority.signing_config
    answer = save(client_of(administrator), address, authority, text)
    assert answer.status_code == 422
    assert 'id="config-problems"' in answer.text
    assert "<script>alert" not in answer.text
    assert "field-errors" in answer.text
    authority.refresh_from_db()
    assert authority.signing_config == before
    assert not Entry.objects.filter(action="authority.config_changed").exists()


@pytest.mark.parametrize("value", ["<script>alert(1)</script>", "a\x00b", "a\u202eb", "x" * 3000])
@pytest.mark.parametrize("field", ["p0-name", "p0-expiry", "p0-crl_url", "p0-name_whitelist"])
def test_bad_text_in_a_field_harms_nothing(
    client_of, administrator, authority, address, field, value
):
    fields = {"default-expiry": "8760h", "p0-name": "a", "p0-expiry": "1h", "p0-usages": ["any"]}
    text = authority.signing_config
    answer = save(client_of(administrator), address, authority, text, **(fields | {field: value}))
    assert answer.status_code in (302, 422)
    shown = client_of(administrator).get(address).text if answer.status_code == 302 else answer.text
    assert "<script>alert" not in shown
    assert "\u202e" not in json.loads(Authority.objects.get().signing_config)["signing"]["profiles"]


def test_two_people_at_once_lose_nothing(client_of, administrator, authority, address):
    client = client_of(administrator)
    old = {"version": config_version(authority), "base": authority.signing_config}
    save(client, address, authority, DEFAULT_CONFIG_TEXT)
    mine = authority.signing_config.replace("8760h", "1h")
    answer = client.post(address, {"do": "save", "text": mine, **old})
    assert answer.status_code == 409
    assert "Somebody else changed these profiles" in answer.text
    assert "− www" in answer.text
    assert "1h" in answer.text
    authority.refresh_from_db()
    assert authority.signing_config == DEFAULT_CONFIG_TEXT


def test_adding_and_removing_change_the_page_only(client_of, administrator, authority, address):
    client = client_of(administrator)
    sent = {"base": authority.signing_config, "text": authority.signing_config}
    added = client.post(address, sent | {"do": "add", "preset": "www"})
    assert added.status_code == 200
    assert 'value="www"' in added.text
    removed = client.post(address, sent | {"do": "remove-0"})
    assert "No profile has a name yet" in removed.text
    authority.refresh_from_db()
    assert authority.signing_config == sent["text"]


def test_following_answers_with_the_other_side_alone(client_of, administrator, authority, address):
    sent = {"base": authority.signing_config, "do": "follow", "text": DEFAULT_CONFIG_TEXT}
    answer = client_of(administrator).post(address, sent)
    assert 'id="config-fields" hx-swap-oob="true"' in answer.text
    assert 'id="config-text"' not in answer.text
    assert 'value="www"' in answer.text


def test_an_uploaded_file_is_imported(client_of, administrator, authority, address, tmp_path):
    file = tmp_path / "ca-config.json"
    file.write_text(DEFAULT_CONFIG_TEXT)
    with file.open("rb") as opened:
        answer = save(
            client_of(administrator), address, authority, authority.signing_config, file=opened
        )
    assert answer.status_code == 302
    authority.refresh_from_db()
    assert authority.signing_config == DEFAULT_CONFIG_TEXT


def test_a_huge_file_is_refused_with_words(client_of, administrator, authority, address, tmp_path):
    file = tmp_path / "huge.json"
    file.write_text('{"a": "' + "x" * 200_000 + '"}')
    with file.open("rb") as opened:
        answer = save(
            client_of(administrator), address, authority, authority.signing_config, file=opened
        )
    assert answer.status_code == 422
    assert "larger than" in answer.text


def test_unknown_keys_are_kept_and_named(client_of, administrator, authority, address):
    text = '{"signing": {"default": {"expiry": "1h", "colour": "red"}}, "extra": 1}'
    client = client_of(administrator)
    save(client, address, authority, text)
    shown = client.get(address).text
    assert "<code>signing.default.colour</code>" in shown
    assert "<code>extra</code>" in shown


def test_the_service_checks_what_the_page_checks(authority):
    by, version = system_actor("tests"), config_version(authority)
    with pytest.raises(PkiError):
        update_signing_config(authority, text="{", expected=version, by=by)
    with pytest.raises(ConfigChanged):
        update_signing_config(authority, text=DEFAULT_CONFIG_TEXT, expected="", by=by)


def test_a_profile_that_mixes_lanes_is_named_with_what_follows(
    client_of, administrator, authority, address
):
    client = client_of(administrator)
    assert "not for this lane" not in client.get(address).text
    save(client, address, authority, DEFAULT_CONFIG_TEXT)
    assert "www has server auth, which is not for this lane" in client.get(address).text
