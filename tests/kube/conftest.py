"""Fixtures for the Kubernetes core: an authority, scripted servers, clients with short patience."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from aggportal.kube.client import ApiClient, Timeouts
from aggportal.kube.connections import Auth, BearerToken, Connection
from aggportal.kube.egress import EgressPolicy
from tests.kube.servers import Script, ScriptedServer
from tests.kube.tls import TestAuthority

TOKEN = "the-secret-token"


@pytest.fixture(scope="session")
def authority() -> TestAuthority:
    return TestAuthority()


@pytest.fixture
def serve(authority: TestAuthority) -> Iterator[Callable[..., ScriptedServer]]:
    """Start a server with a script; all are stopped at the end."""
    servers: list[ScriptedServer] = []
    usual = authority.serving("127.0.0.1", "localhost", "kubernetes")

    def start(script: Script, **options: object) -> ScriptedServer:
        server = ScriptedServer(script=script, **{"pair": usual, **options})  # type: ignore[arg-type]
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def client_for(authority: TestAuthority) -> Callable[..., ApiClient]:
    """A client with a token that gives up after a second."""

    def make(url: str, auth: Auth | None = None, **options: object) -> ApiClient:
        connection = Connection(
            server=url, ca_pem=authority.pem, auth=auth or BearerToken(token=TOKEN)
        )
        timeouts = Timeouts(connect=0.7, total=1.0, listing=1.5)
        return ApiClient(connection, egress=EgressPolicy(), timeouts=timeouts, **options)  # type: ignore[arg-type]

    return make
