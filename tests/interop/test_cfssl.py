"""cfssl and OpenSSL agree with us, field by field and in compat byte by byte.

Debian's cfssl is of 2016: it makes DNS names of URIs, drops E and OID in names, and knows no
Ed25519. Those follow the source of cfssl HEAD and are not compared here. Its JSON is on stdout, its
log on stderr.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from aggportal.pki.config import load_config
from aggportal.pki.csrs import make_csr
from aggportal.pki.issuers import issuer_of
from aggportal.pki.issuing import (
    certificate_pem,
    plan_authority,
    plan_certificate,
    sign_certificate,
)
from aggportal.pki.keys import PrivateKey, generate_key, load_private_key, private_key_pem
from aggportal.pki.plans import CertificatePlan, Validity
from aggportal.pki.presets import DEFAULT_CONFIG_TEXT, DEFAULT_REQUEST_TEXT
from aggportal.pki.requests import RequestSpec, load_request_spec
from tests.pki.recipe import CA, CONFIG, ECDSA, LEAF, NOW, PROFILE, authority

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(
        shutil.which("cfssl") is None, reason="cfssl is not installed (golang-cfssl)"
    ),
]

RICH_CA = {
    "CN": "Wurzel é",
    "key": {"algo": "ecdsa", "size": 384},
    "names": [{"C": "DE", "O": "A*b & c"}],
    "hosts": ["10.0.0.1", "lost.example"],
    "ca": {"expiry": "8760h", "pathlen": 2},
}
RICH_LEAF = {
    "CN": "front-proxy-client",
    "serialnumber": "42",
    "hosts": [
        "*.example.com",
        "Ops <ops@example.com>",
        "metrics-server.kube-system.svc",
        "10.0.0.1",
        "::1",
        "::ffff:1.2.3.4",
        "a_b",
        "0.0.0.0/0",
        " b",
    ],
    "key": ECDSA,
    "names": [
        {"C": "CN", "ST": "BeiJing", "O": "k8s", "OU": "System"},
        {"C": "DE", "O": "second"},
        {"O": "a"},
    ],
}
RICH_CONFIG = {
    "signing": {
        "default": {
            "expiry": "1h",
            "ocsp_url": "http://ocsp.example/",
            "crl_url": "http://crl.example/ca.crl",
            "issuer_urls": ["http://i.example/1.crt", "http://i.example/2.crt"],
        },
        "profiles": {
            "aggregator": {
                "usages": [
                    "digital signature",
                    "s/mime",
                    "client auth",
                    "key agreement",
                    "encipher only",
                    "content committment",
                    "any",
                ],
                "expiry": "90m",
                "backdate": "1h",
                "ocsp_no_check": True,
                "Policies": [
                    {
                        "ID": "1.2.3.4.5",
                        "Qualifiers": [
                            {"Type": "id-qt-cps", "Value": "http://cps.example"},
                            {"Type": "id-qt-unotice", "Value": "é"},
                        ],
                    },
                    {"ID": "1.2.3.9"},
                ],
            }
        },
    }
}
SUB_CA_CONFIG = {
    "signing": {
        "default": {"expiry": "1h"},
        "profiles": {
            "aggregator": {
                "usages": ["cert sign", "crl sign"],
                "expiry": "900000h",
                "ca_constraint": {"is_ca": True, "max_path_len_zero": True},
            }
        },
    }
}
SAME_NAME = {"names": [{"O": "x"}], "hosts": ["a.b", "10.1.1.1"], "key": ECDSA}
FIXED_CONFIG = {
    "signing": {
        "default": {"usages": ["signing", "server auth"], "expiry": "1h"},
        "profiles": {
            "aggregator": {
                "usages": ["server auth"],
                "expiry": "1h",
                "not_before": "2026-01-01T00:00:00Z",
                "not_after": "2060-01-01T00:00:00Z",
            }
        },
    }
}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "recipe": (CA, LEAF, CONFIG),
    "everything": (RICH_CA, RICH_LEAF, RICH_CONFIG),
    "authority below": (
        {"names": [{"O": "x"}], "key": ECDSA, "ca": {"pathlenzero": True}},
        SAME_NAME,
        SUB_CA_CONFIG,
    ),
    "no subject": ({"CN": "r", "key": {"algo": "ecdsa", "size": 521}}, {"hosts": ["a.b"]}, CONFIG),
    "fixed dates": ({"CN": "r", "key": {"algo": "rsa", "size": 3072}}, {"CN": "x"}, FIXED_CONFIG),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What cfssl made of one spec."""

    spec: RequestSpec
    certificate: x509.Certificate
    csr: x509.CertificateSigningRequest
    key: PrivateKey


def run(*arguments: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        arguments, cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def made(spec: dict, output: str) -> Made:
    answer = json.loads(output)
    return Made(
        spec=load_request_spec(spec, strict=False),
        certificate=x509.load_pem_x509_certificate(answer["cert"].encode()),
        csr=x509.load_pem_x509_csr(answer["csr"].encode()),
        key=load_private_key(answer["key"]),
    )


@pytest.fixture(scope="module", params=CASES, ids=list(CASES))
def pair(request, tmp_path_factory) -> tuple[Made, Made, dict]:
    """An authority and a certificate below it, by cfssl, and the config."""
    ca, leaf, config = CASES[request.param]
    folder = tmp_path_factory.mktemp("cfssl")
    for name, document in (("ca", ca), ("leaf", leaf), ("config", config)):
        (folder / f"{name}.json").write_text(json.dumps(document))
    root = run("cfssl", "gencert", "-initca", "ca.json", cwd=folder)
    (folder / "ca.pem").write_text(json.loads(root)["cert"])
    (folder / "ca-key.pem").write_text(json.loads(root)["key"])
    options = ["-ca=ca.pem", "-ca-key=ca-key.pem", "-config=config.json", "-profile=aggregator"]
    return (
        made(ca, root),
        made(leaf, run("cfssl", "gencert", *options, "leaf.json", cwd=folder)),
        config,
    )


def with_serial_and_dates_of(
    plan: CertificatePlan, certificate: x509.Certificate
) -> CertificatePlan:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    assert plan.validity.not_after - plan.validity.not_before == end - begin
    return replace(
        plan,
        serial=certificate.serial_number,
        validity=Validity(not_before=begin, not_after=end),
    )


def same(ours: x509.Certificate, theirs: x509.Certificate) -> bool:
    """Byte by byte; an ECDSA signature differs each time, so what it signs is compared."""
    if "ecdsa" in theirs.signature_algorithm_oid._name:
        return ours.tbs_certificate_bytes == theirs.tbs_certificate_bytes
    return ours.public_bytes(Encoding.DER) == theirs.public_bytes(Encoding.DER)


def test_in_compat_an_authority_equals_cfssls_byte_by_byte(pair):
    root, _, _ = pair
    plan = plan_authority(root.spec, now=NOW, compat=True)
    plan = with_serial_and_dates_of(plan, root.certificate)
    ours = sign_certificate(plan, public_key=root.key.public_key(), issuer_key=root.key)
    assert same(ours, root.certificate)


def test_in_compat_a_certificate_equals_cfssls_byte_by_byte(pair):
    root, leaf, config = pair
    plan = plan_certificate(
        leaf.spec,
        profile=load_config(config).profile("aggregator"),
        issuer=issuer_of(root.certificate),
        now=NOW,
        compat=True,
    )
    plan = with_serial_and_dates_of(plan, leaf.certificate)
    ours = sign_certificate(plan, public_key=leaf.key.public_key(), issuer_key=root.key)
    assert same(ours, leaf.certificate)


def test_in_compat_requests_equal_cfssls(pair):
    for theirs in pair[:2]:
        ours = make_csr(theirs.spec, key=theirs.key, compat=True)
        assert ours.tbs_certrequest_bytes == theirs.csr.tbs_certrequest_bytes


@pytest.mark.parametrize("pair", ["recipe"], indirect=True)
def test_in_strict_the_recipe_differs_in_the_added_authority_key_identifier_only(pair):
    root, leaf, _ = pair
    plan = plan_certificate(leaf.spec, profile=PROFILE, issuer=issuer_of(root.certificate), now=NOW)
    plan = with_serial_and_dates_of(plan, leaf.certificate)
    ours = sign_certificate(plan, public_key=leaf.key.public_key(), issuer_key=root.key)
    added = x509.AuthorityKeyIdentifier
    assert [e for e in ours.extensions if not isinstance(e.value, added)] == list(
        leaf.certificate.extensions
    )
    assert (ours.subject, ours.issuer) == (leaf.certificate.subject, leaf.certificate.issuer)
    assert ours.signature_algorithm_oid == leaf.certificate.signature_algorithm_oid
    aki = ours.extensions.get_extension_for_class(added).value
    assert aki.key_identifier == issuer_of(root.certificate).subject_key_identifier


@pytest.mark.parametrize(
    ("what", "ours"), [("config", DEFAULT_CONFIG_TEXT), ("csr", DEFAULT_REQUEST_TEXT)]
)
def test_print_defaults_is_the_same_text(what, ours, tmp_path):
    assert run("cfssl", "print-defaults", what, cwd=tmp_path) == ours


@pytest.fixture(
    params=[("rsa", 2048), ("rsa", 4096), ("ecdsa", 256), ("ecdsa", 521), ("ed25519", 0)], ids=str
)
def issued(request, tmp_path) -> Path:
    """The recipe's authority and certificate, issued by us with other kinds of keys, as files."""
    now = dt.datetime.now(dt.UTC)  # the tools look at the clock
    root = authority(*request.param, now=now)
    key = generate_key(load_request_spec(LEAF | {"key": ECDSA}).key)
    plan = plan_certificate(load_request_spec(LEAF), profile=PROFILE, issuer=root.issuer, now=now)
    leaf = sign_certificate(plan, public_key=key.public_key(), issuer_key=root.key)
    (tmp_path / "ca.pem").write_text(certificate_pem(root.certificate))
    (tmp_path / "leaf.pem").write_text(certificate_pem(leaf))
    (tmp_path / "leaf-key.pem").write_text(private_key_pem(key))
    return tmp_path


@pytest.mark.parametrize("purpose", ["sslserver", "sslclient"])
def test_openssl_verifies_what_we_issue(issued, purpose):
    options = ["-x509_strict", "-purpose", purpose, "-CAfile", "ca.pem"]
    assert "leaf.pem: OK" in run("openssl", "verify", *options, "leaf.pem", cwd=issued)


def test_cfssl_reads_what_we_issue(issued):
    answer = json.loads(run("cfssl", "certinfo", "-cert", "leaf.pem", cwd=issued))
    assert answer["subject"]["common_name"] == "aggregator"
    assert answer["sans"][0] == "kubernetes"


def test_cfssl_bundles_what_we_issue(issued):
    arguments = [
        "-ca-bundle",
        "ca.pem",
        "-int-bundle",
        "ca.pem",
        "-cert",
        "leaf.pem",
        "-key",
        "leaf-key.pem",
    ]
    answer = json.loads(run("cfssl", "bundle", *arguments, cwd=issued))
    assert answer["crt"].strip() == (issued / "leaf.pem").read_text().strip()
    assert answer["root"].strip() == (issued / "ca.pem").read_text().strip()
