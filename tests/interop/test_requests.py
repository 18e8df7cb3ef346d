"""Requests that openssl and cfssl make are read; what we sign of them is what cfssl signs."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from aggportal.pki.config import load_config
from aggportal.pki.csrplanning import plan_from_csr
from aggportal.pki.csrreading import CsrFacts, read_csr
from aggportal.pki.issuers import issuer_of
from aggportal.pki.issuing import certificate_pem, plan_authority, sign_certificate
from aggportal.pki.keys import generate_key, private_key_pem
from aggportal.pki.plans import Validity
from aggportal.pki.requests import load_request_spec

pytestmark = pytest.mark.interop
NEEDS_CFSSL = pytest.mark.skipif(
    shutil.which("cfssl") is None, reason="cfssl is not installed (golang-cfssl)"
)
NOW = dt.datetime.now(dt.UTC)
CA_SPEC = load_request_spec({"CN": "root", "key": {"algo": "ecdsa", "size": 256}})
CA_KEY = generate_key(CA_SPEC.key)
ROOT = sign_certificate(
    plan_authority(CA_SPEC, now=NOW), public_key=CA_KEY.public_key(), issuer_key=CA_KEY
)
CONFIG = {
    "signing": {
        "default": {"expiry": "1h"},
        "profiles": {"web": {"usages": ["signing", "client auth"], "expiry": "24h"}},
    }
}
KEYS = {
    "rsa": ["-newkey", "rsa:2048"],
    "p384": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "ed25519": ["-newkey", "ed25519"],
}


def run(*command: str | Path, stdin: str = "") -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=True)
    return done.stdout


def openssl_request(folder: Path, key: str, *more: str) -> CsrFacts:
    out = folder / "web.csr"
    where: list[str | Path] = ["-nodes", "-keyout", folder / "web.key", "-out", out]
    run("openssl", "req", "-new", *KEYS[key], *where, "-subj", "/O=k8s/CN=web", *more)
    return read_csr(out.read_bytes())


def signed(facts: CsrFacts) -> x509.Certificate:
    profile = load_config(CONFIG).profile("web")
    plan = plan_from_csr(facts, profile=profile, issuer=issuer_of(ROOT), now=NOW)
    return sign_certificate(plan, public_key=facts.public_key, issuer_key=CA_KEY)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_a_request_of_openssl_is_signed_for_its_key(tmp_path: Path, key: str, form: str) -> None:
    names = ("-addext", "subjectAltName=DNS:a.example,IP:10.0.0.1")
    facts = openssl_request(tmp_path, key, "-outform", form, *names)
    assert facts.sans == (("dns", "a.example"), ("ip", "10.0.0.1"))
    (tmp_path / "ca.pem").write_text(certificate_pem(ROOT))
    (tmp_path / "web.pem").write_text(certificate_pem(signed(facts)))
    strict: list[str | Path] = [
        "-x509_strict",
        "-purpose",
        "sslclient",
        "-CAfile",
        tmp_path / "ca.pem",
    ]
    assert "OK" in run("openssl", "verify", *strict, tmp_path / "web.pem")
    of_certificate = run("openssl", "x509", "-in", tmp_path / "web.pem", "-noout", "-pubkey")
    assert of_certificate == run("openssl", "pkey", "-in", tmp_path / "web.key", "-pubout")


def test_openssl_reads_the_other_label_as_we_do(tmp_path: Path) -> None:
    assert openssl_request(tmp_path, "p384", "-newhdr").common_name == "web"


@NEEDS_CFSSL
def test_a_request_of_cfssl_is_read(tmp_path: Path) -> None:
    spec = {"CN": "web", "hosts": ["a.example", "10.0.0.1"], "names": [{"O": "k8s", "C": "DE"}]}
    made = json.loads(run("cfssl", "genkey", "-", stdin=json.dumps(spec)))
    facts = read_csr(made["csr"])
    assert (facts.subject, facts.sans) == (
        "C=DE, O=k8s, CN=web",
        (("dns", "a.example"), ("ip", "10.0.0.1")),
    )


@NEEDS_CFSSL
@pytest.mark.parametrize(
    "subject", ["/O=k8s/CN=web", "/CN=web/O=k8s/C=DE", "/DC=example/O=b/CN=web/O=a", "/CN=web"]
)
def test_in_compat_the_certificate_is_cfssls_to_the_byte(tmp_path: Path, subject: str) -> None:
    names = "subjectAltName=IP:10.0.0.1,DNS:a.example,email:a@b.example"
    facts = openssl_request(tmp_path, "p384", "-subj", subject, "-addext", names)
    theirs = x509.load_pem_x509_certificate(cfssl_sign(tmp_path).encode())
    plan = plan_from_csr(
        facts,
        profile=load_config(CONFIG).profile("web"),
        issuer=issuer_of(ROOT),
        now=NOW,
        compat=True,
    )
    same = replace(
        plan,
        serial=theirs.serial_number,
        validity=Validity(
            not_before=theirs.not_valid_before_utc, not_after=theirs.not_valid_after_utc
        ),
    )
    ours = sign_certificate(same, public_key=facts.public_key, issuer_key=CA_KEY)
    assert ours.tbs_certificate_bytes == theirs.tbs_certificate_bytes


def cfssl_sign(folder: Path) -> str:
    (folder / "ca.pem").write_text(certificate_pem(ROOT))
    (folder / "ca.key").write_text(private_key_pem(CA_KEY))
    (folder / "config.json").write_text(json.dumps(CONFIG))
    held: list[str | Path] = ["-ca", folder / "ca.pem", "-ca-key", folder / "ca.key"]
    chosen: list[str | Path] = ["-config", folder / "config.json", "-profile", "web"]
    answer = run("cfssl", "sign", *held, *chosen, folder / "web.csr")
    cert: str = json.loads(answer)["cert"]
    return cert
