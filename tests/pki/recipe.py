"""The classic recipe's three documents, as people copy them, and authorities made from them."""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass

from cryptography import x509

from aggportal.pki.config import load_config
from aggportal.pki.issuers import issuer_of
from aggportal.pki.issuing import plan_authority, sign_certificate
from aggportal.pki.keys import PrivateKey, generate_key
from aggportal.pki.plans import Issuer
from aggportal.pki.requests import load_request_spec

NOW = dt.datetime(2026, 11, 23, 5, 0, 42, tzinfo=dt.UTC)

NAMES = [{"C": "CN", "ST": "Shanghai", "L": "Shanghai", "O": "k8s", "OU": "System"}]
RSA = {"algo": "rsa", "size": 2048}
ECDSA = {"algo": "ecdsa", "size": 256}
ED25519 = {"algo": "ed25519"}
CONFIG = {
    "signing": {
        "default": {"expiry": "87600h"},
        "profiles": {
            "aggregator": {
                "usages": ["signing", "key encipherment", "server auth", "client auth"],
                "expiry": "87600h",
            }
        },
    }
}
CA = {"CN": "aggregator", "key": RSA, "names": NAMES, "ca": {"expiry": "87600h"}}
LEAF = {
    "CN": "aggregator",
    "hosts": [
        "127.0.0.1",
        "192.168.123.250",
        "10.254.0.1",
        "kubernetes",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    ],
    "key": RSA,
    "names": NAMES,
}
PROFILE = load_config(CONFIG).profile("aggregator")


@dataclass(frozen=True, kw_only=True, slots=True)
class Authority:
    """A certificate authority with its key."""

    certificate: x509.Certificate
    key: PrivateKey
    issuer: Issuer


@functools.cache
def authority(
    algo: str = "ecdsa",
    size: int = 256,
    *,
    pathlen: int = 0,
    zero: bool = False,
    now: dt.datetime = NOW,
) -> Authority:
    """Make an authority from the recipe, with another key, path length or birthday."""
    ca = {"expiry": "87600h", "pathlen": pathlen, "pathlenzero": zero}
    spec = load_request_spec(CA | {"key": {"algo": algo, "size": size}, "ca": ca})
    key = generate_key(spec.key)
    plan = plan_authority(spec, now=now)
    made = sign_certificate(plan, public_key=key.public_key(), issuer_key=key)
    return Authority(certificate=made, key=key, issuer=issuer_of(made))
