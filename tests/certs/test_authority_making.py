"""Making an authority on its page: who may, what is made, what is refused beside which field."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from aggportal.certs.models import Authority, SealedKey
from aggportal.ledger.models import Entry
from aggportal.pki.presets import DEFAULT_CONFIG_TEXT
from aggportal.pki.reading import read_certificate

pytestmark = pytest.mark.django_db

NEW = "/authorities/new/"
SPEC = '{"CN": "front-proxy-ca", "key": {"algo": "ecdsa", "size": 256}, "ca": {"expiry": "87600h"}}'
RECIPE = {
    "CN": "aggregator",
    "key": {"algo": "rsa", "size": 2048},
    "names": [{"C": "CN", "ST": "Shanghai", "L": "Shanghai", "O": "k8s", "OU": "System"}],
    "ca": {"expiry": "87600h"},
}
FIELDS = {
    "CN": "front-proxy-ca",
    "key": "ecdsa-256",
    "serialnumber": "",
    "ca_expiry": "87600h",
    "ca_pathlen": "",
    **{f"names-0-{key}": "" for key in ("C", "ST", "L", "O", "OU", "E")},
}


def form(**changes: object) -> dict[str, object]:
    """What the page posts to make an authority; the JSON was not edited."""
    sent = {
        "do": "create",
        "label": "Front proxy 2026",
        "lane": "front-proxy",
        "file_base": "",
        "start": "recommended",
        "config": "",
        "mode": "strict",
        "base": SPEC,
        "text": SPEC,
        **FIELDS,
    }
    return sent | changes


def make(client, **changes):
    return client.post(NEW, form(**changes))


@pytest.mark.parametrize("who", ["stranger", "viewer", "issuer"])
def test_only_an_administrator_enters(client_of, request, who):
    client = client_of(request.getfixturevalue(who))
    assert client.get(NEW).status_code == 403
    answer = make(client)
    assert answer.status_code == 403
    assert "role" in answer.text
    assert not Authority.objects.exists()


def test_other_methods_are_refused(client_of, administrator):
    assert client_of(administrator).put(NEW).status_code == 405


def test_the_empty_page_explains_and_accuses_nobody(client_of, administrator):
    seen = client_of(administrator).get(NEW).text
    assert "behind --requestheader-client-ca-file" in seen
    assert "Lanes must not mix" in seen
    assert "CA:TRUE" in seen
    assert 'aria-invalid="true"' not in seen


def test_an_authority_is_made_from_the_fields(client_of, administrator):
    answer = make(client_of(administrator), CN="my-ca", ca_pathlen="0", key="ecdsa-384")
    made = Authority.objects.get()
    assert answer["Location"] == made.get_absolute_url() == "/authorities/front-proxy-2026/"
    facts = read_certificate(made.certificate_pem)
    assert (facts.common_name, facts.key, facts.path_length) == ("my-ca", "ECDSA P-384", 0)
    assert facts.is_ca
    assert list(json.loads(made.signing_config)["signing"]["profiles"]) == ["front-proxy-client"]
    assert SealedKey.objects.count() == 1
    assert Entry.objects.filter(action="authority.created", outcome="done").count() == 1


def test_the_recipes_json_makes_the_recipes_authority(client_of, administrator):
    client = client_of(administrator)
    make(client, text=json.dumps(RECIPE), label="Aggregator", lane="general", start="aggregator")
    made = Authority.objects.get()
    assert made.file_base == "aggregator-ca"
    assert made.subject == "C=CN, ST=Shanghai, L=Shanghai, O=k8s, OU=System, CN=aggregator"
    assert made.key_text == "RSA 2048"
    config = json.loads(made.signing_config)["signing"]
    assert config["default"] == {"expiry": "87600h"}
    assert config["profiles"]["aggregator"]["usages"][-2:] == ["server auth", "client auth"]
    files = reverse("certs:authority_file", args=[made.slug, "aggregator-ca.pem"])
    assert client.get(files).status_code == 200


@pytest.mark.parametrize("start", ["lane", "recipe", "print-defaults"])
def test_a_starting_point_fills_the_page_and_stores_nothing(client_of, administrator, start):
    answer = make(client_of(administrator), do=f"start-{start}", label="Mine")
    assert answer.status_code == 200
    assert {"lane": "front-proxy-ca", "recipe": "Shanghai"}.get(start, "example.net") in answer.text
    assert 'value="Mine"' in answer.text
    assert not Authority.objects.exists()


def test_an_own_config_is_taken_as_it_is(client_of, administrator):
    make(client_of(administrator), start="own", config=DEFAULT_CONFIG_TEXT)
    assert Authority.objects.get().signing_config == DEFAULT_CONFIG_TEXT


def test_an_own_config_that_was_not_chosen_is_not_dropped_silently(client_of, administrator):
    answer = make(client_of(administrator), config=DEFAULT_CONFIG_TEXT)
    assert answer.status_code == 422
    assert "A ca-config.json is given below" in answer.text


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ('{"signing": {"default": {"expiry": "1h",}}}', "Line 1, column 40"),
        ('{"signing": {"default": {"expiry": "365d"}}}', "write 8760h"),
        ('{"signing": {"default": {"expiry": "1h", "usages": ["sever auth"]}}}', "server auth"),
        ("", "empty"),
        ("<script>alert(1)</script>", "a value is missing"),
    ],
)
def test_a_bad_own_config_is_said_beside_it(client_of, administrator, config, words):
    answer = make(client_of(administrator), start="own", config=config)
    assert answer.status_code == 422
    assert words in answer.text
    assert "<script>alert" not in answer.text
    assert not Authority.objects.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"CN": ""}, "CN"),
        ({"label": ""}, "Give it a label"),
        ({"label": "a\u202eb"}, "cannot be seen"),
        ({"label": "x" * 300}, "80"),
        ({"lane": ""}, "Choose what it is for"),
        ({"lane": "both"}, "both"),
        ({"file_base": "../etc"}, "cannot start a file name"),
        ({"ca_expiry": "365d"}, "write 8760h"),
        ({"ca_expiry": "-1h"}, "longer than nothing"),
        ({"ca_pathlen": "256"}, "between 0 and"),
        ({"ca_pathlen": "x"}, "whole number"),
        ({"key": "rsa-1024"}, "2048"),
        ({"key": "dsa-2048"}, "rsa"),
        ({"names-0-C": "USA"}, "two letters"),
        ({"names-0-O": "<script>alert(1)</script>" * 9}, "at most 64"),
        ({"CN": "a\x00b"}, "cannot be seen"),
        ({"CN": " front"}, "spaces"),
    ],
)
def test_a_bad_field_is_said_beside_it_and_nothing_is_stored(
    client_of, administrator, changes, words
):
    answer = make(client_of(administrator), **changes)
    assert answer.status_code == 422
    assert "field-errors" in answer.text
    assert words in answer.text
    assert "<script>alert" not in answer.text
    assert not Authority.objects.exists()
    assert not SealedKey.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        '{"CN": "a",}',
        '{"CN": 5}',
        '{"CN": {"a": 1}, "names": "x", "key": [], "ca": 3}',
        '{"key": {"algo": "rsa", "size": 1024}, "CN": "a"}',
        '{"CN": "a", "names": [{"O": ["k8s"]}]}',
        '{"CN": "\\ud800"}',
        '{"CN": "a", "ca": {"expiry": "365d"}}',
        '{"CN": "<script>alert(1)</script>\\u0007"}',
        "\x00",
        "[]",
    ],
)
def test_bad_json_is_said_and_nothing_is_stored(client_of, administrator, text):
    answer = make(client_of(administrator), text=text)
    assert answer.status_code == 422
    assert "field-errors" in answer.text
    assert "<script>alert" not in answer.text
    assert not Authority.objects.exists()


def test_script_in_names_is_only_text(client_of, administrator):
    evil = "<script>alert(1)</script>"
    client = client_of(administrator)
    made = make(client, label=evil, **{"CN": evil, "names-0-OU": evil})
    assert made.status_code == 302
    for page in (made["Location"], "/authorities/", f"{made['Location']}profiles/"):
        assert evil not in client.get(page).text


def test_fields_and_json_edited_at_once_are_asked_about(client_of, administrator):
    answer = make(client_of(administrator), CN="one", text=SPEC.replace("front-proxy-ca", "two"))
    assert answer.status_code == 422
    assert "both changed" in answer.text
    assert not Authority.objects.exists()


def test_sending_twice_makes_two_with_addresses_and_keys_of_their_own(client_of, administrator):
    client = client_of(administrator)
    make(client)
    make(client)
    slugs = Authority.objects.order_by("pk").values_list("slug", flat=True)
    assert list(slugs) == ["front-proxy-2026", "front-proxy-2026-2"]


@pytest.mark.parametrize(("label", "slug"), [("new", "new-authority"), ("前代理", "authority")])
def test_every_label_gets_an_address(client_of, administrator, label, slug):
    make(client_of(administrator), label=label)
    assert Authority.objects.get().slug == slug


def test_typing_is_followed_by_the_panel_and_the_other_side(client_of, administrator):
    answer = make(client_of(administrator), do="follow", CN="typed-ca")
    assert answer.status_code == 200
    assert 'id="request-panel"' in answer.text
    assert "CN=typed-ca" in answer.text
    assert "<html" not in answer.text
    assert not Authority.objects.exists()
