"""Fixtures around clusters: a fake one behind real TLS, and a row that leads to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.utils import timezone

from aggportal.clusters.models import Cluster
from aggportal.clusters.services.clusters import connect_cluster
from aggportal.clusters.services.leadership import Leadership, lead
from aggportal.kube.connections import Connection, from_token
from aggportal.web.actors import Actor
from tests.clusters.fake_cluster import FakeCluster
from tests.kube.conftest import authority, serve
from tests.kube.servers import ScriptedServer
from tests.kube.tls import TestAuthority

__all__ = ["authority", "serve"]

ADA = Actor(id=None, name="ada", address="192.0.2.1")


@pytest.fixture
def fake_cluster() -> Iterator[FakeCluster]:
    """What the API server knows; `api_server` serves it."""
    fake = FakeCluster()
    yield fake
    fake.end_watches()


@pytest.fixture
def api_server(serve: Callable[..., ScriptedServer], fake_cluster: FakeCluster) -> ScriptedServer:
    """The fake cluster on a port of loopback."""
    return serve(fake_cluster)


@pytest.fixture
def connection(api_server: ScriptedServer, authority: TestAuthority) -> Connection:
    """How the fake cluster is reached."""
    return from_token(api_server.url, authority.pem, "a-token-of-the-tests")


@pytest.fixture
def cluster(db: None, connection: Connection) -> Cluster:
    """A connected cluster `lab` that leads to the fake one."""
    return connect_cluster("lab", connection, by=ADA, now=timezone.now())


@pytest.fixture
def leadership(db: None) -> Leadership:
    """We lead."""
    held = lead("the-tests", now=timezone.now())
    assert held is not None
    return held
