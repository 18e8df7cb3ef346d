"""`cfssl gencert -renewca` and we make the same certificate to the byte; strict mode keeps more."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from aggportal.pki.facts import certificate_facts
from aggportal.pki.issuing import certificate_pem, plan_authority, sign_certificate
from aggportal.pki.keys import PrivateKey, generate_key, private_key_pem
from aggportal.pki.plans import Validity
from aggportal.pki.renewing import NewDates, plan_as_cfssl, renewed_authority
from aggportal.pki.requests import load_request_spec
from tests.pki.recipe import NOW

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(
        shutil.which("cfssl") is None, reason="cfssl is not installed (golang-cfssl)"
    ),
]

RSA = {"algo": "rsa", "size": 2048}
KINDS: dict[str, dict[str, object]] = {
    "plain": {"CN": "front-proxy-ca", "key": RSA},
    "recipe": {
        "CN": "aggregator",
        "key": RSA,
        "names": [{"C": "CN", "ST": "Shanghai", "L": "Shanghai", "O": "k8s", "OU": "System"}],
        "ca": {"expiry": "87600h"},
    },
    "path length 0": {"CN": "a", "key": RSA, "ca": {"pathlen": 0, "pathlenzero": True}},
    "path length 2": {"CN": "a", "key": RSA, "ca": {"pathlen": 2, "expiry": "1h30m7s"}},
    "names": {
        "CN": "Wurzel é",
        "key": RSA,
        "serialnumber": "42",
        "names": [{"C": "CN", "O": "k8s", "OU": "x"}, {"C": "DE", "O": "A*b & c"}, {"O": "a"}],
    },
    "hosts": {"CN": "h", "key": RSA, "hosts": ["10.0.0.1", "::1", "lost.example"]},
    "RSA 4096": {"CN": "big", "key": {"algo": "rsa", "size": 4096}},
    "ECDSA": {"CN": "ec", "key": {"algo": "ecdsa", "size": 384}},
}


def made(document: dict[str, object]) -> tuple[x509.Certificate, PrivateKey]:
    spec = load_request_spec(document, strict=False)
    key = generate_key(spec.key)
    long_ago = NOW - dt.timedelta(days=900)
    plan = plan_authority(spec, now=long_ago, compat=True)
    return sign_certificate(plan, public_key=key.public_key(), issuer_key=key), key


def renewed_by_cfssl(
    certificate: x509.Certificate, key: PrivateKey, folder: Path
) -> x509.Certificate:
    (folder / "ca.pem").write_text(certificate_pem(certificate))
    (folder / "ca-key.pem").write_text(private_key_pem(key))
    command = ["cfssl", "gencert", "-renewca", "-ca", "ca.pem", "-ca-key", "ca-key.pem"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return x509.load_pem_x509_certificate(json.loads(done.stdout)["cert"].encode())


@pytest.mark.parametrize("kind", KINDS)
def test_compat_renews_as_cfssl_does_to_the_byte(kind, tmp_path):
    certificate, key = made(KINDS[kind])
    theirs = renewed_by_cfssl(certificate, key, tmp_path)
    now = theirs.not_valid_before_utc + dt.timedelta(minutes=5)
    plan = replace(plan_as_cfssl(certificate, now=now), serial=theirs.serial_number)
    ours = sign_certificate(plan, public_key=key.public_key(), issuer_key=key)
    assert ours.tbs_certificate_bytes == theirs.tbs_certificate_bytes
    if not isinstance(key, ec.EllipticCurvePrivateKey):  # whose signatures hold a random number
        assert ours.public_bytes(Encoding.DER) == theirs.public_bytes(Encoding.DER)


def test_the_life_is_as_long_as_it_was(tmp_path):
    certificate, key = made(KINDS["path length 2"])
    theirs = renewed_by_cfssl(certificate, key, tmp_path)
    begin = theirs.not_valid_before_utc
    plan = plan_as_cfssl(certificate, now=begin + dt.timedelta(minutes=5))
    assert plan.validity == Validity(not_before=begin, not_after=theirs.not_valid_after_utc)


def test_what_cfssl_loses_is_kept_in_strict_mode(tmp_path):
    certificate, key = made(KINDS["recipe"])
    subtree = x509.NameConstraints([x509.DNSName("svc")], None)
    other = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
    builder = (
        x509.CertificateBuilder()
        .subject_name(certificate.subject)
        .issuer_name(certificate.subject)
        .serial_number(7)
        .not_valid_before(certificate.not_valid_before_utc)
        .not_valid_after(certificate.not_valid_after_utc)
        .public_key(key.public_key())
        .add_extension(subtree, True)
    )
    for extension in certificate.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    rich = builder.add_extension(other, False).sign(key, hashes.SHA256())
    theirs = renewed_by_cfssl(rich, key, tmp_path)
    ours = renewed_authority(rich, dates=NewDates(now=NOW), signer=key)
    kept = [(e.oid, e.critical, e.value.public_bytes()) for e in rich.extensions]
    assert [(e.oid, e.critical, e.value.public_bytes()) for e in ours.extensions] == kept
    assert len(list(theirs.extensions)) == len(kept) - 2
    assert certificate_facts(ours).self_signed
