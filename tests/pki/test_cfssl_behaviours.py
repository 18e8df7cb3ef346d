"""Each silent behaviour of cfssl is told where it would apply, and not where it would not."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from aggportal.pki.cfssl_behaviours import BEHAVIOURS, Asked, silent_behaviours
from aggportal.pki.config import IMPLICIT_DEFAULT, load_config
from aggportal.pki.issuers import issuer_of
from aggportal.pki.issuing import plan_authority, sign_certificate
from aggportal.pki.keys import KeySpec, generate_key
from aggportal.pki.names import build_subject
from aggportal.pki.requests import load_request_spec
from aggportal.pki.subtrees import NameConstraints
from tests.pki.recipe import NOW, authority

SERVER = ["signing", "server auth"]
CA = {"is_ca": True}


def asked(spec=None, profile=None, *, compat=False, default=None, **rest: Any) -> Asked:
    """A harmless request, changed. Without `profile` it is for an authority."""
    document = {"CN": "x", **(spec or {})}
    if profile is None:
        return Asked(spec=load_request_spec(document, strict=False), now=NOW, compat=compat, **rest)
    chosen = {"usages": ["signing", "client auth"], "expiry": "1h", "backdate": "1m", **profile}
    signing = {"default": {"expiry": "1h", **(default or {})}, "profiles": {"p": chosen}}
    config = load_config({"signing": signing})
    found: dict[str, Any] = {
        "profile": config.profile("p"),
        "config": config,
        "issuer": authority().issuer,
    }
    return Asked(
        spec=load_request_spec(document, strict=False), now=NOW, compat=compat, **found | rest
    )


def with_raw(profile: dict, **raw) -> Asked:
    """As a config of which strict reading would refuse the profile."""
    made = asked({}, profile)
    assert made.profile is not None
    changed = dataclasses.replace(made.profile, raw={**made.profile.raw, **raw})
    return dataclasses.replace(made, profile=changed)


def constrained():
    return dataclasses.replace(authority().issuer, constraints=(NameConstraints(foreign=True),))


EXTENSION = {"Id": [1, 2, 3, 4], "Value": "BQA="}
CSR_SUBJECT = build_subject(
    load_request_spec({"CN": "x", "names": [{"OID": {"1.2.3.4": "kept"}}]}, strict=False)
)
OWN_SUBJECT = {
    "CN": "aggregator",
    "names": [{"C": "CN", "ST": "Shanghai", "L": "Shanghai", "O": "k8s", "OU": "System"}],
}
# code, whether strict mode does the same, what is asked
CASES = [
    ("unknown-key", True, asked({"host": "a"}, {})),
    ("serial-number-in-names", True, asked({"names": [{"SerialNumber": "7"}]}, {})),
    ("multi-valued-rdn", False, asked({"names": [{"O": "a"}, {"O": "b"}]}, {})),
    ("odd-country", False, asked({"names": [{"C": "USA"}]}, {})),
    ("too-long", False, asked({"CN": "x" * 65}, {})),
    ("stray-space", False, asked({"names": [{"O": "k8s "}]}, {})),
    ("kind-of-string", False, asked({"names": [{"E": "a@b.example"}]}, {})),
    ("kind-of-string", False, asked({"serialnumber": "é"}, {})),
    ("no-subject", False, asked({"CN": ""}, {})),
    ("reserved-name", False, asked({"names": [{"O": "system:masters"}]}, {})),
    ("odd-host", False, asked({"hosts": ["localhost:8443"]}, {})),
    ("odd-host", False, asked({"hosts": ["a", " b"]}, {})),
    ("odd-host", False, asked({"hosts": ["Ops <o@x.example>"]}, {})),
    ("odd-host", False, asked({"hosts": ["/abs/path"]}, {})),
    ("odd-host", False, asked({"hosts": ["*"]}, {})),
    ("repeated-host", False, asked({"hosts": ["a", "a"]}, {})),
    ("uri-as-dns", False, asked({"hosts": ["spiffe://a/b"]}, {})),
    ("hosts-of-authority", True, asked({"hosts": ["a"]})),
    ("ip-of-authority", False, asked({"hosts": ["10.0.0.1"]})),
    ("ip-of-authority", False, asked({"hosts": ["::1"]}, {"ca_constraint": CA})),
    ("cn-not-copied", True, asked({"CN": "a.b", "hosts": ["c.d"]}, {"usages": SERVER})),
    ("no-hosts", True, asked({}, {"usages": SERVER})),
    ("size-of-ed25519", True, asked({"key": {"algo": "ed25519", "size": 256}}, {})),
    ("dropped-extension", False, asked({"extensions": [EXTENSION]}, {})),
    ("crl-url-of-leaf", True, asked({"crl_url": "http://c.example/"}, {})),
    ("default-expiry", True, asked({})),
    ("ca-backdate", False, asked({"ca": {"backdate": "1h"}})),
    ("pathlen-without-zero", True, asked({"ca": {"pathlen": 0}})),
    ("pathlenzero-ignored", False, asked({"ca": {"pathlen": 1, "pathlenzero": True}})),
    ("no-own-identifier", False, asked({})),
    ("unknown-profile", False, asked({}, {}, asked_profile="nope")),
    ("implicit-default", True, dataclasses.replace(asked({}, {}), profile=IMPLICIT_DEFAULT)),
    ("unknown-profile-key", True, asked({}, {"expires": "1h"})),
    ("auto-sign", False, asked({}, {"auto_sign": True})),
    ("two-people", False, asked({}, {"two_people": True})),
    ("linting", False, asked({}, {"lint_error_level": "error"})),
    ("unknown-usage", False, with_raw({}, usages=["signing", "servr auth"])),
    ("old-spelling", False, asked({}, {"usages": ["content committment", "client auth"]})),
    ("repeated-usage", False, asked({}, {"usages": ["s/mime", "email protection"]})),
    ("unfit-usage", False, asked({}, {"usages": ["key encipherment", "client auth"]})),
    ("cert-sign", False, asked({}, {"usages": ["cert sign"]})),
    ("timestamping", False, asked({}, {"usages": ["signing", "timestamping"]})),
    ("backdate", True, asked({}, {"backdate": ""})),
    ("backdate", True, asked({})),
    (
        "not-after-wins",
        True,
        asked({}, {"not_before": "2026-01-01T00:00:00Z", "not_after": "2026-12-01T00:00:00Z"}),
    ),
    ("outlives-authority", False, asked({}, {"expiry": "200000h"})),
    ("no-identifier", False, asked(OWN_SUBJECT, {})),
    ("max-path-len-without-zero", True, asked({}, {"ca_constraint": CA})),
    ("path-length", False, asked({}, {"ca_constraint": CA}, issuer=authority(zero=True).issuer)),
    ("name-constraints", False, asked({}, {}, issuer=constrained())),
    ("whitelist-unanchored", True, asked({}, {"name_whitelist": "x"})),
    ("whitelist-without-ip", True, asked({"hosts": ["10.0.0.1"]}, {"name_whitelist": "^x$"})),
    ("not-inherited", True, asked({}, {}, default={"ocsp_no_check": True})),
    ("signature-hash", True, asked({}, {}, issuer=authority("ecdsa", 384).issuer)),
    ("poor-lists", False, asked({}, {"crl_url": "http://c.example/"})),
    ("rewritten-subject", False, asked({}, {}, csr_subject=CSR_SUBJECT)),
]
NEVER = {  # we do otherwise in compat too
    *(
        "reserved-name",
        "uri-as-dns",
        "ca-backdate",
        "unknown-profile",
        "auto-sign",
        "two-people",
        "linting",
    ),
    *("unknown-usage", "old-spelling", "poor-lists"),
}


def codes(of: Asked) -> list[str]:
    return [silence.code for silence in silent_behaviours(of)]


@pytest.mark.parametrize(
    ("code", "same", "given"), CASES, ids=[f"{c[0]}-{n}" for n, c in enumerate(CASES)]
)
def test_a_behaviour_is_told_where_it_applies_with_what_happens_here(code, same, given):
    found = [silence for silence in silent_behaviours(given) if silence.code == code]
    assert found, codes(given)
    assert all(silence.same is same for silence in found)
    assert "fssl" in str(found[0].cfssl) or "not_after" in str(found[0].cfssl) or same
    assert str(found[0].ours).endswith(("here.", ".", "it."))
    as_compat = silent_behaviours(dataclasses.replace(given, compat=True))
    assert all(s.same or s.code in NEVER for s in as_compat if s.code == code)


def test_a_harmless_request_is_told_nothing():
    assert codes(asked({}, {})) == []
    served = {"CN": "api", "hosts": ["api.wardle.svc", "10.0.0.1"], "names": [{"O": "k8s"}]}
    assert codes(asked(served, {"usages": SERVER})) == []


def test_what_happens_differently_comes_first():
    told = silent_behaviours(asked({"host": "a", "names": [{"C": "USA"}]}, {}))
    assert [silence.code for silence in told] == ["odd-country", "unknown-key"]


def test_every_behaviour_has_a_case():
    given = [case[2] for case in CASES]
    silent = [each.__name__ for each in BEHAVIOURS if not any(list(each(one)) for one in given)]
    assert silent == []


def test_an_authority_of_a_big_key_is_told_its_hash():
    key = generate_key(KeySpec(algo="rsa", size=3072))
    spec = load_request_spec({"CN": "r", "key": {"algo": "rsa", "size": 3072}})
    made = sign_certificate(
        plan_authority(spec, now=NOW), public_key=key.public_key(), issuer_key=key
    )
    (told,) = silent_behaviours(asked({}, {}, issuer=issuer_of(made)))
    assert "SHA384" in str(told.cfssl)
