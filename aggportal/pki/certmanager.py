"""cert-manager's objects (cert-manager.io/v1) that go with an authority."""

from __future__ import annotations

from aggportal.pki.exports import object_metadata, object_yaml

API_VERSION = "cert-manager.io/v1"


def ca_issuer(name: str, *, namespace: str, secret_name: str) -> str:
    """Write an Issuer of type `ca` as YAML. Its Secret `secret_name` (tls.crt, tls.key) is not made
    here: it would hold an authority's private key.

    Raises `InvalidField` on `name` or `namespace`.
    """
    object_metadata(secret_name, namespace)
    return object_yaml(
        "Issuer",
        api_version=API_VERSION,
        metadata=object_metadata(name, namespace),
        spec={"ca": {"secretName": secret_name}},
    )
