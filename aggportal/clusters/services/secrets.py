"""Writing a serving certificate of ours with its key into a Secret of a cluster.

What stands there is read first: this account may read a private key then, of which nothing is kept
but which public key it belongs to. The new key leaves through `certs` own door, after the ledger
has it, and only when the Secret is written: the trial on the server goes without it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aggportal.certs.models import Certificate, Kind
from aggportal.certs.services.files import KeyStays, NoPrivateKey, require_chain, take_key
from aggportal.clusters.caring import expired
from aggportal.clusters.models import Cluster, WatchedAPIService
from aggportal.clusters.services.changes import Change, Changed, lines_between, unified
from aggportal.clusters.services.connections import WHILE_A_PERSON_WAITS, client_for
from aggportal.clusters.services.telling import Teller
from aggportal.kube.apiservices import APIService, parse_apiservice
from aggportal.kube.client import ApiClient
from aggportal.kube.errors import Conflict
from aggportal.kube.secrets import (
    CERTIFICATE,
    FROM_CERT_MANAGER,
    ISSUER,
    KEY,
    TLS_TYPE,
    SecretPlace,
    TlsData,
    data_of,
    identity_of,
    put_secret,
    read_secret,
)
from aggportal.pki.errors import PkiError
from aggportal.pki.exports import intermediates, object_metadata, pem_of, trusted
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.keys import load_private_key, spki_sha256
from aggportal.pki.reading import read_certificate, read_certificates
from aggportal.pki.verifying import require_can_serve
from aggportal.web.actors import Actor
from aggportal.words import RefusedError, Sentence
from aggportal.words import gettext_noop as _n

Json = Mapping[str, Any]
# Annotations that are shown as they stand: they name objects.
_HARMLESS = "cert-manager.io/"


class NotForServing(RefusedError):
    """This certificate cannot be written into a Secret from here."""

    code = "not-for-serving"


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """A Secret that was written: where, which certificate (SHA-256), its new version."""

    place: SecretPlace
    fingerprint: str
    resource_version: str
    is_new: bool


def secret_place(namespace: str, name: str) -> SecretPlace:
    """Where a Secret is. Raises InvalidField on `namespace` or `name`."""
    object_metadata(name, namespace)
    return SecretPlace(namespace=namespace, name=name)


def require_writable(certificate: Certificate) -> None:
    """Refuse what is no leaf of ours whose key may leave. Raises NotForServing, KeyStays,
    NoPrivateKey.
    """
    if certificate.kind != Kind.LEAF or certificate.is_revoked:
        text = _n("“%(name)s” is revoked, or no server's certificate. Choose another one.")
        raise NotForServing(text, field="certificate", name=str(certificate))
    if not certificate.exportable:
        text = _n("The private key of “%(name)s” never leaves this portal. Issue another one.")
        raise KeyStays(text, field="certificate", name=str(certificate))
    if certificate.key_id is None:
        text = _n("The portal holds no private key of “%(name)s”: it was made elsewhere.")
        raise NoPrivateKey(text, field="certificate", name=str(certificate))


def try_secret(
    cluster: Cluster,
    place: SecretPlace,
    certificate: Certificate,
    *,
    now: dt.datetime,
    row: WatchedAPIService | None = None,
) -> Change:
    """Let the API server check the Secret without keeping it; no key is sent.

    `row` is the APIService that it is for. Raises RefusedError: what `require_writable` and
    `require_chain` refuse, and what the cluster says.
    """
    require_writable(certificate)
    client = client_for(cluster, timeouts=WHILE_A_PERSON_WAITS)
    present = read_secret(client, place)
    data = _data(certificate)
    after = put_secret(client, place, data, present=present, dry_run=True)
    facts = read_certificate(certificate.material.pem)
    shown = _shown(after, key=f"(private key, SHA-256 of its public key {facts.spki_sha256})")
    return Change(
        seen=_mark(present),
        lines=lines_between(certificates_in(present)[:1], [facts]),
        diff=unified(_shown(present) if present else None, shown, name=str(place)),
        is_new=present is None,
        cautions=(*_cautions(present), *_doubts(facts, row, now=now)),
    )


def write_secret(
    cluster: Cluster,
    place: SecretPlace,
    certificate: Certificate,
    *,
    seen: str,
    by: Actor,
    now: dt.datetime,
) -> Written:
    """Create or change the Secret; `seen` is the `Change.seen` that was decided on.

    Raises what `try_secret` raises, and Changed where somebody wrote it in between.
    """
    require_writable(certificate)
    data = _data(certificate)
    client = client_for(cluster, timeouts=WHILE_A_PERSON_WAITS)
    present = read_secret(client, place)
    if _mark(present) != seen:
        raise Changed(str(place))
    tell = Teller(
        "secret.written",
        ("secret", str(place)[:64], str(place)),
        by=by,
        now=now,
        on=cluster.scope,
        detail=_told(cluster, certificate, present),
    )
    tell.intended()
    try:
        key_pem = take_key(certificate, how="secret", by=by, now=now)
        full = TlsData(
            certificate_pem=data.certificate_pem, issuer_pem=data.issuer_pem, key_pem=key_pem
        )
        made = _put(client, place, full, present)
    except RefusedError as error:
        tell.failed(error)
        raise
    version = identity_of(made)[1]
    tell.done(resource_version=version)
    return Written(
        place=place,
        fingerprint=certificate.fingerprint_sha256,
        resource_version=version,
        is_new=present is None,
    )


def certificates_in(document: Json | None) -> tuple[CertificateFacts, ...]:
    """The chain in tls.crt; nothing where it cannot be read."""
    try:
        return read_certificates(data_of(document).get(CERTIFICATE, b""))
    except PkiError:
        return ()


def _put(client: ApiClient, place: SecretPlace, data: TlsData, present: Json | None) -> Json:
    try:
        return put_secret(client, place, data, present=present, dry_run=False)
    except Conflict as error:
        raise Changed(str(place)) from error


def _data(certificate: Certificate) -> TlsData:
    """Everything but the key. Raises NoIssuerKnown."""
    chain = require_chain(certificate)
    own = read_certificate(certificate.material.pem)
    return TlsData(
        certificate_pem=pem_of((own, *intermediates(chain))), issuer_pem=pem_of(trusted(chain))
    )


def _mark(present: Json | None) -> str:
    """Says which version of which object was seen; `absent` where there was none."""
    return "/".join(identity_of(present)) if present else "absent"


def _told(cluster: Cluster, certificate: Certificate, present: Json | None) -> dict[str, object]:
    before = certificates_in(present)[:1]
    return {
        "cluster": cluster.name,
        "certificate": certificate.pk,
        "before": [each.sha256 for each in before],
        "after": [certificate.fingerprint_sha256],
    }


def _shown(document: Json, *, key: str = "") -> dict[str, Any]:
    """The Secret with its data in words: certificates by fingerprint, of a key its public half."""
    data = data_of(document)
    told = {name: _value_told(name, value) for name, value in sorted(data.items())}
    if key:
        told[KEY] = key
    rest = {name: value for name, value in document.items() if name != "data"}
    return rest | {"metadata": _metadata_told(document.get("metadata")), "data": told}


def _metadata_told(metadata: object) -> object:
    """Annotations by their length: some tools keep the whole object in one, key and all."""
    if not isinstance(metadata, Mapping) or not isinstance(metadata.get("annotations"), Mapping):
        return metadata
    told = {
        name: value if name.startswith(_HARMLESS) else f"({len(str(value))} characters)"
        for name, value in metadata["annotations"].items()
    }
    return {**metadata, "annotations": told}


def _value_told(name: str, value: bytes) -> object:
    if name == KEY:
        return _key_told(value)
    if name in (CERTIFICATE, ISSUER):
        try:
            return [f"{e.subject}, SHA-256 {e.sha256}" for e in read_certificates(value)]
        except PkiError:
            return f"(no certificate, {len(value)} bytes)"
    return f"({len(value)} bytes)"


def _key_told(value: bytes) -> str:
    try:
        public = spki_sha256(load_private_key(value).public_key())
    except PkiError:
        return f"(no private key that can be read, {len(value)} bytes)"
    return f"(private key, SHA-256 of its public key {public})"


def _cautions(present: Json | None) -> Iterator[Sentence]:
    if present is None:
        return
    metadata = present.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    if isinstance(annotations, Mapping) and annotations.get(FROM_CERT_MANAGER):
        yield Sentence(
            text=_n(
                "cert-manager writes this Secret for its Certificate “%(name)s”, and will write it "
                "again. Change the Certificate there, or delete it first."
            ),
            params={"name": str(annotations[FROM_CERT_MANAGER])[:253]},
        )
    kind = str(present.get("type") or "")[:253]
    if kind != TLS_TYPE:
        yield Sentence(
            text=_n(
                "The Secret is of type %(kind)s, which cannot change. Its data is changed all the "
                "same; whoever reads it must look for tls.crt and tls.key."
            ),
            params={"kind": kind or "Opaque"},
        )


def _doubts(
    facts: CertificateFacts, row: WatchedAPIService | None, *, now: dt.datetime
) -> Iterator[Sentence]:
    """Why kube-apiserver would not accept it from the Service of `row` as things stand."""
    if row is None or row.is_local:
        yield from expired([facts], now=now)
        return
    service = parse_apiservice(row.raw)
    try:
        require_can_serve(
            facts,
            bundle=_bundle_of(service),
            service=row.service_name,
            namespace=row.service_namespace,
            now=now,
        )
    except PkiError as refused:
        yield refused.sentence


def _bundle_of(service: APIService) -> tuple[CertificateFacts, ...]:
    try:
        return read_certificates(service.ca_bundle) if service.ca_bundle else ()
    except PkiError:
        return ()
