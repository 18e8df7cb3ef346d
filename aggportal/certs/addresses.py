"""Where clients fetch what an authority publishes: its list, its certificate, its OCSP answers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from aggportal.certs.models import Authority

_PORT = re.compile(r":\d+$", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicAddresses:
    """Absolute addresses under the portal's public one; all empty where that is not set."""

    crl: str
    ocsp: str
    certificate: str

    def __bool__(self) -> bool:
        return bool(self.crl)


def public_addresses(authority: Authority) -> PublicAddresses:
    """Return where `authority` publishes, as it may enter certificates.

    An https: address becomes http:, since a client that is about to verify a certificate must not
    need another one for it (RFC 5280 section 8). A port that is written out stays with https.
    """
    base = _plain_http(settings.PUBLIC_URL)
    slug = authority.slug
    return PublicAddresses(
        crl=f"{base}{crl_path(slug)}" if base else "",
        ocsp=f"{base}{ocsp_path(slug)}" if base else "",
        certificate=f"{base}{certificate_path(slug)}" if base else "",
    )


def crl_path(slug: str) -> str:
    return reverse("certs:crl_file", args=[slug])


def ocsp_path(slug: str) -> str:
    return reverse("certs:ocsp_post", args=[slug])


def certificate_path(slug: str) -> str:
    return reverse("certs:issuer_file", args=[slug])


def _plain_http(url: str) -> str:
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    host = host.removesuffix(":443")
    if scheme != "https" or _PORT.search(host):
        return url
    return f"http://{host}{slash}{path}"
