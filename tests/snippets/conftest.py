"""The usual front proxy, stored: an authority and one good client certificate of it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from aggportal.clusters.services.clusters import connect_cluster
from aggportal.kube.connections import from_token
from tests.certs.makers import ANA
from tests.kube.tls import TestAuthority
from tests.snippets.applying_made import admin, api, api_server, applied, begun, prod
from tests.snippets.stored import made_authority, made_client, store_authority, store_certificate

__all__ = ["admin", "api", "api_server", "applied", "begun", "prod"]


@pytest.fixture(scope="module")
def ca():
    return made_authority()


@pytest.fixture
def authority(ca, db):
    return store_authority(ca)


@pytest.fixture
def certificate(ca, authority):
    return store_certificate(made_client(ca), authority)


@pytest.fixture
def flags(client_of, viewer):
    """Ask for the flags page, or only for its live parts."""
    client = client_of(viewer)

    def get(live=True, path="/flags/", **query):
        headers = {"HX-Request": "true"} if live else {}
        return client.get(path, query, headers=headers)

    return get


@pytest.fixture
def cluster(db):
    """A cluster `lab` that nobody answers for: these tests only read what is known of it."""
    connection = from_token(
        "https://127.0.0.1:6443", TestAuthority(common_name="kubernetes-ca").pem, "a-token-of-tests"
    )
    return connect_cluster("lab", connection, by=ANA, now=timezone.now())
