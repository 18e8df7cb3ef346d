"""In compat a certificate is cfssl's to the byte, given the same key, serial and dates.

The certificates of `SPECS` are made by the installed cfssl while the test runs. Those of `NEWER`
need a newer one than Debian's; cfssl_head.json holds what cfssl at commit ed8df497 answered, its
certificates and requests without any private key.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from aggportal.pki.config import load_config
from aggportal.pki.csrs import make_csr
from aggportal.pki.issuers import issuer_of
from aggportal.pki.issuing import plan_authority, plan_certificate, sign_certificate
from aggportal.pki.keys import (
    KeySpec,
    PrivateKey,
    generate_key,
    key_spec_of,
    require_allowed_key,
    spki_sha256,
)
from aggportal.pki.plans import CertificatePlan, Validity
from aggportal.pki.requests import load_request_spec
from tests.interop.byte_cases import AUTHORITIES, NEWER, NEWER_AUTHORITIES, SPECS, Case
from tests.pki.recipe import NOW

pytestmark = [
    pytest.mark.interop,
    pytest.mark.filterwarnings("ignore:Attribute's length"),
    pytest.mark.skipif(
        shutil.which("cfssl") is None, reason="cfssl is not installed (golang-cfssl)"
    ),
]
RECORDED = json.loads(Path(__file__).with_name("cfssl_head.json").read_text())
_stand_ins: dict[KeySpec, PrivateKey] = {}


def certificate_of(answer: dict[str, str]) -> x509.Certificate:
    return x509.load_pem_x509_certificate((answer.get("cert") or answer["certificate"]).encode())


def stand_in(spec: KeySpec):
    """A key of the same kind as cfssl's own, which is not kept: what is signed is the same."""
    if spec not in _stand_ins:
        _stand_ins[spec] = generate_key(spec)
    return _stand_ins[spec]


def signed_as(plan: CertificatePlan, theirs: x509.Certificate, *, by: x509.Certificate):
    """What our signature would cover for their key, serial and dates."""
    begin, end = theirs.not_valid_before_utc, theirs.not_valid_after_utc
    assert plan.validity.not_after - plan.validity.not_before == end - begin
    key = stand_in(key_spec_of(require_allowed_key(by.public_key())))
    plan = replace(
        plan,
        serial=theirs.serial_number,
        validity=Validity(not_before=begin, not_after=end),
        self_signed=False,
        issuer_spki_sha256=spki_sha256(key.public_key()),
    )
    return sign_certificate(
        plan,
        public_key=require_allowed_key(theirs.public_key()),
        issuer_key=key,
        allow_reserved=True,
    )


def require_same(ours: x509.Certificate, theirs: x509.Certificate, *, by: x509.Certificate) -> None:
    """What is signed is equal, and their signature is of it: RSA PKCS#1 v1.5 and Ed25519 have one
    signature for each text, so the whole DER is equal. An ECDSA signature differs each time.
    """
    assert ours.tbs_certificate_bytes == theirs.tbs_certificate_bytes
    assert ours.signature_algorithm_oid == theirs.signature_algorithm_oid
    theirs.verify_directly_issued_by(by)
    rest = len(theirs.public_bytes(Encoding.DER)) - len(theirs.tbs_certificate_bytes)
    if "ecdsa" not in theirs.signature_algorithm_oid._name:
        assert len(ours.public_bytes(Encoding.DER)) - len(ours.tbs_certificate_bytes) == rest


def require_same_certificate(case: Case, answer: dict[str, str], ca: x509.Certificate) -> None:
    theirs = certificate_of(answer)
    plan = plan_certificate(
        load_request_spec(case.document, strict=False),
        profile=load_config(case.config).profile("p"),
        issuer=issuer_of(ca),
        now=NOW,
        compat=True,
    )
    require_same(signed_as(plan, theirs, by=ca), theirs, by=ca)


def require_same_request(document: dict, answer: dict[str, str]) -> None:
    theirs = x509.load_pem_x509_csr((answer.get("csr") or answer["request"]).encode())
    spec = load_request_spec(document, strict=False)
    ours = make_csr(spec, key=stand_in(spec.key), compat=True)
    assert ours.subject.public_bytes() == theirs.subject.public_bytes()
    assert [(e.oid, e.critical, e.value) for e in ours.extensions] == [
        (e.oid, e.critical, e.value) for e in theirs.extensions
    ]


def require_same_authority(document: dict, answer: dict[str, str]) -> None:
    theirs = certificate_of(answer)
    plan = plan_authority(load_request_spec(document, strict=False), now=NOW, compat=True)
    require_same(signed_as(plan, theirs, by=theirs), theirs, by=theirs)


def cfssl(*arguments: str, cwd: Path) -> dict[str, str]:
    done = subprocess.run(
        ["cfssl", *arguments], cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, str] = json.loads(done.stdout)
    return answer


@pytest.fixture(scope="module")
def authorities(tmp_path_factory):
    """A folder in which `make(name)` leaves an authority of cfssl's, once."""
    folder, made = tmp_path_factory.mktemp("cfssl"), {}

    def make(name: str) -> tuple[Path, dict[str, str]]:
        if name not in made:
            (folder / f"{name}.json").write_text(json.dumps(AUTHORITIES[name]))
            made[name] = cfssl("gencert", "-initca", f"{name}.json", cwd=folder)
            (folder / f"{name}.pem").write_text(made[name]["cert"])
            (folder / f"{name}-key.pem").write_text(made[name]["key"])
        return folder, made[name]

    return make


@pytest.mark.parametrize("case", SPECS, ids=lambda case: case.name)
def test_a_certificate_equals_cfssls(case: Case, authorities):
    folder, root = authorities(case.ca)
    (folder / "leaf.json").write_text(json.dumps(case.document))
    (folder / "config.json").write_text(json.dumps(case.config))
    files = [f"-ca={case.ca}.pem", f"-ca-key={case.ca}-key.pem"]
    options = [*files, "-config=config.json", "-profile=p"]
    answer = cfssl("gencert", *options, "leaf.json", cwd=folder)
    require_same_certificate(case, answer, certificate_of(root))
    require_same_request(case.document, answer)


@pytest.mark.parametrize("name", AUTHORITIES)
def test_an_authority_equals_cfssls(name: str, authorities):
    _, answer = authorities(name)
    require_same_authority(AUTHORITIES[name], answer)
    require_same_request(AUTHORITIES[name], answer)


@pytest.mark.parametrize("case", NEWER, ids=lambda case: case.name)
def test_a_certificate_equals_what_a_newer_cfssl_made(case: Case):
    answer = RECORDED["certificates"][case.name]
    ca = certificate_of(RECORDED["authorities"][case.ca])
    require_same_certificate(case, answer, ca)
    require_same_request(case.document, answer)


@pytest.mark.parametrize("name", NEWER_AUTHORITIES)
def test_an_authority_equals_what_a_newer_cfssl_made(name: str):
    answer = RECORDED["authorities"][name]
    require_same_authority(NEWER_AUTHORITIES[name], answer)
    require_same_request(NEWER_AUTHORITIES[name], answer)


def test_what_is_recorded_is_what_is_asked_and_there_are_enough():
    assert set(RECORDED["certificates"]) == {case.name for case in NEWER}
    assert set(RECORDED["authorities"]) == set(NEWER_AUTHORITIES)
    assert len({case.name for case in (*SPECS, *NEWER)}) >= 40
