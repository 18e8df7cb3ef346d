"""Authorities of ours below another of ours, for tests."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from aggportal.certs.models import Authority, Certificate, Kind
from aggportal.certs.services.issuing import IssueChoices, issue_certificate
from aggportal.certs.services.keys import open_key, seal_key
from aggportal.certs.services.profiles import config_version, update_signing_config
from aggportal.pki.jsontext import dump_json, parse_json
from aggportal.pki.requests import load_request_spec
from tests.certs.makers import ANA, P256, preset_config

PROFILE = "intermediate"


def make_intermediate(
    parent: Authority, *, name: str = "below", now: dt.datetime | None = None
) -> Authority:
    """An authority `name` that `parent` signed, with a row among what that one issued."""
    document: Any = parse_json(parent.signing_config)
    usages = ["cert sign", "crl sign"]
    document["signing"]["profiles"][PROFILE] = {
        "usages": usages,
        "expiry": "90h",
        "ca_constraint": {"is_ca": True, "max_path_len": 0, "max_path_len_zero": True},
    }
    update_signing_config(parent, text=dump_json(document), expected=config_version(parent), by=ANA)
    parent.refresh_from_db()
    spec = load_request_spec({"CN": name, "key": P256})
    choices = IssueChoices(profile=PROFILE, file_base=name)
    row = issue_certificate(parent, spec, choices, by=ANA, now=now or timezone.now())
    Certificate.objects.filter(pk=row.pk).update(kind=Kind.AUTHORITY)
    return _authority_of(row, parent, name)


def _authority_of(row: Certificate, parent: Authority, name: str) -> Authority:
    assert row.key is not None
    key = seal_key(open_key(row.key, spki=row.spki_sha256), purpose="authority-key")
    key.save(force_insert=True)
    return Authority.objects.create(
        slug=name,
        label=name,
        lane=parent.lane,
        file_base=name,
        subject=row.subject,
        common_name=row.common_name,
        serial=row.serial,
        key_text=row.key_text,
        spki_sha256=row.spki_sha256,
        fingerprint_sha256=row.fingerprint_sha256,
        not_before=row.not_before,
        not_after=row.not_after,
        certificate_pem=row.material.pem,
        csr_pem=row.material.csr_pem,
        request_spec=row.material.request_spec,
        signing_config=preset_config("front-proxy-client"),
        created_at=row.issued_at,
        created_by="ana",
        key=key,
        parent=parent,
        issued_as=Certificate.objects.get(pk=row.pk),
    )
