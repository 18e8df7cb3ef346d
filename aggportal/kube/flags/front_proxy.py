"""What kube-apiserver is told about its front proxy, the aggregator.

The aggregator sends fixed headers; the flags say which headers, and whose certificate, the API
servers behind it accept. All of these flags are empty by default, and list flags given twice
accumulate: each is rendered exactly once. Sources: k8s.io/apiserver `options/authentication.go`,
kube-apiserver's `--help`, client-go's `pflag` string slices.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from aggportal.kube.flags.errors import InvalidHeader, InvalidName, UnsafePath
from aggportal.words import gettext_noop as _n

DEFAULT_DIRECTORY = "/etc/kubernetes/ssl"
USERNAME_HEADER = "X-Remote-User"
GROUP_HEADER = "X-Remote-Group"
EXTRA_PREFIX = "X-Remote-Extra-"
UID_HEADER = "X-Remote-Uid"
# RemoteRequestHeaderUID is on from 1.33; 1.32 knows the flag behind a feature gate, older servers
# refuse to start.
UID_SINCE_MINOR = 33

_LONGEST_NAME = 256
_MOST_NAMES = 100
_LONGEST_PATH = 1024
_SEGMENT = re.compile(r"[A-Za-z0-9._+@=][A-Za-z0-9._+@=-]*", re.ASCII)
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}", re.ASCII)
# Folders that belong to the system: a volume over one of them would hide it from the container.
_SYSTEM = frozenset(
    f"/{name}"
    for name in (
        *("", "bin", "boot", "dev", "etc", "lib", "lib64", "proc", "run", "sbin", "sys", "tmp"),
        *("usr", "var"),
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Flag:
    """One flag of kube-apiserver, without its dashes, and its value, unquoted."""

    name: str
    value: str

    @property
    def argument(self) -> str:
        """The flag as one argument of a program: `--name=value`."""
        return f"--{self.name}={self.value}"


@dataclass(frozen=True, kw_only=True, slots=True)
class FrontProxy:
    """The front proxy's files on a master, the names and the headers that are trusted.

    The three files are base names in `directory`, or absolute paths. `allowed_names` are the common
    names that may act as the front proxy; an empty list would let every certificate of that CA be
    any user, so it is refused. `aggregator_routing` is True where kube-proxy does not run on the
    masters: the aggregator then dials endpoints itself. `uid_headers` needs Kubernetes 1.33. Raises
    a `FlagsError` that names the field.
    """

    client_ca_file: str
    proxy_client_cert_file: str
    proxy_client_key_file: str
    allowed_names: tuple[str, ...]
    username_headers: tuple[str, ...] = (USERNAME_HEADER,)
    group_headers: tuple[str, ...] = (GROUP_HEADER,)
    extra_headers_prefixes: tuple[str, ...] = (EXTRA_PREFIX,)
    uid_headers: tuple[str, ...] = ()
    aggregator_routing: bool = False
    directory: str = DEFAULT_DIRECTORY

    def __post_init__(self) -> None:
        require_directory(self.directory)
        for field in ("client_ca_file", "proxy_client_cert_file", "proxy_client_key_file"):
            require_file(getattr(self, field), field=field)
        require_distinct_files(self.paths)
        require_names(self.allowed_names)
        require_headers(self.username_headers, sent=USERNAME_HEADER, field="username_headers")
        require_headers(self.group_headers, sent=GROUP_HEADER, field="group_headers")
        require_headers(
            self.extra_headers_prefixes, sent=EXTRA_PREFIX, field="extra_headers_prefixes"
        )
        if self.uid_headers:
            require_headers(self.uid_headers, sent=UID_HEADER, field="uid_headers")

    @property
    def ca_path(self) -> str:
        """Absolute path of the front-proxy CA's certificate."""
        return posixpath.join(self.directory, self.client_ca_file)

    @property
    def certificate_path(self) -> str:
        """Absolute path of the proxy client certificate."""
        return posixpath.join(self.directory, self.proxy_client_cert_file)

    @property
    def key_path(self) -> str:
        """Absolute path of the proxy client certificate's key."""
        return posixpath.join(self.directory, self.proxy_client_key_file)

    @property
    def paths(self) -> tuple[str, str, str]:
        """CA, certificate and key, absolute."""
        return (self.ca_path, self.certificate_path, self.key_path)

    @property
    def directories(self) -> tuple[str, ...]:
        """Every folder that holds one of the files, once each, in the files' order."""
        return tuple(dict.fromkeys(posixpath.dirname(path) for path in self.paths))

    @property
    def flags(self) -> tuple[Flag, ...]:
        """The flags in a fixed order, each exactly once; empty ones are left out."""
        values = {
            "requestheader-client-ca-file": self.ca_path,
            "requestheader-allowed-names": comma_separated(self.allowed_names),
            "requestheader-extra-headers-prefix": comma_separated(self.extra_headers_prefixes),
            "requestheader-group-headers": comma_separated(self.group_headers),
            "requestheader-username-headers": comma_separated(self.username_headers),
            "requestheader-uid-headers": comma_separated(self.uid_headers),
            "proxy-client-cert-file": self.certificate_path,
            "proxy-client-key-file": self.key_path,
            "enable-aggregator-routing": "true" if self.aggregator_routing else "",
        }
        return tuple(Flag(name=name, value=value) for name, value in values.items() if value)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The flags as arguments of a program, unquoted."""
        return tuple(flag.argument for flag in self.flags)


def comma_separated(values: tuple[str, ...]) -> str:
    """Join `values` as a pflag string slice reads them: one line of CSV (RFC 4180)."""
    return ",".join(_csv_field(value) for value in values)


def _csv_field(value: str) -> str:
    if "," in value or '"' in value:
        return '"' + value.replace('"', '""') + '"'
    return value


def require_directory(directory: str) -> None:
    """Refuse a folder that is not absolute, not plain, or the system's own."""
    require_absolute(directory, field="directory")
    if directory in _SYSTEM:
        text = _n(
            "%(path)s belongs to the system. Choose a folder of its own, so that its rights can be "
            "narrow and a volume over it hides nothing, for example /etc/kubernetes/ssl."
        )
        raise UnsafePath(text, field="directory", path=directory)


def require_file(name: str, *, field: str) -> None:
    """Refuse what is neither a plain base name nor an absolute path in a folder of its own."""
    if name.startswith("/"):
        require_absolute(name, field=field)
        if posixpath.dirname(name) not in _SYSTEM:
            return
    elif _plain_segment(name):
        return
    text = _n(
        "%(name)s cannot be the file's name. Write a name of letters, digits and . _ + @ = -, or "
        "an absolute path in a folder of its own."
    )
    raise UnsafePath(text, field=field, name=name)


def require_absolute(path: str, *, field: str) -> None:
    """Refuse what is not absolute and normal, or holds more than letters, digits, . _ + @ = -."""
    if len(path) > _LONGEST_PATH:
        text = _n("The path has %(count)d characters; %(most)d are enough.")
        raise UnsafePath(text, field=field, count=len(path), most=_LONGEST_PATH)
    if not path.startswith("/"):
        text = _n(
            "%(path)s is not an absolute path. kube-apiserver is started from a folder that nobody "
            "can tell, so begin with a slash, for example /etc/kubernetes/ssl."
        )
        raise UnsafePath(text, field=field, path=path)
    if path != "/" and not all(_plain_segment(part) for part in path[1:].split("/")):
        text = _n(
            "%(path)s cannot be used: the same path goes into a root shell, a systemd unit and "
            "manifests. Use letters, digits and . _ + @ = - between single slashes, without a "
            "slash at the end and without .. in it."
        )
        raise UnsafePath(text, field=field, path=path)


def require_distinct_files(paths: tuple[str, ...]) -> None:
    """Refuse two of the three files under one path: one would overwrite the other."""
    if len(set(paths)) < len(paths):
        text = _n(
            "CA, certificate and key need three different files, but two of them are the same: "
            "%(paths)s."
        )
        raise UnsafePath(text, field="proxy_client_cert_file", paths=", ".join(paths))


def require_names(names: tuple[str, ...]) -> None:
    """Refuse an empty list, and a name that is empty, too long, not printable or there twice."""
    if not names:
        text = _n(
            "No name is allowed yet. With an empty list every certificate of this CA could act as "
            "the front proxy, and so be any user. Write the common name of the proxy client "
            "certificate."
        )
        raise InvalidName(text, field="allowed_names")
    if len(names) > _MOST_NAMES:
        text = _n("%(count)d names are too many; at most %(most)d are read.")
        raise InvalidName(text, field="allowed_names", count=len(names), most=_MOST_NAMES)
    for name in names:
        _require_name(name, names=names)


def _require_name(name: str, *, names: tuple[str, ...]) -> None:
    if not name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        text = _n(
            "“%(name)s” cannot be a common name here: it is empty, longer than %(most)d "
            "characters, or holds characters that cannot be seen. They would be compared letter by "
            "letter, and nobody could tell why they differ."
        )
        raise InvalidName(text, field="allowed_names", name=name, most=_LONGEST_NAME)
    if names.count(name) > 1:
        text = _n("“%(name)s” is there twice. Once is enough.")
        raise InvalidName(text, field="allowed_names", name=name)


def require_headers(headers: tuple[str, ...], *, sent: str, field: str) -> None:
    """Refuse what is no name of an HTTP header, and a list without `sent` (the aggregator's)."""
    for header in headers:
        if not _HEADER.fullmatch(header):
            text = _n(
                "“%(header)s” cannot be the name of an HTTP header: use letters, digits and "
                "hyphens."
            )
            raise InvalidHeader(text, field=field, header=header)
    if sent.lower() not in (header.lower() for header in headers):
        text = _n(
            "%(sent)s is missing. The aggregator always sends this header; without it here the API "
            "servers behind it would not know who asks."
        )
        raise InvalidHeader(text, field=field, sent=sent)


def _plain_segment(part: str) -> bool:
    return part not in (".", "..") and _SEGMENT.fullmatch(part) is not None
