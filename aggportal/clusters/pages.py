"""From one watched APIService to what its own page shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from aggportal.clusters.looking_back import History, WantedHistory, read_history
from aggportal.clusters.looks import TlsLook, tls_look
from aggportal.clusters.models import WatchedAPIService
from aggportal.kube.apiservices import APIService, parse_apiservice
from aggportal.kube.causes import Cause
from aggportal.kube.manifests import dump_yaml
from aggportal.kube.registering import require_may_delete
from aggportal.pki.errors import PkiError
from aggportal.pki.reading import CertificateFacts, read_certificates
from aggportal.words import RefusedError, Sentence


@dataclass(frozen=True, kw_only=True, slots=True)
class ServicePage:
    """All that the page of one APIService shows."""

    row: WatchedAPIService
    service: APIService
    cause: Cause | None
    tls: TlsLook
    chain: tuple[CertificateFacts, ...]
    chain_trouble: Sentence | None
    history: History
    manifest: str
    keeps: RefusedError | None


def make_page(row: WatchedAPIService, wanted: WantedHistory, *, now: dt.datetime) -> ServicePage:
    """Read the row's object and its history; three queries."""
    service = parse_apiservice(row.raw)
    chain, trouble = _chain(service)
    return ServicePage(
        row=row,
        service=service,
        cause=service.availability.cause if row.available != "True" else None,
        tls=tls_look(row, now=now),
        chain=chain,
        chain_trouble=trouble or row.tls_trouble_sentence,
        history=read_history(row, wanted, now=now),
        manifest=dump_yaml(_without_noise(row.raw)),
        keeps=why_it_stays(row),
    )


def why_it_stays(row: WatchedAPIService) -> RefusedError | None:
    """The reason why it must not be deleted, if there is one."""
    try:
        require_may_delete(parse_apiservice(row.raw))
    except RefusedError as refused:
        return refused
    return None


def _chain(service: APIService) -> tuple[tuple[CertificateFacts, ...], Sentence | None]:
    if service.ca_bundle is None:
        return (), None
    try:
        return read_certificates(service.ca_bundle, field="spec.caBundle"), None
    except PkiError as refused:
        return (), refused.sentence


def _without_noise(raw: Mapping[str, object]) -> dict[str, object]:
    """The object without `metadata.managedFields`, which tells nothing to a person."""
    doc = dict(raw)
    metadata = doc.get("metadata")
    if isinstance(metadata, dict):
        doc["metadata"] = {key: value for key, value in metadata.items() if key != "managedFields"}
    return doc
