"""The Secrets that pods behind APIServices mount: their certificates, and nothing else of them.

Whoever may read a Secret may read the private key in it. So it is read only where an administrator
chose that, by name, and the key is dropped before anything is kept.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping

from aggportal.doctor.evidence import (
    Json,
    Known,
    Read,
    ServiceEvidence,
    ServiceKey,
    ServingSecret,
    Unread,
)
from aggportal.doctor.objects import labels_of, list_at, text_at
from aggportal.doctor.reads import Reads, place
from aggportal.doctor.told import say
from aggportal.pki.errors import PkiError
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.reading import read_certificates
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

# At once, all together; a cluster with more has its first ones read.
MOST = 300
MANAGED_BY, MANAGER = "app.kubernetes.io/managed-by", "aggportal"
_TOKENS = "/var/run/secrets/kubernetes.io/serviceaccount"
_LONGEST_CERTIFICATES = 400_000
# A name as Kubernetes lets it be (RFC 1123 subdomain): it becomes part of a path, and of YAML.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


def mounted(pods: Iterable[Json]) -> tuple[str, ...]:
    """The names of the Secrets that `pods` mount, but those of their accounts' tokens."""
    names = {name for pod in pods for name in _of_pod(pod) if _NAME.fullmatch(name)}
    return tuple(sorted(names))


def mounted_behind(services: Mapping[ServiceKey, ServiceEvidence]) -> tuple[ServiceKey, ...]:
    """The Secrets that the pods behind `services` mount, by namespace and name."""
    found = {
        (namespace, name)
        for (namespace, _service), behind in services.items()
        if _NAME.fullmatch(namespace) and isinstance(behind.pods, Known)
        for name in mounted(behind.pods.value)
    }
    return tuple(sorted(found))


def certificate_secrets(
    services: Mapping[ServiceKey, ServiceEvidence],
    read: Mapping[ServiceKey, Read[ServingSecret]],
) -> tuple[ServiceKey, ...]:
    """Of those that are mounted, all but the ones that were seen to hold no certificate."""
    return tuple(key for key in mounted_behind(services) if not _is_other(read.get(key)))


def _is_other(read: Read[ServingSecret] | None) -> bool:
    return isinstance(read, Known) and not (read.value.chain or read.value.odd)


def read_secrets(
    reads: Reads, services: Mapping[ServiceKey, ServiceEvidence]
) -> dict[ServiceKey, Read[ServingSecret]]:
    """The certificates of all Secrets that the pods behind `services` mount, a few at a time."""
    wanted = mounted_behind(services)
    found = reads.each(lambda key: read_secret(reads, *key), wanted[:MOST])
    rest = Unread(
        path="", why=say(_n("Only the first %(most)d Secrets are read in one look."), most=MOST)
    )
    return dict(zip(wanted, found, strict=False)) | dict.fromkeys(wanted[MOST:], rest)


def read_secret(reads: Reads, namespace: str, name: str) -> Read[ServingSecret]:
    """One Secret, its private key forgotten."""
    read = reads.object_at(place(f"/api/v1/namespaces/{namespace}/secrets/{name}"))
    if isinstance(read, Known):
        return Known(value=kept_of(read.value), path=read.path)
    return read


def kept_of(secret: Json) -> ServingSecret:
    """What is kept of a Secret object."""
    chain, odd = _certificates(secret, "tls.crt")
    return ServingSecret(
        kind=text_at(secret, "type", limit=253),
        version=text_at(secret, "metadata", "resourceVersion", limit=64),
        chain=chain,
        cas=_certificates(secret, "ca.crt")[0],
        odd=odd,
        ours=labels_of(secret).get(MANAGED_BY) == MANAGER,
    )


def _certificates(secret: Json, key: str) -> tuple[tuple[CertificateFacts, ...], Sentence | None]:
    """The certificates under `key`, or why they cannot be read; neither where it is not there."""
    text = text_at(secret, "data", key, limit=_LONGEST_CERTIFICATES)
    if not text:
        return (), None
    try:
        return read_certificates(base64.b64decode(text, validate=True), field=key), None
    except PkiError as refused:
        return (), refused.sentence
    except ValueError:
        return (), say(_n("%(key)s is not base64."), key=key)


def _of_pod(pod: Json) -> Iterator[str]:
    tokens = _token_volumes(pod)
    for volume in list_at(pod, "spec", "volumes"):
        if text_at(volume, "name") in tokens:
            continue
        yield text_at(volume, "secret", "secretName")
        for source in list_at(volume, "projected", "sources"):
            yield text_at(source, "secret", "name")


def _token_volumes(pod: Json) -> set[str]:
    """The volumes with the account's token, which until 1.21 were Secrets."""
    return {
        text_at(mount, "name")
        for container in list_at(pod, "spec", "containers")
        for mount in list_at(container, "volumeMounts")
        if text_at(mount, "mountPath").rstrip("/") == _TOKENS
    }
