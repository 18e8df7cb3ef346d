"""pkilint and OpenSSL find no error in what we issue, whatever key, lane and profile it has."""

from __future__ import annotations

import datetime as dt
import functools
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from aggportal.certs.forms.starting_points import starting_config
from aggportal.pki.config import load_config, parse_config
from aggportal.pki.issuers import issuer_of
from aggportal.pki.issuing import (
    certificate_pem,
    plan_authority,
    plan_certificate,
    sign_certificate,
)
from aggportal.pki.keys import KeySpec, PrivateKey, generate_key
from aggportal.pki.linting import lint_certificate
from aggportal.pki.presets import PRESETS
from aggportal.pki.profiles import Profile
from aggportal.pki.requests import load_request_spec

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed"),
]
NOW = dt.datetime.now(dt.UTC)
KINDS = {
    "rsa2048": KeySpec(algo="rsa", size=2048),
    "rsa3072": KeySpec(algo="rsa", size=3072),
    "rsa4096": KeySpec(algo="rsa", size=4096),
    "p256": KeySpec(algo="ecdsa", size=256),
    "p384": KeySpec(algo="ecdsa", size=384),
    "p521": KeySpec(algo="ecdsa", size=521),
    "ed25519": KeySpec(algo="ed25519"),
}
LANES = ("front-proxy", "serving", "client", "general")
NAMES = [{"C": "CN", "ST": "Shanghai", "L": "Shanghai", "O": "k8s", "OU": "System"}, {"O": "ü"}]
HOSTS = ["kubernetes", "api.wardle.svc", "*.wardle.svc", "10.254.0.1", "::1", "a@b.example"]
HOSTS += ["spiffe://cluster.local/ns/a"]
EVERYTHING = load_config(
    {
        "signing": {
            "default": {
                "expiry": "24h",
                "usages": ["signing", "key encipherment", "key agreement", "client auth"],
                "ocsp_url": "http://ocsp.example/",
                "crl_url": "http://crl.example/ca.crl",
                "issuer_urls": ["http://i.example/ca.crt"],
                "Policies": [
                    {
                        "ID": "1.2.3.4.5",
                        "Qualifiers": [{"Type": "id-qt-cps", "Value": "http://cps.example"}],
                    }
                ],
            }
        }
    }
).default
RESPONDER = load_config(
    {
        "signing": {
            "default": {
                "expiry": "24h",
                "usages": ["signing", "ocsp signing"],
                "ocsp_no_check": True,
            }
        }
    }
).default


@functools.cache
def key_of(kind: str, use: str) -> PrivateKey:
    return generate_key(KINDS[kind])


@functools.cache
def authority(kind: str, *, compat: bool = False) -> x509.Certificate:
    size = KINDS[kind].size
    key = {"algo": KINDS[kind].algo} | ({"size": size} if size else {})
    document = {"CN": f"{kind} ca", "names": NAMES[:1], "key": key, "ca": {"expiry": "100000h"}}
    plan = plan_authority(load_request_spec(document), now=NOW, compat=compat)
    own = key_of(kind, "ca")
    return sign_certificate(plan, public_key=own.public_key(), issuer_key=own)


def issued(
    kind: str, profile: Profile, *, by: str = "p256", compat: bool = False
) -> x509.Certificate:
    size = KINDS[kind].size
    key = {"algo": KINDS[kind].algo} | ({"size": size} if size else {})
    names = NAMES if not compat else NAMES[:1]
    spec = load_request_spec({"CN": "api", "hosts": HOSTS, "names": names, "key": key})
    issuer = issuer_of(authority(by, compat=compat))
    plan = plan_certificate(spec, profile=profile, issuer=issuer, now=NOW, compat=compat)
    return sign_certificate(
        plan, public_key=key_of(kind, "leaf").public_key(), issuer_key=key_of(by, "ca")
    )


def require_faultless(leaf: x509.Certificate, ca: x509.Certificate, folder: Path) -> None:
    for certificate in (leaf, ca):
        found = lint_certificate(certificate.public_bytes(Encoding.DER))
        assert [finding for finding in found if finding.is_fault] == []
    (folder / "ca.pem").write_text(certificate_pem(ca))
    (folder / "leaf.pem").write_text(certificate_pem(leaf))
    done = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-check_ss_sig", "-CAfile", "ca.pem", "leaf.pem"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("by", KINDS)
@pytest.mark.parametrize("kind", KINDS)
def test_any_key_below_any_authority_is_without_fault(kind: str, by: str, tmp_path: Path):
    leaf = issued(kind, PRESETS["aggregator"], by=by)
    require_faultless(leaf, authority(by), tmp_path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("profile", [*PRESETS.values(), EVERYTHING, RESPONDER], ids=str)
def test_any_profile_is_without_fault(kind: str, profile: Profile, tmp_path: Path):
    require_faultless(issued(kind, profile), authority("p256"), tmp_path)


@pytest.mark.parametrize("kind", ["rsa2048", "p256", "p521", "ed25519"])
@pytest.mark.parametrize("lane", LANES)
def test_what_each_lane_recommends_is_without_fault(kind: str, lane: str, tmp_path: Path):
    for profile in parse_config(starting_config("recommended", lane=lane)).profiles:
        require_faultless(issued(kind, profile, by=kind), authority(kind), tmp_path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["front-proxy-client", "extension-serving", "aggregator", "www"])
def test_in_compat_there_are_cfssls_own_faults_alone(kind: str, name: str, tmp_path: Path):
    leaf, ca = issued(kind, PRESETS[name], compat=True), authority("p256", compat=True)
    found = [f.code for f in lint_certificate(leaf.public_bytes(Encoding.DER)) if f.is_fault]
    cannot = name in ("aggregator", "www") and not kind.startswith("rsa")
    assert bool(found) == cannot, found
    assert all(code.startswith("pkix.key_usage_value_prohibited") for code in found)
    if not found:
        require_faultless(leaf, ca, tmp_path)


def test_the_profiles_of_the_recipe_are_covered():
    names = {profile.name for profile in PRESETS.values()}
    assert {"aggregator", "front-proxy-client", "extension-serving", "www", "client"} <= names
    assert json.loads(starting_config("aggregator", lane="general"))["signing"]["profiles"]
