"""cfssl bundle and OpenSSL agree with the bundles and intermediates that we make."""

from __future__ import annotations

import datetime as dt
import json
import subprocess

import pytest

from aggportal.pki.bundles import bundle
from aggportal.pki.intermediates import plan_cross, plan_intermediate
from aggportal.pki.issuers import issuer_of
from aggportal.pki.issuing import (
    certificate_pem,
    plan_authority,
    plan_certificate,
    sign_certificate,
)
from aggportal.pki.keys import generate_key
from aggportal.pki.linting import lint_certificate
from aggportal.pki.presets import PRESETS
from aggportal.pki.reading import read_certificate, read_certificates
from aggportal.pki.requests import load_request_spec

pytestmark = pytest.mark.interop
NOW = dt.datetime.now(dt.UTC)
LIMITS = {
    "permitted": ["DNS:svc", "IP:10.0.0.0/8", "email:example.com", "URI:.example.com"],
    "excluded": ["DNS:bad.svc"],
}
WITH_DN = {"excluded": ["DN:O=nobody"]}
KEYS = (
    {"algo": "ecdsa", "size": 256},
    {"algo": "ecdsa", "size": 384},
    {"algo": "rsa", "size": 2048},
    {"algo": "ed25519"},
)


def made(plan, key, signer):
    return sign_certificate(plan, public_key=key.public_key(), issuer_key=signer)


class Hierarchy:
    """A root, an intermediate with limits, a leaf, and the intermediate cross-signed."""

    def __init__(self, key=KEYS[0], limits=LIMITS):
        self.root, root_key = self.authority("root", key)
        self.other, other_key = self.authority("other root", key)
        spec = self.ca("intermediate", key, pathlenzero=True, name_constraints=limits)
        own = generate_key(spec.key)
        plan = plan_intermediate(spec, issuer=issuer_of(self.root), now=NOW)
        self.middle = made(plan, own, root_key)
        crossed = plan_cross(self.middle, issuer=issuer_of(self.other), expiry="", now=NOW)
        self.cross = made(crossed, own, other_key)
        asked = load_request_spec(
            {"CN": "api", "hosts": ["api.wardle.svc", "10.0.0.1"], "key": key}
        )
        leaf_key = generate_key(asked.key)
        leaf_plan = plan_certificate(
            asked,
            profile=PRESETS["extension-serving"],
            issuer=issuer_of(self.middle, [self.root]),
            now=NOW,
            end_with_issuer=True,
        )
        self.leaf = made(leaf_plan, leaf_key, own)

    @staticmethod
    def ca(name, key, **section):
        return load_request_spec({"CN": name, "key": key, "ca": {"expiry": "8760h", **section}})

    def authority(self, name, key):
        spec = self.ca(name, key)
        private = generate_key(spec.key)
        return made(plan_authority(spec, now=NOW), private, private), private


def facts(*certificates):
    return tuple(read_certificate(certificate_pem(one)) for one in certificates)


def write(path, *certificates):
    path.write_text("".join(certificate_pem(one) for one in certificates))
    return str(path)


@pytest.mark.parametrize("limits", [LIMITS, WITH_DN], ids=["names", "subject"])
@pytest.mark.parametrize("key", KEYS, ids=lambda key: f"{key['algo']}{key.get('size', '')}")
def test_openssl_and_pkilint_find_no_fault_in_any_of_it(key, limits, tmp_path):
    chain = Hierarchy(key, limits)
    leaf = write(tmp_path / "leaf.pem", chain.leaf)
    for root, middle in ((chain.root, chain.middle), (chain.other, chain.cross)):
        command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver"]
        command += ["-CAfile", write(tmp_path / "root.pem", root)]
        command += ["-untrusted", write(tmp_path / "middle.pem", middle), leaf]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    for one in facts(chain.root, chain.middle, chain.cross, chain.leaf):
        found = lint_certificate(one.der)
        assert [f for f in found if f.severity in ("error", "fatal")] == []


def cfssl_bundle(tmp_path, chain, root):
    return subprocess.run(
        [
            *("cfssl", "bundle", "-flavor", "ubiquitous"),
            *("-cert", write(tmp_path / "leaf.pem", chain.leaf)),
            *("-ca-bundle", write(tmp_path / "roots.pem", root)),
            *("-int-bundle", write(tmp_path / "between.pem", chain.middle, chain.cross)),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )


@pytest.mark.parametrize("to_other", [False, True])
def test_cfssl_bundle_makes_the_same_chain(tmp_path, to_other):
    chain = Hierarchy()
    root = chain.other if to_other else chain.root
    told = json.loads(cfssl_bundle(tmp_path, chain, root).stdout)
    ours = bundle(
        facts(root, chain.cross, chain.middle, chain.leaf), root=facts(root)[0].sha256, now=NOW
    )
    assert ours.way.is_good
    assert [one.sha256 for one in read_certificates(told["bundle"])] == [
        one.sha256 for one in read_certificates(ours.pem(with_root=False))
    ]
    assert read_certificate(told["root"]) == ours.way.root


def test_go_refuses_constraints_of_the_subject_as_the_page_warns(tmp_path):
    chain = Hierarchy(limits=WITH_DN)
    refused = cfssl_bundle(tmp_path, chain, chain.root)
    assert "unhandled critical extension" in refused.stdout + refused.stderr
