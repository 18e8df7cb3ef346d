"""Signing requests that were handed in, for tests."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from aggportal.certs.models import Authority, SigningRequest
from aggportal.certs.services.profiles import config_version, update_signing_config
from aggportal.certs.services.receiving import receive_request
from aggportal.pki.csrreading import read_csr
from aggportal.pki.jsontext import dump_json, parse_json
from tests.certs.makers import ANA
from tests.pki.csrs_made import csr, der, pem, sans

PROFILE = "front-proxy-client"


def hand_in(authority: Authority, *, profile: str = PROFILE, **made: Any) -> SigningRequest:
    """A request for `web` with the name a.example, waiting at `authority`."""
    extensions = made.pop("extensions", (sans("a.example"),))
    facts = read_csr(der(csr(*extensions, **made)))
    return receive_request(authority, facts, profile=profile, by=ANA, now=timezone.now())


def set_in_profile(authority: Authority, *, profile: str = PROFILE, **values: object) -> None:
    """Change keys of one profile, as an administrator does."""
    document: Any = parse_json(authority.signing_config)
    document["signing"]["profiles"][profile] |= values
    update_signing_config(
        authority, text=dump_json(document), expected=config_version(authority), by=ANA
    )


def filled(authority: Authority, *, do: str = "hand-in", **rest: Any) -> dict[str, Any]:
    """The page of a new request, filled in."""
    text = pem(csr(sans("a.example")))
    return {"authority": authority.slug, "profile": PROFILE, "csr": text, "do": do, **rest}


def decided(asked: SigningRequest, *, do: str = "sign", **changed: str) -> dict[str, str]:
    """The page of a waiting request as its fields begin, with changes."""
    shown = {"CN": "web", "O": "k8s", "OU": "", "C": "", "ST": "", "L": "", "serial_number": ""}
    return {"profile": asked.profile, "hosts": "a.example", "do": do, **shown, **changed}


def send(client: Client, asked: SigningRequest, deed: str, data: dict[str, str]):
    """What a person sends who looked at the page just before."""
    if deed == "sign" and "seen" not in data and data.get("do") == "sign":
        shown = send(client, asked, "sign", data | {"do": "show"})
        data = data | {"seen": seen_on(shown)}
    return client.post(reverse(f"certs:request_{deed}", args=[asked.pk]), data)


def seen_on(page: Any) -> str:
    """What the form of a page carries of what it shows; empty where that would be refused."""
    found = re.search(r'name="seen"\s+value="([^"]+)"', page.text)
    return found[1] if found else ""
