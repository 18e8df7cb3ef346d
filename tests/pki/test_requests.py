"""cfssl's CSR JSON: read whole, refused with every path, written back."""

from __future__ import annotations

import json

import pytest

from aggportal.pki.errors import InvalidFields, MissingSubject
from aggportal.pki.jsontext import dump_json
from aggportal.pki.keys import KeySpec
from aggportal.pki.presets import DEFAULT_REQUEST, DEFAULT_REQUEST_TEXT
from aggportal.pki.requests import dump_request_spec, load_request_spec, parse_request_spec
from tests.pki.recipe import CA, LEAF

EVERYTHING = {
    "CN": "all",
    "hosts": ["a.example.com"],
    "key": {"algo": "rsa", "size": 3072},
    "names": [
        {
            "C": "CN",
            "ST": "s",
            "L": "l",
            "O": "o",
            "OU": "u",
            "E": "e@x.y",
            "SerialNumber": "7",
            "OID": {"1.2.3": "v"},
        }
    ],
    "ca": {"expiry": "1h", "backdate": "5m", "pathlen": 2},
    "serialnumber": "42",
    "delegation_enabled": True,
    "extensions": [{"Id": [1, 2, 3], "Critical": True, "Value": "BQA="}],
    "crl_url": "http://pki.example.com/ca.crl",
}


@pytest.mark.parametrize("document", [CA, LEAF, EVERYTHING, dict(DEFAULT_REQUEST)])
def test_reading_and_writing_loses_no_known_key(document):
    assert dump_request_spec(load_request_spec(document)) == document
    assert load_request_spec(dump_request_spec(load_request_spec(document))) == load_request_spec(
        document
    )


def test_print_defaults_csr_is_read():
    assert parse_request_spec(DEFAULT_REQUEST_TEXT).hosts == ("example.net", "www.example.net")
    assert dump_json(DEFAULT_REQUEST) + "\n" == DEFAULT_REQUEST_TEXT


def test_the_key_defaults_to_ecdsa_256():
    assert load_request_spec({"CN": "x"}).key == KeySpec(algo="ecdsa", size=256)


def problems_of(document, *, strict=True):
    with pytest.raises(InvalidFields) as refusal:
        load_request_spec(document, strict=strict)
    return {problem.field: str(problem) for problem in refusal.value.problems}


def test_all_problems_are_told_at_once_under_their_paths():
    found = problems_of(
        {
            "CN": ["x"],
            "hosts": ["fine.example", "bad host"],
            "key": {"algo": "rsa", "size": 1024},
            "names": [{"C": "USA", "O": 5}, "x"],
            "ca": {"expiry": "365d", "pathlen": "2", "backdate": "soon"},
            "crl_url": "javascript:alert(1)",
            "delegation_enabled": "yes",
            "extensions": [{"Id": "1.2.3"}],
        }
    )
    assert set(found) == {
        "CN",
        "hosts[1]",
        "key.size",
        "names[0].C",
        "names[0].O",
        "names[1]",
        "ca.expiry",
        "ca.pathlen",
        "ca.backdate",
        "crl_url",
        "delegation_enabled",
        "extensions[0].Id",
    }
    assert "8760h" in found["ca.expiry"]


@pytest.mark.parametrize(
    "text", ["a\x00b", "a\r\nb", "a\u202eb", "\ud800", "a\u200bb", "\ufeffa", "a\u2028"]
)
def test_characters_that_cannot_be_seen_are_refused_beside_their_field(text):
    found = problems_of({"CN": text, "hosts": [text], "names": [{"O": text}], "serialnumber": text})
    assert set(found) == {"CN", "hosts[0]", "names[0].O", "serialnumber"}
    assert "U+" in found["CN"]


def test_markup_is_only_text():
    assert load_request_spec({"CN": "<script>alert(1)</script>"}).common_name.startswith("<script>")


def test_ten_thousand_hosts_are_refused_fast_and_clearly():
    text = json.dumps({"CN": "x", "hosts": ["a"] * 10_000})
    with pytest.raises(InvalidFields, match="10000 entries are too many; at most 100"):
        parse_request_spec(text)


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ({"algo": "rsa", "size": 1024}, "key.size"),
        ({"algo": "rsa", "size": 8192}, "key.size"),
        ({"algo": "rsa", "size": 2048.5}, "key.size"),
        ({"algo": "rsa", "size": True}, "key.size"),
        ({"algo": "rsa", "size": -1}, "key.size"),
        ({"algo": "ecdsa", "size": 255}, "key.size"),
        ({"algo": "ecdsa"}, "key.size"),
        ({"algo": "dsa", "size": 2048}, "key.algo"),
        ({"size": 2048}, "key.algo"),
        ("rsa", "key"),
    ],
)
def test_keys_out_of_range_are_refused(key, field):
    assert set(problems_of({"CN": "x", "key": key})) == {field}


def test_a_size_is_ignored_for_ed25519():
    assert (
        str(load_request_spec({"CN": "x", "key": {"algo": "ed25519", "size": 256}}).key)
        == "Ed25519"
    )


@pytest.mark.parametrize("document", [{}, {"CN": ""}, {"CN": "  "}, {"names": []}, {"names": [{}]}])
def test_an_empty_subject_is_refused(document):
    with pytest.raises(InvalidFields) as refusal:
        load_request_spec(document)
    assert any(isinstance(p, MissingSubject) or p.field == "CN" for p in refusal.value.problems)


def test_strict_holds_to_upper_bounds_and_compat_does_not():
    document = {"CN": "c" * 65, "names": [{"C": "USA", "O": "o" * 65}]}
    assert set(problems_of(document)) == {"CN", "names[0].C", "names[0].O"}
    assert load_request_spec(document, strict=False).names[0].country == "USA"


def test_unknown_keys_are_named_and_misspelt_case_is_read_as_go_does():
    spec = load_request_spec(
        {
            "cn": "x",
            "Hosts": ["a.b"],
            "host": [],
            "names": [{"c": "CN", "X": "1"}],
            "key": {"algo": "rsa", "size": 2048, "bits": 1},
        }
    )
    assert spec.common_name == "x"
    assert spec.hosts == ("a.b",)
    assert set(spec.unknown) == {"host", "names[0].X", "key.bits"}


def test_keys_that_differ_by_case_only_are_refused():
    assert problems_of({"CN": "x", "cn": "y"})


def test_an_attribute_with_its_own_key_may_not_come_as_oid():
    found = problems_of({"CN": "x", "names": [{"OID": {"2.5.4.10": "system:masters", "9.9": "v"}}]})
    assert set(found) == {"names[0].OID.2.5.4.10", "names[0].OID.9.9"}
