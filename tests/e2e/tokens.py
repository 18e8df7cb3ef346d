"""Tokens of ServiceAccounts that live shorter than a TokenRequest lets them (ten minutes)."""

from __future__ import annotations

import base64
import json
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.e2e.control_plane import ControlPlane

ISSUER = "https://kubernetes.default.svc"
# kube-apiserver lets a token pass so long after its end (go-jose's leeway).
LEEWAY = 60


def short_token(plane: ControlPlane, *, namespace: str, name: str, seconds: int) -> str:
    """A token as kube-apiserver itself makes it (ES256, its own key), accepted for `seconds`."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}"
    account = plane.client().get_json(path)
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": [ISSUER],
        "sub": f"system:serviceaccount:{namespace}:{name}",
        "iat": now - 2 * LEEWAY,
        "nbf": now - 2 * LEEWAY,
        "exp": now + seconds - LEEWAY,
        "kubernetes.io": {
            "namespace": namespace,
            "serviceaccount": {"name": name, "uid": account["metadata"]["uid"]},
        },
    }
    header = {"alg": "ES256", "typ": "JWT"}
    signed = ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
    signature = plane.authority.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256()))
    halves = [half.to_bytes(32, "big") for half in decode_dss_signature(signature)]
    return f"{signed}.{_encoded(b''.join(halves))}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
