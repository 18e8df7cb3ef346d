"""The pages of a rotation: who may, what is refused, what is shown, what leaves."""

from __future__ import annotations

import io
import tarfile

import pytest
from django.urls import reverse
from django.utils import timezone

from aggportal.certs.models import Certificate, Lane
from aggportal.clusters.models import Rotation, RotationStep
from aggportal.clusters.services.rotation_watch import watch_rotation
from aggportal.ledger.models import Entry
from tests.certs.makers import make_authority, make_certificate
from tests.clusters.rotating_cluster import RotatingCluster, pem_of
from tests.clusters.test_rotating import NAMES, PAIR, begun, do, on, step_of, to_drop, to_pair

pytestmark = pytest.mark.django_db(transaction=True)
HOSTILE = '<script>alert("\u202e")</script>'


@pytest.fixture
def fake_cluster():
    fake = RotatingCluster()
    yield fake
    fake.end_watches()


@pytest.fixture
def old(fake_cluster, db):
    made = make_authority("front-proxy-ca", lane=Lane.FRONT_PROXY)
    fake_cluster.file = pem_of(made)
    fake_cluster.publish()
    return made


@pytest.fixture
def chief(client_of, administrator):
    return client_of(administrator)


def address(name, rotation, *more):
    return reverse(f"clusters:rotation_{name}", args=[rotation.cluster.slug, rotation.pk, *more])


def send(client, name, rotation, **data):
    return client.post(address(name, rotation), {"step": step_of(rotation).pk, **data})


def begin_at(client, cluster, **data):
    return client.post(reverse("clusters:rotation_new", args=[cluster.slug]), data)


def test_an_administrator_begins_and_sees_the_first_step(chief, cluster, old):
    assert begin_at(chief, cluster).status_code == 302
    rotation = Rotation.objects.get()
    page = chief.get(rotation.get_absolute_url()).content.decode()
    assert "Make the new authority" in page
    assert 'value="front-proxy-ca-2"' in page


@pytest.mark.parametrize("name", ["do", "seen", "on", "override", "back", "stop"])
def test_nobody_but_an_administrator_moves_it(client_of, viewer, issuer, cluster, old, name):
    rotation = begun(cluster)
    for person in (viewer, issuer):
        assert send(client_of(person), name, rotation).status_code == 403
    assert begin_at(client_of(issuer), cluster).status_code == 403
    assert RotationStep.objects.count() == 1


def test_a_viewer_reads_and_is_offered_nothing(client_of, viewer, cluster, old):
    rotation = begun(cluster)
    page = client_of(viewer).get(rotation.get_absolute_url()).content.decode()
    assert "Make the new authority" in page
    assert "/on/" not in page
    listed = client_of(viewer).get(reverse("clusters:rotation_list", args=[cluster.slug]))
    assert "under way" in listed.content.decode()


def test_a_second_begin_is_refused_beside_the_form(chief, cluster, old):
    begun(cluster)
    answer = begin_at(chief, cluster)
    assert answer.status_code == 409
    assert "being rotated in this cluster already" in answer.content.decode()


def test_a_cluster_that_does_not_answer_is_told_in_words(chief, cluster, fake_cluster, old):
    fake_cluster.token = "another"
    answer = begin_at(chief, cluster)
    assert answer.status_code == 422
    assert Rotation.objects.count() == 0


def test_an_unknown_kind_is_no_page(chief, cluster):
    address = reverse("clusters:rotation_new", args=[cluster.slug])
    assert chief.get(address, {"kind": HOSTILE}).status_code == 404


def test_the_deed_says_beside_the_field_what_is_wrong(chief, cluster, fake_cluster, old):
    rotation = begun(cluster)
    answer = send(chief, "do", rotation, label="x\u202e", common_name="")
    assert answer.status_code == 422
    assert "cannot be seen" in answer.content.decode()
    to = to_pair_of(rotation, fake_cluster, old)
    answer = send(chief, "do", to, **{**PAIR, "common_name": "somebody"})
    assert answer.status_code == 422
    assert "accepts only these names" in answer.content.decode()


def to_pair_of(rotation, fake_cluster, old):
    do(rotation, NAMES)
    on(rotation)
    fake_cluster.install(pem_of(old, Rotation.objects.get().new_authority))
    on(rotation)
    return rotation


def test_going_on_without_proof_is_a_conflict_in_words(chief, cluster, old):
    rotation = begun(cluster)
    answer = send(chief, "on", rotation)
    assert answer.status_code == 409
    assert "The proof is missing" in answer.content.decode()


def test_to_pass_without_proof_reason_and_name_are_typed(chief, cluster, old):
    rotation = begun(cluster)
    assert chief.get(address("override", rotation)).status_code == 200
    assert send(chief, "override", rotation, reason="", confirm="lab").status_code == 422
    assert send(chief, "override", rotation, reason="x", confirm="Lab").status_code == 422
    assert send(chief, "override", rotation, reason=HOSTILE[:8], confirm="lab").status_code == 302
    page = chief.get(rotation.get_absolute_url()).content.decode()
    assert "passed without proof" in page
    assert "<script>a" not in page


def test_the_configmap_is_deleted_only_where_its_name_is_typed(chief, cluster, fake_cluster, old):
    rotation = to_drop(cluster, fake_cluster, old)
    assert send(chief, "do", rotation, confirm="yes").status_code == 422
    assert fake_cluster.deleted == []
    name = "extension-apiserver-authentication"
    assert send(chief, "do", rotation, confirm=name).status_code == 302
    assert fake_cluster.deleted == ["uid-1"]


@pytest.mark.parametrize("step", ["", "x", "0", "9" * 40, "\u0661"])
def test_a_step_that_is_none_is_a_conflict(chief, cluster, old, step):
    rotation = begun(cluster)
    for name in ("do", "seen", "on", "back"):
        assert chief.post(address(name, rotation), {"step": step}).status_code == 409


def test_back_and_stop_ask_first_and_say_what_stays(chief, cluster, fake_cluster, old):
    rotation = to_pair(cluster, fake_cluster, old)
    assert "put the old one back" in chief.get(address("back", rotation)).content.decode()
    assert send(chief, "back", rotation).status_code == 302
    assert step_of(rotation).key == "overlap"
    assert chief.get(address("stop", rotation)).status_code == 200
    assert send(chief, "stop", rotation, why="tomorrow").status_code == 302
    page = chief.get(rotation.get_absolute_url()).content.decode()
    assert "stopped here" in page
    assert "tomorrow" in page


def test_ended_rotations_answer_every_address(chief, cluster, old):
    rotation = begun(cluster)
    send(chief, "stop", rotation)
    for name in ("override", "back", "stop"):
        assert chief.get(address(name, rotation)).status_code == 302
    row = rotation.steps.get().pk
    for name in ("do", "on", "seen", "back"):
        assert chief.post(address(name, rotation), {"step": row}).status_code == 409


def test_the_page_asks_for_what_is_newer_alone(client_of, viewer, cluster, old):
    rotation, client = begun(cluster), client_of(viewer)
    watch_rotation(rotation.pk, now=timezone.now())
    rotation.refresh_from_db()
    frame = f"{step_of(rotation).pk}-None-None"
    asked = {"was": rotation.version, "frame": frame}
    assert client.get(address("board", rotation), asked).status_code == 204
    older = client.get(address("board", rotation), {"was": "0", "frame": frame})
    assert "not made yet" in older.content.decode()
    moved = client.get(address("board", rotation), {"was": "0", "frame": "another"})
    assert moved.headers["HX-Refresh"] == "true"


def test_what_would_change_comes_with_the_proof(client_of, viewer, cluster, old):
    rotation, client = begun(cluster), client_of(viewer)
    watch_rotation(rotation.pk, now=timezone.now())
    rotation.refresh_from_db()
    asked = {"was": rotation.version, "frame": f"{step_of(rotation).pk}-None-None"}
    RotationStep.objects.update(facts={"diffs": [["v1.demo.example.com", "+caBundle: both"]]})
    assert client.get(address("board", rotation), asked).status_code == 204
    board = client.get(address("board", rotation), {**asked, "was": "0"}).content.decode()
    assert "+caBundle: both" in board
    assert "What would change in v1.demo.example.com" in board


def test_the_file_with_both_cas_is_for_every_reader(client_of, viewer, cluster, old):
    rotation = begun(cluster)
    do(rotation, NAMES)
    on(rotation)
    client = client_of(viewer)
    body = client.get(address("file", rotation, "ca")).content.decode()
    assert body == pem_of(old, Rotation.objects.get().new_authority)
    packed = client.get(address("file", rotation, "ca-archive")).content
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        assert set(tar.getnames()) == {"front-proxy-ca.pem", "install.sh", "SHA256SUMS"}
    assert client.get(address("file", rotation, "pair")).status_code == 404


def test_the_new_key_leaves_to_an_issuer_after_the_ledger_has_it(
    client_of, viewer, issuer, cluster, fake_cluster, old
):
    rotation = to_pair(cluster, fake_cluster, old)
    do(rotation, PAIR)
    place = address("file", rotation, "pair")
    assert client_of(viewer).post(place).status_code == 403
    assert client_of(issuer).get(place).status_code == 405
    packed = client_of(issuer).post(place).content
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        assert "front-proxy-client-key.pem" in tar.getnames()
    assert Entry.objects.filter(action="certificate.key_taken").count() == 1


def test_what_still_hangs_on_the_old_ca_is_told_before_it_goes(chief, cluster, fake_cluster, old):
    make_certificate(old, "another-proxy")
    rotation = to_pair(cluster, fake_cluster, old)
    do(rotation, PAIR)
    on(rotation)
    on(rotation)
    page = chief.get(rotation.get_absolute_url()).content.decode()
    assert "another-proxy" in page
    assert Certificate.objects.filter(common_name="another-proxy").exists()


def test_hostile_text_of_a_cluster_is_shown_and_not_run(chief, cluster, fake_cluster, old):
    nodes = [{"metadata": {"name": HOSTILE}}]
    fake_cluster.objects["/api/v1/nodes"] = {"metadata": {}, "items": nodes}
    rotation = begun(cluster)
    do(rotation, NAMES)
    on(rotation)
    watch_rotation(rotation.pk, now=timezone.now())
    page = chief.get(rotation.get_absolute_url()).content.decode()
    assert "<script>alert" not in page
    assert "\u202e" not in page
