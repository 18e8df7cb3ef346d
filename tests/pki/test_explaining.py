"""Before anything is issued a person reads what it would be and what is odd about it."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from aggportal.pki.cautions import Caution, Issuing
from aggportal.pki.config import load_profile
from aggportal.pki.errors import PkiError
from aggportal.pki.explaining import (
    Explanation,
    explain,
    explain_hosts,
    explain_problems,
    with_power_asked,
)
from aggportal.pki.issuers import issuer_of
from aggportal.pki.issuing import (
    certificate_pem,
    plan_authority,
    plan_certificate,
    sign_certificate,
)
from aggportal.pki.presets import PRESETS
from aggportal.pki.reading import read_certificate
from aggportal.pki.requests import load_request_spec, parse_request_spec
from tests.pki.certificates_made import NOW, YEAR, Made, authority, make

CA = authority("serving-ca", until=NOW + YEAR + dt.timedelta(days=14))
LASTING = authority()
SERVING = {"usages": ["signing", "server auth"], "expiry": "8760h"}


def explained(
    document: dict,
    *,
    profile=SERVING,
    by=LASTING,
    lane="general",
    allowed=(),
    compat=False,
    **rest,
) -> Explanation:
    """Explain as the form does: request spec and profile in, plan between, explanation out."""
    chosen = PRESETS[profile] if isinstance(profile, str) else load_profile("own", profile)
    spec = load_request_spec(document, strict=not compat)
    issuer = issuer_of(by.certificate)
    plan = plan_certificate(spec, profile=chosen, issuer=issuer, now=NOW, compat=compat)
    issuing = Issuing(certificate=by.facts, lane=lane, allowed_names=allowed)
    return explain(plan, spec=spec, profile=chosen, authority=issuing, now=NOW, **rest)


def codes(explanation: Explanation) -> list[str]:
    return [caution.code for caution in explanation.warnings]


def only(explanation: Explanation, code: str) -> Caution:
    (found,) = [caution for caution in explanation.warnings if caution.code == code]
    return found


API = {"CN": "api.wardle.svc", "hosts": ["api.wardle.svc", "10.254.0.1"]}


def test_the_rows_say_what_the_certificate_will_say():
    told = explained(API, by=CA)
    shown = {row.key: (*row.values, *map(str, row.notes)) for row in told.rows}
    assert shown == {
        "subject": ("CN=api.wardle.svc",),
        "issuer": ("CN=serving-ca",),
        "valid": (
            "2026-11-23 04:55 → 2027-11-23 04:55 UTC",
            "365 days",
            "ends 14 days before the authority does",
        ),
        "usages": ("digital signature", "server auth"),
        "names": ("DNS api.wardle.svc", "IP 10.254.0.1"),
        "kubernetes": (
            "kube-apiserver checks one name only: service.namespace.svc. Covered: api.wardle.svc.",
        ),
        "ca": ("no: it cannot sign certificates",),
        "key": ("ECDSA P-256",),
        "key-ids": ("subject and authority key identifier set",),
        "signature": ("ECDSA with SHA-256",),
    }
    assert codes(told) == []


def test_a_client_s_user_and_groups_are_told_as_kubernetes_sees_them():
    jane = {"CN": "jane", "names": [{"O": "devs"}, {"O": "ops"}]}
    (note,) = explained(jane, profile="client").row("kubernetes").notes
    assert str(note) == "Kubernetes would see user jane in groups devs, ops."
    (note,) = explained({"CN": "jane"}, profile="client").row("kubernetes").notes
    assert str(note) == "Kubernetes would see user jane in no group of its own."


def test_in_the_front_proxy_lane_the_holder_is_the_front_proxy():
    told = explained({"CN": "front-proxy-client"}, profile="front-proxy-client", lane="front-proxy")
    assert "believe every user that it names" in str(told.row("kubernetes").notes[0])
    assert codes(told) == []


def test_a_self_signed_authority_is_explained_too():
    spec = load_request_spec({"CN": "ca", "ca": {"pathlen": 0, "pathlenzero": True}})
    plan = plan_authority(spec, now=NOW)
    told = explain(plan, spec=spec, profile=None, authority=None, now=NOW)
    assert str(told.row("ca").notes[0]) == "yes, with no further authority below"
    assert str(told.row("issuer").notes[0]) == "itself"
    assert told.row("signature").values == ("ECDSA with SHA-256",)
    assert codes(told) == []


@pytest.mark.parametrize(
    ("organization", "code"),
    [("system:masters", "reserved-administrators"), ("ѕystem:Masters ", "reserved-administrators")],
)
def test_masters_are_to_mend_and_the_words_say_why(organization: str, code: str):
    told = explained({"CN": "x", "names": [{"O": organization}]}, profile="client", compat=True)
    caution = only(told, code)
    assert (caution.severity, caution.field) == ("mend", "names")
    assert told.warnings[0] == caution, "what must be mended comes first"
    assert "RBAC cannot restrict" in str(caution)
    assert "revoking does nothing" in str(caution)


def test_other_names_of_the_system_are_to_mend_unless_two_people_are_asked():
    node = {"CN": "system:node:n1"}
    alone = explained(node, profile="client", let_pass=True)
    assert only(alone, "reserved-identity").severity == "mend"
    assert (alone.let_pass, alone.two_people) == (False, False)
    allowed = with_power_asked(alone, let_pass=False)
    assert (allowed.let_pass, allowed.two_people) == (True, True)
    assert only(allowed, "reserved-identity").severity == "know"
    assert allowed.to_mend == ()
    assert [danger.code for danger in allowed.dangers] == ["reserved-identity"]


def portal_authority() -> Made:
    """An authority as the portal itself makes it, its names encoded as cfssl encodes them."""
    plan = plan_authority(load_request_spec({"CN": "aggregator"}), now=NOW)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = sign_certificate(plan, public_key=key.public_key(), issuer_key=key)
    facts = read_certificate(certificate_pem(certificate))
    return Made(certificate=certificate, facts=facts, key=key)


def test_equal_subjects_are_told_with_what_openssl_does():
    same = {"CN": "aggregator", "hosts": ["a.b.svc"]}
    ours = only(explained(same, by=portal_authority()), "equal-subject")
    cfssl = only(explained(same, by=portal_authority(), compat=True), "equal-subject")
    assert (ours.severity, ours.field) == ("know", "CN")
    assert "We set the authority key identifier" in str(ours)
    assert "error 18" in str(cfssl)


def test_outliving_the_authority_shows_in_compat():
    told = explained(
        API, profile={"usages": ["server auth"], "expiry": "10000h"}, compat=True, by=CA
    )
    caution = only(told, "outlives-authority")
    assert "the authority ends on 2027-12-07 05:00 UTC" in str(caution)
    assert str(told.row("valid").notes[1]) == "ends 37 days after the authority does"


PROXY = {"lane": "front-proxy", "let_pass": True}
CAUTIONS = [
    ("no-names", "hosts", {"CN": "web"}, {}),
    ("no-service-name", "hosts", {"CN": "a.b", "hosts": ["a.b"]}, {"lane": "serving"}),
    ("cn-not-among-hosts", "CN", {"CN": "a.example", "hosts": ["b.example"]}, {}),
    ("single-label", "hosts[1]", {"CN": "x", "hosts": ["a.b.svc", "kubernetes"]}, {}),
    ("wildcard", "hosts[0]", {"CN": "x", "hosts": ["*.b.svc"]}, {}),
    ("stray-space", "names", {"CN": "x", "names": [{"O": "k8s "}]}, {"compat": True}),
    ("stray-space-in-host", "hosts[0]", {"CN": "x", "hosts": [" b"]}, {"compat": True}),
    ("host-and-port", "hosts[0]", {"CN": "x", "hosts": ["localhost:8443"]}, {"compat": True}),
    ("no-user-name", "CN", {"names": [{"O": "devs"}]}, {"profile": "client"}),
    ("cn-not-allowed", "CN", {"CN": "x"}, {"profile": "client", "allowed": ("aggregator",)}),
    ("both-usages-in-general", "profile", API, {"profile": "aggregator", "compat": True}),
    ("both-usages", "profile", API, {"profile": "aggregator", "compat": True, **PROXY}),
    ("server-from-front-proxy", "profile", API, PROXY),
    (
        "client-from-serving",
        "profile",
        {"CN": "x"},
        {"profile": "client", "lane": "serving", "let_pass": True},
    ),
    ("server-from-client", "profile", API, {"lane": "client", "let_pass": True}),
    ("long-life", "profile", API, {"profile": {"usages": ["server auth"], "expiry": "20000h"}}),
    ("long-user-life", "profile", {"CN": "jane"}, {"profile": "client", "lane": "client"}),
    ("open-usage", "profile", API, {"profile": {"usages": ["signing"], "expiry": "1h"}}),
    ("open-usage", "profile", API, {"profile": {"usages": ["any"], "expiry": "1h"}}),
    (
        "no-digital-signature",
        "profile",
        API,
        {"profile": {"usages": ["server auth"], "expiry": "1h"}},
    ),
    ("ed25519", "key.algo", {**API, "key": {"algo": "ed25519"}}, {}),
    ("rsa-4096", "key.size", {**API, "key": {"algo": "rsa", "size": 4096}}, {}),
    ("unfit-usage", "profile", API, {"profile": "www"}),
    ("unfit-usage", "profile", API, {"profile": "www", "compat": True}),
    ("unknown-key", "host", {**API, "host": "x"}, {}),
    (
        "unknown-key",
        "profile",
        API,
        {"profile": {"usages": ["signing", "server auth"], "expiry": "1h", "expire": "2h"}},
    ),
    (
        "old-spelling",
        "profile",
        API,
        {"profile": {"usages": ["content committment", "server auth"], "expiry": "1h"}},
    ),
    (
        "begins-later",
        "profile",
        API,
        {
            "profile": {
                "usages": ["signing", "server auth"],
                "expiry": "1h",
                "not_before": "2027-01-01T00:00:00Z",
                "not_after": "2027-02-01T00:00:00Z",
            }
        },
    ),
]


@pytest.mark.parametrize(
    ("code", "field", "document", "around"), CAUTIONS, ids=[entry[0] for entry in CAUTIONS]
)
def test_each_oddity_is_told_once_beside_its_field(code, field, document, around):
    caution = only(explained(document, **around), code)
    assert (caution.severity, caution.field) == ("know", field)
    assert len(str(caution)) > 60
    assert str(caution).count(". ") + str(caution).count(": ") >= 1, "says more than one thing"


@pytest.mark.parametrize(
    ("expiry", "notes"),
    [
        ("24h", ["24 hours", "ends 378 days before the authority does"]),
        ("9096h", ["379 days", "ends on the authority's last day"]),
        ("9100h", ["379 days", "ends less than a day after the authority does"]),
    ],
)
def test_the_length_of_its_life_is_told_beside_the_authority_s(expiry, notes):
    profile = {"usages": ["signing", "server auth"], "expiry": expiry}
    told = explained(API, profile=profile, by=CA, compat=True)
    assert [str(note) for note in told.row("valid").notes] == notes


def test_an_intermediate_behind_the_front_proxy_is_told():
    middle = make("middle", by=LASTING, is_ca=True, until=NOW + 5 * YEAR)
    told = explained(
        {"CN": "front-proxy-client"}, profile="front-proxy-client", by=middle, lane="front-proxy"
    )
    assert codes(told) == ["intermediate-front-proxy"]


def test_allowed_names_do_not_bother_users_and_servers():
    users = {"usages": ["signing", "client auth"], "expiry": "24h"}
    assert codes(explained({"CN": "jane"}, profile=users, lane="client", allowed=("a",))) == []
    assert codes(explained(API, lane="serving", allowed=("a",))) == []
    fine = {"CN": "a"}
    assert codes(explained(fine, profile="front-proxy-client", allowed=("a",))) == []


def test_an_ed25519_authority_signs_without_a_hash():
    spec = load_request_spec({"CN": "ca", "key": {"algo": "ed25519"}})
    plan = plan_authority(spec, now=NOW)
    told = explain(plan, spec=spec, profile=None, authority=None, now=NOW)
    assert told.row("signature").values == ("Ed25519",)


def test_refusals_become_cautions_to_mend_each_beside_its_field():
    text = json.dumps({"CN": "x\u0000", "hosts": ["a b", "api:443"], "key": {"algo": "dsa"}})
    with pytest.raises(PkiError) as refused:
        parse_request_spec(text)
    cautions = explain_problems(refused.value)
    assert {caution.severity for caution in cautions} == {"mend"}
    assert {"CN", "hosts[0]", "hosts[1]", "key.algo"} <= {caution.field for caution in cautions}
    assert any("port" in str(caution) for caution in cautions)


def test_half_written_json_is_one_caution_with_its_place():
    with pytest.raises(PkiError) as refused:
        parse_request_spec('{"CN": ')
    (caution,) = explain_problems(refused.value)
    assert (caution.severity, caution.code) == ("mend", "invalid-json")


def test_each_host_shows_what_it_becomes_or_why_not():
    chips = explain_hosts(["api.wardle.svc", "10.254.0.1", "api.wardle:443"])
    assert [(c.kind, c.san.value if c.san else None) for c in chips] == [
        ("DNS", "api.wardle.svc"),
        ("IP", "10.254.0.1"),
        ("", None),
    ]
    assert "Leave out the port" in str(chips[2].refusal)
    assert len(explain_hosts(["a.b"] * 10_000)) == 100
