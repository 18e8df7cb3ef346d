"""Makers of authorities and certificates for tests: real keys, small and quick ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.utils import timezone

from aggportal.certs.models import Authority, Certificate, Lane, Mode
from aggportal.certs.services.authorities import create_authority
from aggportal.certs.services.authority_rows import AuthorityChoices
from aggportal.certs.services.issuing import IssueChoices, issue_certificate
from aggportal.certs.services.signers import signer_of
from aggportal.pki.config import dump_config, dump_profile
from aggportal.pki.jsontext import dump_json
from aggportal.pki.keys import PrivateKey
from aggportal.pki.presets import PRESETS
from aggportal.pki.requests import load_request_spec
from aggportal.web.actors import Actor

ANA = Actor(id=None, name="ana", address="192.0.2.7")
P256 = {"algo": "ecdsa", "size": 256}

__all__ = [
    "ANA",
    "P256",
    "dump_config",
    "make_authority",
    "make_certificate",
    "open_authority_key",
    "preset_config",
]


def open_authority_key(authority: Authority) -> PrivateKey:
    """The authority's private key, as nothing outside a test would keep it."""
    with signer_of(authority) as key:
        return key


def preset_config(*names: str) -> str:
    """A ca-config.json with the named presets."""
    profiles = {name: dump_profile(PRESETS[name]) for name in names}
    return dump_json({"signing": {"default": {"expiry": "8760h"}, "profiles": profiles}})


def make_authority(
    name: str = "front-proxy-ca",
    *,
    lane: Lane = Lane.GENERAL,
    mode: Mode = Mode.STRICT,
    profiles: Sequence[str] = ("front-proxy-client", "extension-serving", "aggregator"),
    expiry: str = "87600h",
    now: dt.datetime | None = None,
) -> Authority:
    """A P-256 authority `name`."""
    spec = load_request_spec({"CN": name, "key": P256, "ca": {"expiry": expiry}})
    choices = AuthorityChoices(
        label=name,
        slug=name,
        lane=lane,
        mode=mode,
        file_base=name,
        signing_config=preset_config(*profiles),
    )
    return create_authority(spec, choices, by=ANA, now=now or timezone.now())


def make_certificate(
    authority: Authority,
    name: str = "front-proxy-client",
    *,
    profile: str = "front-proxy-client",
    hosts: Sequence[str] = (),
    now: dt.datetime | None = None,
) -> Certificate:
    """A P-256 certificate for `name`, issued by `authority`."""
    spec = load_request_spec({"CN": name, "hosts": list(hosts), "key": P256})
    choices = IssueChoices(profile=profile, file_base=name, end_with_authority=True)
    return issue_certificate(authority, spec, choices, by=ANA, now=now or timezone.now())
