"""One line to a syslog server (RFC 5424; over TCP framed by RFC 6587 with its length)."""

from __future__ import annotations

import datetime as dt
import json

from aggportal.anchors.errors import NotAnchored
from aggportal.kube.egress import EgressPolicy, open_checked, open_datagrams, resolve_permitted
from aggportal.kube.servers import Server
from aggportal.words import gettext_noop as _n

PORT = 514
SECONDS = 3.0
# Facility 13 (log audit), severity 5 (notice).
_PRIORITY = 13 * 8 + 5


def line_of(note: str, *, now: dt.datetime) -> bytes:
    """Return the record: the note as a JSON string, since a record is one line."""
    when = now.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    text = json.dumps(note, ensure_ascii=True)
    return f"<{_PRIORITY}>1 {when} - aggportal - ledger-checkpoint - {text}".encode("ascii")


def send(line: bytes, host: str, port: int, *, tcp: bool, policy: EgressPolicy) -> None:
    """Send it to a checked address. Raises NotAnchored, or EgressDenied."""
    [address, *_rest] = resolve_permitted(
        Server(host=host, port=port), policy, deadline_seconds=SECONDS
    )
    framed = b"%d %s" % (len(line), line) if tcp else line
    try:
        with (
            open_checked((address,), port, seconds=SECONDS)
            if tcp
            else open_datagrams(address, port, seconds=SECONDS)
        ) as out:
            out.sendall(framed)
    except OSError as exc:
        raise NotAnchored(
            _n("%(host)s cannot be reached: %(why)s."),
            host=f"{host}:{port}",
            why=exc.strerror or str(exc) or "no answer",
        ) from exc
