"""What anybody with a role may take away of an authority: certificate, CSR, cfssl's two JSON files,
ConfigMap.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.models import Authority, Lane
from aggportal.certs.services.chains import authority_chain
from aggportal.certs.services.files import authority_files
from aggportal.pki.certmanager import ca_issuer
from aggportal.pki.exports import ExportedFile, ca_config_map, trusted
from aggportal.pki.reading import read_certificate

CONFIG_NAME = "ca-config.json"
NAMESPACE = "kube-system"

_CERTIFICATE_PURPOSE = {
    Lane.FRONT_PROXY: _l("The certificate: the file behind --requestheader-client-ca-file."),
    Lane.SERVING: _l("The certificate: base64 of it is the caBundle of an APIService."),
    Lane.CLIENT: _l("The certificate: the file behind --client-ca-file."),
    Lane.GENERAL: _l("The certificate."),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorityDocument:
    """One file, what it is for, and how to send it."""

    file: ExportedFile
    purpose: str | Promise
    media_type: str

    @property
    def name(self) -> str:
        return self.file.name


def authority_documents(authority: Authority) -> tuple[AuthorityDocument, ...]:
    """Return every file of `authority`. Its private key is never among them."""
    base = authority.file_base
    certificate, csr = authority_files(authority)
    name = f"{object_name(authority)}-bundle"
    facts = read_certificate(authority.certificate_pem)
    above = trusted(authority_chain(authority))
    config_map = ca_config_map(name, namespace=NAMESPACE, authorities=above)
    return (
        _document(
            certificate, _CERTIFICATE_PURPOSE[Lane(authority.lane)], "application/x-pem-file"
        ),
        _document(csr, _l("The request that it was made from."), "application/x-pem-file"),
        _text(f"{base}-csr.json", authority.request_spec, _l("The same as CSR JSON, for cfssl.")),
        _text(
            CONFIG_NAME, authority.signing_config, _l("Its profiles, as the CA config of cfssl.")
        ),
        _document(
            ExportedFile(name=f"{base}-configmap.yaml", body=config_map.encode()),
            _l("A ConfigMap with the root above it as ca.crt, for pods that have to trust it."),
            "application/yaml",
        ),
        _document(
            ExportedFile(name=f"{base}.der", body=facts.der),
            _l("The certificate in binary (DER), for Windows and Java."),
            "application/pkix-cert",
        ),
        _document(
            ExportedFile(name=f"{base}-cert-manager.yaml", body=_issuer(authority).encode()),
            _l(
                "An Issuer of type ca for cert-manager, without the Secret that it names: an "
                "administrator takes both together."
            )
            if authority.key_may_leave
            else _l(
                "An Issuer of type ca for cert-manager. The Secret that it names must hold an "
                "authority's private key, and this one's does not leave: put an authority of "
                "cert-manager's own there (kubectl create secret tls), and trust both."
            ),
            "application/yaml",
        ),
    )


def _issuer(authority: Authority) -> str:
    name = object_name(authority)
    return ca_issuer(name, namespace="cert-manager", secret_name=f"{name}-key-pair")


def object_name(authority: Authority) -> str:
    """Return a name for Kubernetes objects that go with `authority`."""
    return authority.slug.lower().replace("_", "-").strip("-") or "authority"


def _text(name: str, text: str, purpose: str | Promise) -> AuthorityDocument:
    return _document(ExportedFile(name=name, body=text.encode()), purpose, "application/json")


def _document(file: ExportedFile, purpose: str | Promise, media_type: str) -> AuthorityDocument:
    return AuthorityDocument(file=file, purpose=purpose, media_type=media_type)
