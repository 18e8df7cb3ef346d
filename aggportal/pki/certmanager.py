"""cert-manager's objects (cert-manager.io/v1) that go with an authority."""

from __future__ import annotations

from aggportal.pki.errors import KeyMismatch, PkiError
from aggportal.pki.exports import key_pair_secret, object_metadata, object_yaml
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.keys import load_private_key, spki_sha256
from aggportal.words import gettext_noop as _n

API_VERSION = "cert-manager.io/v1"


class NoIntermediate(PkiError):
    """What cert-manager would sign with is no authority below another."""

    code = "no-intermediate"


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


def ca_issuer_with_key(
    name: str,
    *,
    namespace: str,
    certificate: CertificateFacts,
    key_pem: str,
    chain: tuple[CertificateFacts, ...],
) -> str:
    """Write the Secret NAME-key-pair with an intermediate's key and the Issuer that signs with it,
    as two YAML documents. tls.crt is the intermediate and those between it and the root, ca.crt the
    root; `chain` is what stands above it.

    Raises `InvalidField` on `name` or `namespace`, `NoIntermediate` for a root and for what is no
    authority, `KeyMismatch`.
    """
    require_intermediate(certificate)
    if spki_sha256(load_private_key(key_pem).public_key()) != certificate.spki_sha256:
        raise KeyMismatch(
            _n("This key is not the key of the certificate “%(subject)s”."),
            subject=certificate.subject,
        )
    secret_name = f"{name}-key-pair"
    issuer = ca_issuer(name, namespace=namespace, secret_name=secret_name)
    secret = key_pair_secret(
        secret_name, namespace=namespace, certificate=certificate, key_pem=key_pem, chain=chain
    )
    return f"{secret}---\n{issuer}"


def require_intermediate(certificate: CertificateFacts) -> None:
    """Refuse what is no authority, and a root: whoever has a root's key can never be revoked."""
    if not certificate.is_ca:
        raise NoIntermediate(
            _n("“%(subject)s” is no authority, so cert-manager could sign nothing with it."),
            subject=certificate.subject,
        )
    if certificate.self_signed:
        raise NoIntermediate(
            _n(
                "“%(subject)s” is a root. Its key stays: nobody could revoke it if it were lost. "
                "Make an intermediate below it for cert-manager."
            ),
            subject=certificate.subject,
        )
