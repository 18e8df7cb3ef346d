"""The address of a webhook, and what is sent there: a JSON body and a signature.

The signature follows the published convention "Standard Webhooks", for which receivers find ready
libraries: `webhook-signature: v1,` and the base64 of HMAC-SHA256 over
`webhook-id.webhook-timestamp.body` under the secret.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from aggportal.clusters.models import Finding, Harm
from aggportal.kube.errors import InvalidConnection
from aggportal.kube.servers import Server, parse_server
from aggportal.notices.deciding import LATE
from aggportal.notices.errors import BadAddress
from aggportal.notices.models import Delivery, SubjectKind
from aggportal.notices.wording import Line, Message, address_of
from aggportal.words import gettext_noop as _n

MAX_URL = 2000
_PREFIX = "whsec_"
_REST = re.compile(r"[!$%&'()*+,\-./0-9:;=@A-Z_a-z~?]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where a webhook goes; `rest` is path and query, which may hold a secret."""

    server: Server
    tls: bool
    rest: str = field(repr=False)

    @property
    def shown(self) -> str:
        """The part that may be shown: scheme, host and port."""
        scheme, usual = ("https", 443) if self.tls else ("http", 80)
        host = f"[{self.server.host}]" if ":" in self.server.host else self.server.host
        return (
            f"{scheme}://{host}"
            if self.server.port == usual
            else (f"{scheme}://{host}:{self.server.port}")
        )


def parse_target(url: str) -> Target:
    """Read `http(s)://host[:port]/path?query`. BadAddress says what is wrong."""
    if len(url) > MAX_URL:
        raise BadAddress(_n("The address is too long."), field="url")
    scheme, separator, rest = url.partition("://")
    if scheme.lower() not in ("http", "https") or not separator:
        raise BadAddress(_n("The address must begin with https:// or http://."), field="url")
    netloc = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    tail = rest[len(netloc) :]
    if not _REST.fullmatch(tail) or tail[:1] not in ("", "/", "?"):
        raise BadAddress(
            _n("The address holds characters that do not belong there, or a fragment (#)."),
            field="url",
        )
    try:
        server = parse_server(f"https://{netloc}", field="url")
        port = urlsplit(f"https://{netloc}").port
    except (InvalidConnection, ValueError) as exc:
        text = _n("Behind :// a host must stand, with a port at most: %(host)s is none.")
        raise BadAddress(text, field="url", host=netloc[:100]) from exc
    tls = scheme.lower() == "https"
    usual = 443 if tls else 80
    return Target(
        server=Server(host=server.host, port=usual if port is None else port),
        tls=tls,
        rest=tail if tail.startswith("/") else f"/{tail}",
    )


def signing_key(secret: str) -> bytes:
    """Return the bytes of a secret: base64 after `whsec_`, as libraries make them, else its text.

    BadAddress when what follows `whsec_` is no base64.
    """
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError as exc:  # binascii.Error, and what is not ASCII
        raise BadAddress(
            _n("Behind whsec_ base64 must follow; a secret without that prefix is used as it is."),
            field="secret",
        ) from exc


def signature(body: bytes, *, key: bytes, uid: str, timestamp: str) -> str:
    """Return the value of the header `webhook-signature`."""
    signed = f"{uid}.{timestamp}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def headers_for(body: bytes, *, uid: str, secret: str, now: dt.datetime) -> dict[str, str]:
    """Return the headers of a request; `uid` stays the same when it is sent again."""
    timestamp = str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "aggportal",
        "webhook-id": uid,
        "webhook-timestamp": timestamp,
    }
    if secret:
        key = signing_key(secret)
        headers["webhook-signature"] = signature(body, key=key, uid=uid, timestamp=timestamp)
    return headers


def body_of(message: Message, delivery: Delivery | None, *, now: dt.datetime) -> bytes:
    """Return the JSON that says what the message says; `delivery` None is a test."""
    kind = "test" if delivery is None else "digest" if delivery.digest else "notices"
    document = {
        "type": f"aggportal.{kind}",
        "timestamp": now.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "portal": address_of("/"),
        "subject": message.subject,
        "text": message.text,
        "notices": [_notice(line) for group in message.groups for line in group.lines],
        "more": message.more,
    }
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")


def _finding(line: Line, finding: Finding) -> dict[str, Any]:
    return {
        "kind": line.notice.kind,
        "name": line.notice.label,
        "severity": Harm(line.notice.stage).name.lower(),
        "check": finding.code,
        "cluster": finding.cluster.slug,
        "apiservice": finding.subject or None,
        "first_seen": finding.first_seen.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "said": line.said,
        "since": line.standing,
        "address": line.address,
    }


def _notice(line: Line) -> dict[str, Any]:
    notice, certificate = line.notice, line.notice.certificate
    late = notice.kind == SubjectKind.LIST and notice.stage == LATE
    if notice.finding is not None:
        return _finding(line, notice.finding)
    return {
        "kind": notice.kind,
        "name": notice.label,
        "ends_at": notice.ends_at.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "threshold_days": None if late else notice.stage,
        "said": line.said,
        "since": line.standing,
        "authority": notice.authority.slug if notice.authority else None,
        "serial": certificate.serial if certificate else None,
        "sha256": certificate.fingerprint_sha256 if certificate else None,
        "owner": certificate.owner if certificate else None,
        "address": line.address,
    }
