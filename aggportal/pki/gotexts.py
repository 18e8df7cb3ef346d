"""How Go reads e-mail addresses and URIs, as far as cfssl's classification of hosts depends on it.

Sources: net/mail ParseAddress, net/url ParseRequestURI and URL.String, of the Go that cfssl HEAD
builds with.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

_ATOM = r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u0080-\U0010ffff]+"
_DOT_ATOM = rf"{_ATOM}(?:\.{_ATOM})*"
_QUOTED = r'"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*"'
_ADDRESS = re.compile(rf"(?P<local>{_DOT_ATOM}|{_QUOTED})@(?P<domain>{_DOT_ATOM})")
MAX_MAIL_LENGTH = 1024

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*):(?P<rest>.*)", re.DOTALL)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(
    r"[A-Za-z0-9\-._~!$&'()*+,;=<>\"\u0080-\U0010ffff]*(?::\d*)?|\[[^\]%]*\](?::\d*)?"
)
_USERINFO = re.compile(r"[A-Za-z0-9\-._~$&+,;=]*(?::[A-Za-z0-9\-._~$&+,;=]*)?")
_PATH_KEPT = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@\[\]/]|%[0-9A-Fa-f]{2})*")
_PATH_PLAIN = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~$&+,/:;=@"
)


def go_mail_address(text: str) -> str | None:
    """Return the bare address when Go's net/mail takes `text` for one (`Ops <o@x.y>` gives
    `o@x.y`), else None.
    """
    stripped = text.strip(" \t")
    if "@" not in stripped or len(stripped) > MAX_MAIL_LENGTH:
        return None
    if stripped.endswith(">"):
        name, _, inner = stripped[:-1].rpartition("<")
        if not _is_phrase(name):
            return None
        stripped = inner
    match = _ADDRESS.fullmatch(stripped)
    if match is None:
        return None
    local = match["local"]
    if local.startswith('"'):
        local = re.sub(r"\\(.)", r"\1", local[1:-1])
    return f"{local}@{match['domain']}"


def _is_phrase(name: str) -> bool:
    """Tell whether `name` is a display name: atoms (dots allowed) and quoted strings, between
    blanks.
    """
    return re.fullmatch(rf"(?:[ \t]|{_QUOTED}|[.]|{_ATOM})*+", name) is not None


def go_request_uri(text: str) -> str | None:
    """Return `URL.String()` when Go's url.ParseRequestURI accepts `text`, else None."""
    if any(c < " " or c == "\x7f" for c in text) or not text:
        return None
    if text == "*":
        return text
    if text.startswith(":"):
        return None
    match = _SCHEME.fullmatch(text)
    scheme, rest = (match["scheme"].lower() + ":", match["rest"]) if match else ("", text)
    rest, mark, query = rest.partition("?")
    if not rest.startswith("/"):
        return scheme + rest + mark + query if scheme else None
    authority = ""
    if scheme and rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        rest = slash + path
        if not _is_authority(authority):
            return None
        authority = "//" + authority
    if _BAD_ESCAPE.search(rest):
        return None
    return scheme + authority + _escaped_path(rest) + mark + query


def _is_authority(authority: str) -> bool:
    userinfo, at, host = authority.rpartition("@")
    return (not at or _USERINFO.fullmatch(userinfo) is not None) and _HOST.fullmatch(
        host
    ) is not None


def _escaped_path(path: str) -> str:
    """Keep a path that is validly escaped; escape another one as Go does."""
    if _PATH_KEPT.fullmatch(path):
        return path
    return "".join(chr(b) if b in _PATH_PLAIN else f"%{b:02X}" for b in unquote_to_bytes(path))
