"""cfssl's ca-config.json: read with its rules and ours, written back without loss."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from aggportal.pki.config import dump_config, dump_profile, load_config, parse_config
from aggportal.pki.errors import InvalidFields, UnknownProfile, UnknownUsage
from aggportal.pki.jsontext import dump_json
from aggportal.pki.presets import DEFAULT_CONFIG_TEXT, PRESETS
from tests.pki.recipe import CONFIG

RICH: dict[str, Any] = {
    "signing": {
        "default": {"expiry": "168h", "ocsp_url": "http://ocsp.example/", "note": 1},
        "profiles": {
            "mail": {
                "usages": ["digital signature", "content committment", "s/mime"],
                "expiry": "1h30m",
                "backdate": "1h",
                "not_before": "2026-01-01T01:00:00+01:00",
                "not_after": "2030-01-01T00:00:00Z",
                "ca_constraint": {"is_ca": True, "max_path_len": 1, "x": 2},
                "issuer_urls": ["http://i.example/ca.crt"],
                "crl_url": "http://c.example/ca.crl",
                "ocsp_no_check": True,
                "name_whitelist": "^[a-z.]+$",
                "Policies": [
                    {"ID": "1.2.3", "Qualifiers": [{"Type": "id-qt-cps", "Value": "http://x"}]}
                ],
                "lint_error_level": "warn",
                "CSRWhitelist": {"Subject": True},
                "allowed_extensions": ["1.2.3"],
                "future": {"a": [1, 2.5, None]},
            }
        },
    },
    "auth_keys": {"k": {"type": "standard", "key": "00"}},
    "remotes": {"r": "http://r:8888"},
    "mine": True,
}


@pytest.mark.parametrize("document", [CONFIG, RICH])
def test_import_and_export_lose_nothing(document):
    assert dump_config(load_config(document)) == document
    assert dump_json(dump_config(parse_config(dump_json(document)))) == dump_json(document)


def test_usages_are_canonical_but_keep_their_spelling_in_the_export():
    profile = load_config(RICH).profile("mail")
    assert profile.usages == ("signing", "content commitment", "email protection")
    assert dump_profile(profile)["usages"] == ["digital signature", "content committment", "s/mime"]


def test_an_edited_value_is_written_and_the_rest_stays():
    config = load_config(RICH)
    edited = replace(config.profiles[0], expiry="2h", issuer_urls=())
    document = dump_config(replace(config, profiles=(edited,)))
    expected = copy.deepcopy(RICH)
    expected["signing"]["profiles"]["mail"]["expiry"] = "2h"
    del expected["signing"]["profiles"]["mail"]["issuer_urls"]
    assert document == expected


def test_unknown_keys_are_named():
    config = load_config(RICH)
    assert set(config.unknown) == {"mine", "signing.default.note", "signing.profiles.mail.future"}


def test_a_named_profile_inherits_addresses_only():
    profile = load_config(RICH).profile("mail")
    assert profile.ocsp_url == "http://ocsp.example/"
    assert profile.expiry == "1h30m"


def test_a_config_without_default_signs_as_cfssl_would():
    config = load_config({"signing": {"profiles": {}}})
    assert config.profile("").usages == (
        "signing",
        "key encipherment",
        "server auth",
        "client auth",
    )
    assert dump_config(config) == {"signing": {"profiles": {}}}


def test_an_unknown_profile_is_refused_with_the_names():
    with pytest.raises(UnknownProfile, match="default, aggregator"):
        load_config(CONFIG).profile("agregator")


def problems_of(**profile):
    with pytest.raises(InvalidFields) as refusal:
        load_config({"signing": {"default": {"expiry": "1h"}, "profiles": {"p": profile}}})
    return {p.field.removeprefix("signing.profiles.p."): p for p in refusal.value.problems}


@pytest.mark.parametrize(
    ("usage", "suggestion"),
    [
        ("serverAuth", "server auth"),
        ("client-auth", "client auth"),
        ("sever auth", "server auth"),
        ("Signing", "signing"),
        ("key_encipherment", "key encipherment"),
        ("zzz", ""),
        ("", ""),
    ],
)
def test_an_unknown_usage_is_refused_with_the_closest_name(usage, suggestion):
    found = problems_of(usages=[usage], expiry="1h")
    assert isinstance(found["usages[0]"], UnknownUsage)
    assert found["usages[0]"].suggestion == suggestion


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("expiry", ""),
        ("expiry", "365d"),
        ("expiry", "8760"),
        ("expiry", "-1h"),
        ("expiry", "0"),
        ("expiry", "9999999999h"),
        ("usages", []),
        ("usages", "signing"),
        ("backdate", "1 h"),
        ("not_before", "tomorrow"),
        ("not_before", "2026-13-01T00:00:00Z"),
        ("name_whitelist", "(a"),
        ("name_whitelist", "a" * 600),
        ("ocsp_url", "javascript:1"),
        ("crl_url", "/ca.crl"),
        ("auth_key", "missing"),
        ("copy_extensions", "yes"),
        ("ca_constraint", []),
    ],
)
def test_a_wrong_value_is_refused_under_its_key(key, value):
    assert set(problems_of(**({"usages": ["signing"], "expiry": "1h"} | {key: value}))) == {key}


def test_days_are_answered_with_hours():
    assert "write 8760h instead of 365d" in str(
        problems_of(usages=["signing"], expiry="365d")["expiry"]
    )


@pytest.mark.parametrize("document", [{}, {"signing": []}, {"signing": {"default": {}}}])
def test_a_config_without_the_necessary_is_refused(document):
    with pytest.raises(InvalidFields):
        load_config(document)


def test_print_defaults_config_is_read():
    assert parse_config(DEFAULT_CONFIG_TEXT).names == ("www", "client")


def test_the_recommended_presets_keep_client_and_server_apart():
    assert "server auth" not in PRESETS["front-proxy-client"].usages
    assert "client auth" not in PRESETS["extension-serving"].usages


def test_our_own_key_survives_and_must_be_true_or_false():
    document = {"signing": {"default": {"expiry": "1h", "auto_sign": True}}}
    config = load_config(document)
    assert (config.default.auto_sign, config.unknown) == (True, ())
    assert dump_config(config) == document
    with pytest.raises(InvalidFields, match="auto_sign"):
        load_config({"signing": {"default": {"expiry": "1h", "auto_sign": "yes"}}})
