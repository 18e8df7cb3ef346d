"""Testing, sealing, storing and forgetting the way to a cluster."""

from __future__ import annotations

import datetime as dt
import time

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection as database
from django.utils import timezone

from aggportal.clusters.models import Cluster, ConnectionDraft, SealedConnection
from aggportal.clusters.services.clusters import (
    ClusterGone,
    NameTaken,
    connect_cluster,
    delete_cluster,
    rename_cluster,
    replace_credentials,
)
from aggportal.clusters.services.connections import (
    client_for,
    egress_policy,
    open_connection,
    test_connection,
)
from aggportal.clusters.services.drafts import DraftGone, keep_draft, open_draft
from aggportal.kube.connections import from_token
from aggportal.kube.errors import (
    EgressDenied,
    KubeError,
    NotKubernetes,
    TimedOut,
    TlsFailure,
    TooLarge,
    Unauthorized,
)
from aggportal.ledger.models import Entry
from aggportal.vault.errors import CannotOpen
from tests.clusters.conftest import ADA
from tests.kube.servers import answer, chunked
from tests.kube.tls import TestAuthority

NOW = timezone.now()
TOKEN = "a-token-of-the-tests"


def html(conn, asked):
    answer(conn, 200, "<html><script>alert(1)</script></html>", Content_Type="text/html")


def endless(conn, asked):
    send = chunked(conn)
    while True:
        send(b'{"gitVersion": "' + b"x" * 65536)


def never(conn, asked):
    time.sleep(30)


def test_a_test_says_who_we_are_and_what_we_may(connection):
    report = test_connection(connection)
    assert (report.error, report.is_usable, report.may_read, report.may_write) == (
        None,
        True,
        True,
        True,
    )
    assert report.version is not None
    assert report.version.git_version == "v1.31.4"
    assert report.identity is not None
    assert report.identity.username == "system:serviceaccount:aggportal:aggportal"


def test_a_test_names_the_permissions_that_are_missing(connection, fake_cluster):
    fake_cluster.refuses = {"watch", "create"}
    report = test_connection(connection)
    assert (report.is_usable, report.may_read, report.may_write) == (True, False, False)
    denied = [str(each.rule) for each in (*report.reading, *report.writing) if not each.allowed]
    assert denied == [
        "watch apiservices.apiregistration.k8s.io",
        "create apiservices.apiregistration.k8s.io",
    ]


@pytest.mark.parametrize(
    ("script", "error"),
    [(html, NotKubernetes), (endless, TooLarge), (never, TimedOut)],
    ids=["html", "endless", "never"],
)
def test_a_server_that_lies_is_found_out_within_four_seconds(serve, authority, script, error):
    begun = time.monotonic()
    report = test_connection(from_token(serve(script).url, authority.pem, TOKEN))
    assert isinstance(report.error, error)
    assert time.monotonic() - begun < 30
    assert report.version is None


def test_a_server_of_another_authority_does_not_see_the_token(api_server):
    stranger = TestAuthority(common_name="another-ca")
    report = test_connection(from_token(api_server.url, stranger.pem, TOKEN))
    assert isinstance(report.error, TlsFailure)
    assert api_server.asked == []


def test_a_token_that_is_not_accepted_is_said_so(fake_cluster, connection):
    fake_cluster.token = "another"
    report = test_connection(connection)
    assert isinstance(report.error, Unauthorized)
    assert TOKEN not in str(report.error)


def test_an_address_that_the_settings_deny_is_not_connected_to(connection, api_server, settings):
    settings.EGRESS_DENY = ["127.0.0.0/8"]
    report = test_connection(connection)
    assert isinstance(report.error, EgressDenied)
    assert api_server.connections == 0


def test_a_wrong_network_in_the_settings_is_named(settings):
    settings.EGRESS_ALLOW = ["10.0.0.0/33"]
    with pytest.raises(ImproperlyConfigured, match=r"10\.0\.0\.0/33"):
        egress_policy()


def test_a_connected_cluster_is_stored_sealed_and_told_to_the_ledger(cluster, connection):
    assert (cluster.slug, cluster.auth_kind, cluster.state.version) == ("lab", "token", 0)
    assert open_connection(cluster) == connection
    entry = Entry.objects.get(action="cluster.connected")
    assert entry.detail == {"server": connection.server, "auth_kind": "token"}


def test_a_copy_of_the_database_holds_no_credentials(cluster, administrator):
    keep_draft({"kubeconfig": f"token: {TOKEN}"}, user=administrator, session="s", now=NOW)
    stored = b""
    with database.cursor() as cursor:
        for table in database.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - our own tables
            for row in cursor.fetchall():
                stored += b"|".join(
                    bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in row
                )
    assert b"lab" in stored
    assert TOKEN.encode() not in stored


def test_credentials_moved_under_another_server_do_not_open(cluster, connection):
    Cluster.objects.update(server="https://203.0.113.9")
    with pytest.raises(CannotOpen):
        client_for(Cluster.objects.get())


def test_two_clusters_cannot_have_one_name(cluster, connection):
    with pytest.raises(NameTaken):
        connect_cluster("LAB", connection, by=ADA, now=NOW)
    assert (Cluster.objects.count(), SealedConnection.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("name", "slug"), [("new", "new-2"), ("Prod Shanghai", "prod-shanghai"), ("上海", "cluster")]
)
def test_every_name_gets_an_address(db, connection, name, slug):
    assert connect_cluster(name, connection, by=ADA, now=NOW).slug == slug


def test_a_renamed_cluster_keeps_its_address(cluster):
    rename_cluster(cluster, "prod", by=ADA, now=NOW)
    cluster.refresh_from_db()
    assert (cluster.name, cluster.slug) == ("prod", "lab")
    assert Entry.objects.filter(action="cluster.changed").count() == 1


def test_replaced_credentials_leave_no_old_ones_behind(cluster, connection):
    other = from_token(connection.server, connection.ca_pem, "another-token")
    replace_credentials(cluster, other, by=ADA, now=NOW)
    assert open_connection(Cluster.objects.get()) == other
    assert SealedConnection.objects.count() == 1


def test_a_deleted_cluster_leaves_nothing_but_its_records(cluster):
    delete_cluster(cluster, by=ADA, now=NOW)
    assert (Cluster.objects.count(), SealedConnection.objects.count()) == (0, 0)
    assert Entry.objects.filter(action="cluster.deleted").exists()


def test_a_draft_opens_for_its_person_and_session_alone(administrator, issuer):
    pk = keep_draft({"token": TOKEN}, user=administrator, session="s", now=NOW)
    assert open_draft(pk, user=administrator, session="s", now=NOW) == {"token": TOKEN}
    for user, session in ((issuer, "s"), (administrator, "t")):
        with pytest.raises(DraftGone):
            open_draft(pk, user=user, session=session, now=NOW)


def test_a_draft_is_gone_after_a_quarter_of_an_hour(administrator):
    pk = keep_draft({"token": TOKEN}, user=administrator, session="s", now=NOW)
    late = NOW + dt.timedelta(minutes=15)
    with pytest.raises(DraftGone):
        open_draft(pk, user=administrator, session="s", now=late)


def test_a_person_keeps_ten_drafts_at_most(administrator):
    for _ in range(14):
        keep_draft({"token": TOKEN}, user=administrator, session="s", now=NOW)
    assert ConnectionDraft.objects.count() == 10


def test_what_goes_wrong_is_always_an_error_with_words(serve, authority):
    closed = serve(html)
    closed.stop()
    report = test_connection(from_token(closed.url, authority.pem, TOKEN))
    assert isinstance(report.error, KubeError)
    assert report.error.remedy is not None


def test_a_server_that_answers_ever_so_slowly_is_given_up_within_five_seconds(serve, authority):
    def slow(conn, asked):
        time.sleep(1.5)
        answer(conn, 200, {"gitVersion": "v1.31.4", "status": {"allowed": True}})

    begun = time.monotonic()
    report = test_connection(from_token(serve(slow).url, authority.pem, TOKEN))
    assert isinstance(report.error, TimedOut)
    assert time.monotonic() - begun < 30


def test_of_two_who_replace_credentials_at_once_neither_leaves_any_behind(cluster, connection):
    first, second = Cluster.objects.get(), Cluster.objects.get()
    replace_credentials(first, connection, by=ADA, now=NOW)
    replace_credentials(second, connection, by=ADA, now=NOW)
    assert SealedConnection.objects.count() == 1
    delete_cluster(first, by=ADA, now=NOW)
    assert SealedConnection.objects.count() == 0


def test_what_is_done_to_a_cluster_that_another_forgot_is_refused_in_words(cluster, connection):
    late = Cluster.objects.get()
    delete_cluster(cluster, by=ADA, now=NOW)
    with pytest.raises(ClusterGone, match="forgotten"):
        replace_credentials(late, connection, by=ADA, now=NOW)
    with pytest.raises(ClusterGone):
        rename_cluster(late, "prod", by=ADA, now=NOW)
    with pytest.raises(ClusterGone):
        delete_cluster(late, by=ADA, now=NOW)
    assert SealedConnection.objects.count() == 0
