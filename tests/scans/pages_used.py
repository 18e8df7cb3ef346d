"""What a person sends to the page Scan, and what they read there."""

from __future__ import annotations

import re

from django.test import Client

from aggportal.certs.models import Authority, Certificate, Lane
from aggportal.certs.services.keys import open_key
from aggportal.ledger.models import Entry
from aggportal.pki.keys import private_key_pem
from tests.certs.makers import make_authority, make_certificate

PAGE = "/scan/"
SERVICE = "api.wardle.svc"


def send(client: Client, target: str, **rest: str):
    return client.post(PAGE, {"target": target, **rest})


def said(answer) -> str:
    """The page's text as one reads it, without markup."""
    return " ".join(re.sub(r"<[^>]*>", " ", answer.text).split())


def outcomes() -> list[str]:
    entries = Entry.objects.filter(action="endpoint.scanned").order_by("seq")
    return [entry.outcome for entry in entries]


def ours(name: str = SERVICE) -> tuple[Certificate, tuple[str, str]]:
    """A certificate that the portal issued, and what a server needs of it."""
    issuer = make_authority("serving-ca", lane=Lane.SERVING, profiles=["extension-serving"])
    certificate = make_certificate(issuer, name, profile="extension-serving", hosts=[name])
    assert certificate.key is not None
    key = open_key(certificate.key, spki=certificate.spki_sha256)
    return certificate, (certificate.material.pem, private_key_pem(key))


def front_proxy() -> Authority:
    return make_authority("front-proxy-ca", lane=Lane.FRONT_PROXY, profiles=["front-proxy-client"])
