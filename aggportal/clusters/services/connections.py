"""Reaching a cluster: egress policy, sealed credentials, a test that says what works."""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from aggportal.clusters.models import AuthKind, Cluster, SealedConnection
from aggportal.kube.client import ApiClient, Identity, Timeouts, Version
from aggportal.kube.connections import (
    BearerToken,
    ClientCertificate,
    Connection,
    dump_connection,
    load_connection,
)
from aggportal.kube.egress import EgressPolicy
from aggportal.kube.errors import KubeError, PermissionDenied, TimedOut
from aggportal.kube.permissions import READ_RULES, WRITE_RULES, Access, AccessRule
from aggportal.vault.errors import CannotOpen
from aggportal.words import gettext_noop as _n

PURPOSE = "cluster-connection"
# A person waits for these: no exchange may take longer than 3.5 s.
WHILE_A_PERSON_WAITS = Timeouts(connect=2.0, total=3.5, listing=3.5)
# All questions of a test together.
TEST_SECONDS = 4.0

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a test of a connection found.

    `error` is what ended it early; `version` is None if nobody answered.
    """

    server: str
    version: Version | None = None
    identity: Identity | None = None
    reading: tuple[Access, ...] = ()
    writing: tuple[Access, ...] = ()
    error: KubeError | None = None

    @property
    def is_usable(self) -> bool:
        """An API server answered and takes us for somebody."""
        return self.error is None

    @property
    def may_read(self) -> bool:
        return bool(self.reading) and all(answer.allowed for answer in self.reading)

    @property
    def may_write(self) -> bool:
        return bool(self.writing) and all(answer.allowed for answer in self.writing)


def egress_policy() -> EgressPolicy:
    """Return where the settings let us connect to. ImproperlyConfigured names a wrong CIDR."""
    try:
        return _policy(tuple(settings.EGRESS_ALLOW), tuple(settings.EGRESS_DENY))
    except ValueError as exc:
        raise ImproperlyConfigured(f"AGGPORTAL_EGRESS_ALLOW or _DENY: {exc}") from exc


@lru_cache(maxsize=8)
def _policy(allow: Sequence[str], deny: Sequence[str]) -> EgressPolicy:
    return EgressPolicy(
        allowed=tuple(ipaddress.ip_network(text.strip()) for text in allow) or None,
        denied=tuple(ipaddress.ip_network(text.strip()) for text in deny),
    )


def auth_kind_of(connection: Connection) -> AuthKind:
    """Return how `connection` proves itself."""
    match connection.auth:
        case BearerToken():
            return AuthKind.TOKEN
        case ClientCertificate():
            return AuthKind.CERTIFICATE
    return AuthKind.SERVICE_ACCOUNT


def seal_connection(connection: Connection) -> SealedConnection:
    """Return an unsaved row with `connection` sealed, bound to the server's address."""
    row = SealedConnection(purpose=PURPOSE, binding=_binding(connection.server))
    row.seal(dump_connection(connection))
    return row


def open_connection(cluster: Cluster) -> Connection:
    """Return how `cluster` is reached: secrets, to be dropped soon. CannotOpen or NoKey."""
    connection = load_connection(cluster.sealed.open())
    if cluster.sealed.binding != _binding(connection.server) or connection.server != cluster.server:
        raise CannotOpen.changed()
    return connection


def client_for(cluster: Cluster, *, timeouts: Timeouts | None = None) -> ApiClient:
    """Return the door to `cluster`."""
    return ApiClient(open_connection(cluster), egress=egress_policy(), timeouts=timeouts)


def test_connection(connection: Connection) -> Report:
    """Ask the API server who it is, whom it takes us for, what we may do. Raises no KubeError."""
    interview = _Interview(connection)
    version = identity = None
    try:
        version = interview.ask(_version)
        reading = interview.ask_each(READ_RULES)
        writing = interview.ask_each(WRITE_RULES)
        identity = interview.ask(_identity)
    except KubeError as error:
        return Report(server=connection.server, version=version, identity=identity, error=error)
    return Report(
        server=connection.server,
        version=version,
        identity=identity,
        reading=reading,
        writing=writing,
    )


# pytest would take it for a test of its own where a test imports it.
test_connection.__test__ = False  # type: ignore[attr-defined]  # read by pytest alone


class _Interview:
    """Several questions to one server, which must all be answered within one deadline."""

    def __init__(self, connection: Connection) -> None:
        self.client = ApiClient(connection, egress=egress_policy(), timeouts=WHILE_A_PERSON_WAITS)
        self.deadline = time.monotonic() + TEST_SECONDS

    def ask(self, question: Callable[[ApiClient], Answer]) -> Answer:
        """Ask with what is left of the time."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimedOut(
                _n("The API server takes longer than %(seconds)d s to answer a few questions."),
                seconds=round(TEST_SECONDS),
            )
        usual = WHILE_A_PERSON_WAITS
        self.client.timeouts = replace(usual, total=min(usual.total, left))
        return question(self.client)

    def ask_each(self, rules: Sequence[AccessRule]) -> tuple[Access, ...]:
        """Ask for each of `rules` whether we may."""
        return tuple(self.ask(partial(_may, rule)) for rule in rules)


def _may(rule: AccessRule, client: ApiClient) -> Access:
    return client.can_i([rule])[0]


def _version(client: ApiClient) -> Version:
    try:
        return client.version()
    except PermissionDenied:
        return Version(git_version="", major="", minor="")


def _identity(client: ApiClient) -> Identity:
    try:
        return client.who_am_i()
    except PermissionDenied as refused:
        return Identity(username="", note=refused.sentence)


def _binding(server: str) -> str:
    return hashlib.sha256(server.encode()).hexdigest()
