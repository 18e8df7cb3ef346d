"""The list of clusters, the test page, the role, settings, forgetting."""

from __future__ import annotations

import pytest
from django.utils import timezone

from aggportal.clusters.models import Cluster, ClusterState, SealedConnection
from aggportal.ledger.models import Entry


@pytest.fixture
def admin(administrator, client_of):
    return client_of(administrator)


def test_an_empty_list_says_what_to_do_next(admin, viewer, client_of):
    assert b"/clusters/new/" in admin.get("/clusters/").content
    assert b"/clusters/new/" not in client_of(viewer).get("/clusters/").content


def test_the_list_shows_each_cluster_with_its_state(viewer, client_of, cluster, leadership):
    now = timezone.now()
    ClusterState.objects.update(connected=True, heard_at=now, total=5, available=3)
    page = client_of(viewer).get("/clusters/").content.decode()
    assert "lab" in page
    assert "2 of 5 not available" in page


def test_a_stranger_sees_no_cluster(stranger, client_of, cluster):
    client = client_of(stranger)
    for path in ["", "lab/", "lab/table/", "lab/pulse/", "lab/role/"]:
        assert client.get(f"/clusters/{path}").status_code == 403, path


@pytest.mark.parametrize(
    "path", ["test/", "settings/", "delete/", "credentials/", "apiservices/new/"]
)
def test_a_viewer_changes_nothing(viewer, client_of, cluster, path):
    client = client_of(viewer)
    assert client.get(f"/clusters/lab/{path}").status_code == 403
    assert client.post(f"/clusters/lab/{path}").status_code in (403, 405)
    assert Cluster.objects.count() == 1


@pytest.mark.parametrize("path", ["", "lab/", "lab/table/", "lab/pulse/", "lab/role/", "lab/test/"])
def test_reading_pages_know_no_post(admin, cluster, path):
    assert admin.post(f"/clusters/{path}").status_code == 405


def test_an_unknown_cluster_is_not_found(admin, db):
    for path in ["", "table/", "pulse/", "test/", "settings/", "delete/", "role/"]:
        assert admin.get(f"/clusters/none/{path}").status_code == 404


def test_the_test_page_asks_only_when_told_to(admin, cluster, api_server):
    assert b"hx-trigger" in admin.get("/clusters/lab/test/").content
    assert api_server.asked == []


def test_the_test_page_says_what_is_missing(admin, cluster, fake_cluster):
    fake_cluster.refuses = {"watch", "create"}
    page = admin.get("/clusters/lab/test/?run=1").content.decode()
    assert "system:serviceaccount:aggportal:aggportal" in page
    assert "the portal cannot follow the cluster" in page
    assert "a-token-of-the-tests" not in page


def test_the_test_page_says_why_nobody_answers(admin, cluster, api_server):
    api_server.stop()
    page = admin.get("/clusters/lab/test/?run=1", headers={"HX-Request": "true"})
    assert "refuses the connection" in page.content.decode()
    assert "<html" not in page.content.decode()


def test_the_role_is_given_to_read_or_to_write_too(viewer, client_of, cluster):
    client = client_of(viewer)
    reading = client.get("/clusters/lab/role/")
    assert reading["Content-Disposition"] == 'attachment; filename="aggportal-lab.yaml"'
    assert b"delete" not in reading.content
    assert b"delete" in client.get("/clusters/lab/role/?write=yes").content


def test_a_cluster_gets_another_name_and_keeps_its_address(admin, cluster):
    response = admin.post("/clusters/lab/settings/", {"name": "Laboratory"})
    assert response.url == "/clusters/lab/"
    assert Cluster.objects.get().name == "Laboratory"
    assert Entry.objects.filter(action="cluster.changed").count() == 1


def test_an_empty_name_is_said_beside_its_field(admin, cluster):
    response = admin.post("/clusters/lab/settings/", {"name": " "})
    assert response.status_code == 422
    assert response.context["form"].errors["name"]


def test_forgetting_asks_for_the_name(admin, cluster):
    response = admin.post("/clusters/lab/delete/", {"confirm": "Lab"})
    assert response.status_code == 422
    assert Cluster.objects.count() == 1


def test_a_forgotten_cluster_leaves_no_credentials(admin, cluster):
    response = admin.post("/clusters/lab/delete/", {"confirm": "lab"})
    assert response.url == "/clusters/"
    assert (Cluster.objects.count(), SealedConnection.objects.count()) == (0, 0)
    assert Entry.objects.filter(action="cluster.deleted").count() == 1
    assert admin.post("/clusters/lab/delete/", {"confirm": "lab"}).status_code == 404


def test_the_reading_room_shows_clusters_without_credentials(admin, cluster):
    page = admin.get(f"/admin/clusters/cluster/{cluster.pk}/change/")
    assert page.status_code == 200
    assert str(cluster.sealed_id) not in page.content.decode()
    assert admin.get("/admin/clusters/cluster/add/").status_code == 403
