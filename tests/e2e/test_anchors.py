"""A checkpoint kept in a ConfigMap of a real cluster."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from aggportal.anchors.errors import NotAnchored
from aggportal.anchors.sinks import parse_sink
from aggportal.clusters.models import Cluster
from aggportal.clusters.services.connections import auth_kind_of, seal_connection
from aggportal.kube.errors import PermissionDenied
from aggportal.ledger.checkpointing import make_checkpoint
from aggportal.ledger.offline import notes_in
from tests.ledger.written import write

pytestmark = [pytest.mark.e2e, pytest.mark.django_db]
NOW = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
CONFIG_MAPS = "/api/v1/namespaces/witness/configmaps"


def connect(slug: str, connection) -> None:
    sealed = seal_connection(connection)
    sealed.save()
    Cluster.objects.create(
        slug=slug,
        name=slug,
        server=connection.server,
        auth_kind=auth_kind_of(connection),
        sealed=sealed,
        created_at=NOW,
        created_by="ada",
    )


def note_of(count: int) -> str:
    write(count)
    made = make_checkpoint(now=timezone.now(), at_once=True)
    assert made is not None
    return made.note


def test_the_newest_checkpoints_stand_in_it(control_plane):
    connect("witness", control_plane.connection())
    control_plane.ensure_namespace("witness")
    sink = parse_sink("configmap:witness/witness/aggportal-ledger")
    with pytest.raises(NotAnchored, match="create it"):
        sink.take(note_of(2), now=NOW)
    named = {"metadata": {"name": "aggportal-ledger"}}
    control_plane.client().create(CONFIG_MAPS, {"apiVersion": "v1", "kind": "ConfigMap"} | named)
    for count in (1, 3):
        sink.take(note_of(count), now=NOW)
    kept = control_plane.client().get_json(f"{CONFIG_MAPS}/aggportal-ledger")
    assert [note.size for note in notes_in(kept["data"]["checkpoints"])] == [3, 6]


def test_an_account_that_may_not_is_told_so(control_plane):
    connect("strangers", control_plane.connection(control_plane.authority.client("nobody")))
    with pytest.raises(PermissionDenied):
        parse_sink("configmap:strangers/witness/aggportal-ledger").take(note_of(1), now=NOW)
