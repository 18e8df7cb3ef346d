"""What a person sends from the issue page, and takes from the certificate page."""

from __future__ import annotations

import json

from django.test import Client
from django.urls import reverse

from aggportal.certs.models import Authority, Certificate

NEW = "certs:certificate_new"
PREVIEW = "certs:certificate_preview"


def typed(authority: Authority, *, base: str = "{}", **fields: str) -> dict[str, str]:
    """The page with its fields filled in: `names_0_C` stands for the field `names-0-C`."""
    empty = {"CN": "", "hosts": "", "key": "ecdsa-256", "serialnumber": ""}
    empty |= {f"names-0-{name}": "" for name in ("C", "ST", "L", "O", "OU", "E")}
    filled = {name.replace("_0_", "-0-"): value for name, value in fields.items()}
    return {**pasted(authority, base, base=base), **empty, **filled}


def pasted(
    authority: Authority, document: object, *, base: str = "{}", **rest: str
) -> dict[str, str]:
    """The page with another JSON in its text area."""
    text = document if isinstance(document, str) else json.dumps(document)
    chosen = {"authority": authority.slug, "profile": "front-proxy-client", "do": "issue"}
    return {**chosen, "base": base, "text": text, **rest}


def send(client: Client, data: dict[str, str], *, to: str = NEW):
    return client.post(reverse(to), data)


def file_of(certificate: Certificate, name: str) -> str:
    return reverse("certs:certificate_file", args=[certificate.pk, name])


def page_of(certificate: Certificate, name: str = "show") -> str:
    return reverse(f"certs:certificate_{name}", args=[certificate.pk])
