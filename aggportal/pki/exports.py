"""What a person takes away: files under `cfssljson -bare` names, an archive that installs itself,
Kubernetes YAML.

An authority's own key is in none of them, by construction: every key is checked to be the key of
the certificate that it goes with, and that certificate may not be an authority.
"""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import hashlib
import io
import re
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from aggportal.pki.errors import InvalidField, KeyMismatch, PkiError
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.keys import load_private_key, spki_sha256
from aggportal.words import gettext_noop as _n

KEY_MODE = 0o600
FILE_MODE = 0o644
SCRIPT_MODE = 0o755
SUMS_NAME = "SHA256SUMS"
SCRIPT_NAME = "install.sh"

_BASE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", re.ASCII)
_DNS_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"  # RFC 1123, as Kubernetes reads it
_NAMESPACE = re.compile(_DNS_LABEL, re.ASCII)
_OBJECT_NAME = re.compile(rf"{_DNS_LABEL}(?:\.{_DNS_LABEL})*", re.ASCII)
_SCRIPT = Path(__file__).with_name(SCRIPT_NAME)


class AuthorityKeyStays(PkiError):
    """Somebody asked to take an authority's private key away."""

    code = "authority-key-stays"


class DuplicateFile(PkiError):
    """Two files of one archive would have the same name."""

    code = "duplicate-file"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportedFile:
    """One file: a name without directory, its bytes (never in a repr), its mode bits."""

    name: str
    body: bytes = field(repr=False)
    mode: int = FILE_MODE

    @property
    def is_secret(self) -> bool:
        """Tell whether only its owner may read it; showing it is to be allowed and recorded."""
        return self.mode == KEY_MODE


def certificate_files(
    base: str, *, certificate: CertificateFacts, key_pem: str = "", csr_pem: str = ""
) -> tuple[ExportedFile, ...]:
    """Name the files as `cfssljson -bare BASE` does: BASE.pem, BASE-key.pem, BASE.csr.

    Key and CSR only when given.

    Raises `InvalidField` on `base`, `KeyMismatch`, and `AuthorityKeyStays` for the key of an
    authority.
    """
    require_base_name(base)
    files = [ExportedFile(name=f"{base}.pem", body=certificate.pem.encode())]
    if key_pem:
        require_takeable_key(key_pem, certificate=certificate)
        files.append(ExportedFile(name=f"{base}-key.pem", body=key_pem.encode(), mode=KEY_MODE))
    if csr_pem:
        files.append(ExportedFile(name=f"{base}.csr", body=csr_pem.encode()))
    return tuple(files)


def require_base_name(base: str, *, field: str = "base") -> str:
    """Return `base` when it is safe as the start of a file name everywhere; otherwise refuse it on
    `field`.
    """
    if not _BASE_NAME.fullmatch(base):
        raise InvalidField(
            _n(
                "“%(base)s” cannot start a file name. Use letters, digits, dots, dashes and "
                "underscores, at most 100, and no dot or dash first."
            ),
            field=field,
            base=base,
        )
    return base


def require_takeable_key(key_pem: str, *, certificate: CertificateFacts) -> None:
    """Refuse to hand out an authority's key, and a key that does not belong to `certificate`."""
    if certificate.is_ca:
        raise AuthorityKeyStays(
            _n(
                "The key of the authority “%(subject)s” does not leave the portal: no server "
                "needs it, and whoever has it can issue any certificate. Take the certificate "
                "alone."
            ),
            subject=certificate.subject,
        )
    if spki_sha256(load_private_key(key_pem).public_key()) != certificate.spki_sha256:
        raise KeyMismatch(
            _n(
                "This key is not the key of the certificate “%(subject)s”, so no program could "
                "use the pair."
            ),
            subject=certificate.subject,
        )


def archive(files: tuple[ExportedFile, ...], *, now: dt.datetime) -> bytes:
    """Pack `files`, their SHA256SUMS and install.sh into a .tar.gz; same input and `now`, same
    bytes.
    """
    script = ExportedFile(name=SCRIPT_NAME, body=_SCRIPT.read_bytes(), mode=SCRIPT_MODE)
    members = (*files, script)
    sums = ExportedFile(name=SUMS_NAME, body=sha256_sums(members).encode())
    _require_distinct((*members, sums))
    seconds = int(now.timestamp())
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=seconds) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for member in (*members, sums):
            tar.addfile(_tar_entry(member, seconds=seconds), io.BytesIO(member.body))
    return packed.getvalue()


def sha256_sums(files: tuple[ExportedFile, ...]) -> str:
    """Write the lines that `sha256sum -c` reads."""
    return "".join(f"{hashlib.sha256(f.body).hexdigest()}  {f.name}\n" for f in files)


def _require_distinct(files: tuple[ExportedFile, ...]) -> None:
    names = [file.name for file in files]
    for name in names:
        if names.count(name) > 1:
            raise DuplicateFile(
                _n(
                    "Two files would be called “%(name)s”. Choose another base name for one of "
                    "them."
                ),
                name=name,
            )


def _tar_entry(file: ExportedFile, *, seconds: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(file.name)
    entry.size = len(file.body)
    entry.mode = file.mode
    entry.mtime = seconds
    entry.uname = entry.gname = "root"
    return entry


def tls_secret(
    name: str,
    *,
    namespace: str,
    certificate: CertificateFacts,
    key_pem: str,
    chain: tuple[CertificateFacts, ...],
) -> str:
    """Write a Secret of type kubernetes.io/tls as YAML: tls.crt is the certificate with the
    intermediates of `chain` (the authorities above, upwards), ca.crt what is trusted above them.
    """
    require_takeable_key(key_pem, certificate=certificate)
    return key_pair_secret(
        name, namespace=namespace, certificate=certificate, key_pem=key_pem, chain=chain
    )


def key_pair_secret(
    name: str,
    *,
    namespace: str,
    certificate: CertificateFacts,
    key_pem: str,
    chain: tuple[CertificateFacts, ...],
) -> str:
    """Write the Secret whoever's key it is; what may leave is for the caller to have required."""
    contents = {
        "tls.crt": pem_of((certificate, *intermediates(chain))),
        "tls.key": key_pem,
        "ca.crt": pem_of(trusted(chain)),
    }
    return object_yaml(
        "Secret",
        metadata=object_metadata(name, namespace),
        type="kubernetes.io/tls",
        data={
            key: base64.b64encode(value.encode()).decode("ascii") for key, value in contents.items()
        },
    )


def intermediates(chain: tuple[CertificateFacts, ...]) -> tuple[CertificateFacts, ...]:
    """Return what a server sends beside its certificate: `chain` (upwards) without the root, which
    whoever verifies has already.
    """
    return tuple(facts for facts in chain if not facts.self_signed)


def trusted(chain: tuple[CertificateFacts, ...]) -> tuple[CertificateFacts, ...]:
    """Return the top of `chain`: the root, or the highest authority that is known."""
    return chain[-1:]


def pem_of(certificates: tuple[CertificateFacts, ...]) -> str:
    """Return the certificates as PEM, one after another."""
    return "".join(facts.pem for facts in certificates)


def ca_config_map(name: str, *, namespace: str, authorities: tuple[CertificateFacts, ...]) -> str:
    """Write a ConfigMap whose ca.crt is the bundle of `authorities`, as YAML."""
    bundle = "".join(authority.pem for authority in authorities)
    return object_yaml(
        "ConfigMap", metadata=object_metadata(name, namespace), data={"ca.crt": bundle}
    )


def object_metadata(name: str, namespace: str) -> dict[str, str]:
    """Return an object's metadata. Raises `InvalidField` on `name` or `namespace`."""
    if len(name) > 253 or not _OBJECT_NAME.fullmatch(name):
        raise InvalidField(
            _n(
                "“%(name)s” cannot name a Kubernetes object. Use lower case letters, digits, "
                "dashes and dots, and begin and end with a letter or digit."
            ),
            field="name",
            name=name,
        )
    if len(namespace) > 63 or not _NAMESPACE.fullmatch(namespace):
        raise InvalidField(
            _n(
                "“%(namespace)s” cannot be a namespace. Use at most 63 lower case letters, digits "
                "and dashes, and begin and end with a letter or digit."
            ),
            field="namespace",
            namespace=namespace,
        )
    return {"name": name, "namespace": namespace}


class _Dumper(yaml.SafeDumper):
    """SafeDumper that writes PEM as a block, and quotes what some YAML reader takes for no text."""


# PyYAML leaves `1e3` and `0o14` bare, for it (YAML 1.1) no numbers, but for Kubernetes they are.
_BARE = re.compile(r"[A-Za-z][A-Za-z0-9./+=-]+", re.ASCII)


def _text_node(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None if _BARE.fullmatch(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text_node)


def object_yaml(kind: str, *, api_version: str = "v1", **rest: object) -> str:
    """Write one Kubernetes object as YAML."""
    document = {"apiVersion": api_version, "kind": kind, **rest}
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=4096)
    return text
