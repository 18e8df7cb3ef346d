"""An extension API server as somebody describes it, and the rules for its values.

The rules are those of the API for each place where a value lands, so that no object of the set is
refused half way; group, version and namespace have the rules of `kube.registering`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aggportal.kube.errors import InvalidInput, InvalidRegistrations
from aggportal.kube.registering import Registration, require_valid
from aggportal.words import gettext_noop as _n

OLDEST_MINOR, NEWEST_MINOR = 20, 37
LOWEST_PORT, MOST_REPLICAS = 1024, 20
MOST_RESOURCES, MOST_SOURCES = 50, 50
# Leaves room in 63 characters for the longest thing that is named after it.
LONGEST_NAME = 63 - len("-from-apiserver")
# Namespaces that Kubernetes makes itself: they are there, and no set may take them away with it.
PRESENT_NAMESPACES = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?", re.ASCII)
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
_RESOURCE = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
# distribution/reference: host and port, path, tag, digest.
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?:{_HOST}(?:\.{_HOST})*(?::[0-9]{{1,5}})?/)?{_PART}(?:/{_PART})*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?",
    re.ASCII,
)
_LONGEST_IMAGE = 400
# Python takes netmasks and zones too, Kubernetes neither.
_PREFIXED = re.compile(r"[0-9a-f:.]+/[0-9]{1,3}", re.ASCII | re.IGNORECASE)
_FIELD_OF = {"service_namespace": "namespace", "service_name": "name"}


class InvalidExtension(InvalidInput):
    """One value of the description breaks a rule; `field` names it."""

    code = "invalid-extension"


class InvalidExtensions(InvalidInput):
    """Several rules at once; `problems` holds one error per field."""

    code = "invalid-extension"

    def __init__(self, problems: Sequence[InvalidInput]) -> None:
        super().__init__(
            _n("%(count)d values need a correction."), field=problems[0].field, count=len(problems)
        )
        self.problems = tuple(problems)


@dataclass(frozen=True, kw_only=True, slots=True)
class Extension:
    """One extension API server. `name` names the Deployment, its Service and all around them.

    `port` is the container's; the Service listens on 443. `minor` is the minor version of
    Kubernetes 1.x that the set is for. `resources` are plural names for the view and edit roles,
    empty for all of the group. `sources` are networks in CIDR notation that may connect, empty for
    any. `flow_schema` asks for one that keeps its access reviews out of the crowd.
    """

    name: str
    namespace: str
    group: str
    version: str
    image: str
    port: int = 8443
    replicas: int = 2
    minor: int = NEWEST_MINOR
    cluster_domain: str = "cluster.local"
    resources: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    flow_schema: bool = False
    group_priority_minimum: int = 1000
    version_priority: int = 15

    @property
    def apiservice(self) -> str:
        return f"{self.version}.{self.group}"

    @property
    def secret(self) -> str:
        """The name of the Secret with the serving certificate."""
        return f"{self.name}-serving"

    @property
    def hosts(self) -> tuple[str, ...]:
        """What the serving certificate must name; kube-apiserver asks for the first alone."""
        base = f"{self.name}.{self.namespace}"
        return (f"{base}.svc", base, f"{base}.svc.{self.cluster_domain}")

    def registration(self, ca_pem: str = "") -> Registration:
        """What the APIService asks for; `ca_pem` is the caBundle."""
        return Registration(
            group=self.group,
            version=self.version,
            service_namespace=self.namespace,
            service_name=self.name,
            group_priority_minimum=self.group_priority_minimum,
            version_priority=self.version_priority,
            ca_bundle=ca_pem.encode("ascii", "replace") if ca_pem else None,
        )


def require_describable(extension: Extension) -> None:
    """Refuse what the API would refuse; `InvalidExtensions` names every field at once."""
    problems: list[InvalidInput] = []
    for check in _CHECKS:
        try:
            check(extension)
        except InvalidRegistrations as wrong:
            named = {problem.field for problem in problems}
            for problem in wrong.problems:
                problem.field = _FIELD_OF.get(problem.field, problem.field)
                problems += [problem] if problem.field not in named else []
        except InvalidExtension as problem:
            problems.append(problem)
    if problems:
        raise InvalidExtensions(problems)


def _check_name(extension: Extension) -> None:
    if len(extension.name) > LONGEST_NAME or not _NAME.fullmatch(extension.name):
        raise InvalidExtension(
            _n(
                "A name is one word of lower-case letters, digits and hyphens, begins with a "
                "letter and has at most %(most)d characters."
            ),
            field="name",
            most=LONGEST_NAME,
        )


def _check_registration(extension: Extension) -> None:
    require_valid(extension.registration())


def _check_image(extension: Extension) -> None:
    if len(extension.image) > _LONGEST_IMAGE or not _IMAGE.fullmatch(extension.image):
        raise InvalidExtension(
            _n("This names no image. It looks like registry.example.com/team/server:1.2.3."),
            field="image",
        )


def _check_domain(extension: Extension) -> None:
    # With the Service's names before it the whole must still fit into a DNS name.
    if len(extension.cluster_domain) > 120 or not _DOMAIN.fullmatch(extension.cluster_domain):
        raise InvalidExtension(
            _n("A cluster's domain is in lower case, as in cluster.local."), field="cluster_domain"
        )


def _check_port(extension: Extension) -> None:
    if not LOWEST_PORT <= extension.port <= 65535:
        raise InvalidExtension(
            _n("The server does not run as root, so its port is between %(least)d and 65535."),
            field="port",
            least=LOWEST_PORT,
        )


def _check_replicas(extension: Extension) -> None:
    _require_between(extension.replicas, 1, MOST_REPLICAS, field="replicas")


def _check_minor(extension: Extension) -> None:
    _require_between(extension.minor, OLDEST_MINOR, NEWEST_MINOR, field="minor")


def _check_resources(extension: Extension) -> None:
    wrong = [name for name in extension.resources if not _RESOURCE.fullmatch(name)]
    if wrong:
        raise InvalidExtension(
            _n("“%(name)s” names no resource. Give plural names in lower case, as in flunders."),
            field="resources",
            name=wrong[0][:80],
        )
    _require_between(len(extension.resources), 0, MOST_RESOURCES, field="resources")


def _check_sources(extension: Extension) -> None:
    for source in extension.sources:
        try:
            ipaddress.ip_network(source)
        except ValueError as exc:
            raise InvalidExtension(
                _n("“%(source)s” is no network. Write it as 10.0.0.0/16, its host bits zero."),
                field="sources",
                source=source[:80],
            ) from exc
        if not _PREFIXED.fullmatch(source):
            raise InvalidExtension(
                _n("“%(source)s” needs the length of its prefix as a number, as in 192.0.2.7/32."),
                field="sources",
                source=source[:80],
            )
    _require_between(len(extension.sources), 0, MOST_SOURCES, field="sources")


def _require_between(value: int, least: int, most: int, *, field: str) -> None:
    if not least <= value <= most:
        raise InvalidExtension(
            _n("This must be between %(least)d and %(most)d."), field=field, least=least, most=most
        )


_CHECKS: tuple[Callable[[Extension], None], ...] = (
    _check_name,
    _check_registration,
    _check_image,
    _check_domain,
    _check_port,
    _check_replicas,
    _check_minor,
    _check_resources,
    _check_sources,
)
