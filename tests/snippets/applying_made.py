"""Fixtures around applying: an API server with memory, a cluster that leads to it, an account."""

from __future__ import annotations

import pytest
from django.utils import timezone

from aggportal.certs.models import Lane
from aggportal.clusters.models import ExtensionSet
from aggportal.clusters.services.clusters import connect_cluster
from aggportal.kube.connections import from_token
from aggportal.snippets.services.set_work import work_on
from tests.certs.makers import ANA, make_authority
from tests.kube.servers import ScriptedServer
from tests.kube.tls import TestAuthority
from tests.snippets.fake_api import FakeApi
from tests.snippets.studio_used import FILLED

URL = "/clusters/prod/extension/new/apply/"
TRY = {**FILLED, "do": "try"}
BEGIN = {**FILLED, "do": "apply", "confirm": "wardle"}


@pytest.fixture
def api():
    return FakeApi()


@pytest.fixture
def api_server(api):
    ca = TestAuthority()
    server = ScriptedServer(script=api, pair=ca.serving("127.0.0.1"))
    yield server, ca.pem
    server.stop()


@pytest.fixture
def prod(db, api_server):
    """A cluster `prod` that the fake API server answers for, and an authority for its servers."""
    make_authority("serving-ca", lane=Lane.SERVING, profiles=("extension-serving",))
    server, ca_pem = api_server
    connection = from_token(server.url, ca_pem, "a-token-of-the-tests")
    return connect_cluster("prod", connection, by=ANA, now=timezone.now())


@pytest.fixture
def admin(administrator, client_of, prod):
    return client_of(administrator)


@pytest.fixture
def begun(admin):
    """Begin to apply the set, with changes to what is filled in; the row."""

    def begin(**changes):
        response = admin.post(URL, {**BEGIN, **changes})
        assert response.status_code == 302, response.content.decode()
        return ExtensionSet.objects.get()

    return begin


@pytest.fixture
def applied(begun):
    """A set that is applied."""
    return go_on(begun())


def go_on(row):
    """Let the worker do what it can now."""
    work_on(row.pk)
    row.refresh_from_db()
    return row


def states(row):
    """How far each object is."""
    return {step.kind: step.state for step in row.steps.all()}
