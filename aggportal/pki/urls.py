"""Web addresses that enter a certificate: CRL distribution points, OCSP responders, issuers."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from aggportal.pki.errors import InvalidField
from aggportal.words import gettext_noop as _n

MAX_LENGTH = 2048
_ALLOWED = re.compile(r"(?:http|https|ldap)://[A-Za-z0-9._~:/?#@!$&'()*+,;=%\[\]-]+", re.ASCII)


def url_problem(url: str, *, field: str) -> InvalidField | None:
    """Tell what is wrong with an absolute http, https or ldap address; an empty one is absent and
    fine.
    """
    if not url:
        return None
    if len(url) > MAX_LENGTH or not _ALLOWED.fullmatch(url) or not _has_host(url):
        words = _n("This must be an absolute address in ASCII, like http://pki.example.com/ca.crl.")
        return InvalidField(words, field=field)
    return None


def _has_host(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False
