"""Repairing a caBundle: what stands stays unless unticked, tried, confirmed, patched, told."""

from __future__ import annotations

import base64
import re

import pytest
from cryptography.hazmat.primitives import hashes
from django.utils import timezone

from aggportal.certs.models import Lane
from aggportal.clusters.services.snapshots import write_snapshot
from aggportal.kube.watching import Snapshot
from aggportal.ledger.models import Entry, Outcome
from tests.certs.makers import make_authority
from tests.clusters.fake_cluster import local_apiservice, raw_apiservice
from tests.kube.tls import TestAuthority

NAME = "v1.demo.example.com"
URL = f"/clusters/lab/apiservices/{NAME}/bundle/"


@pytest.fixture
def admin(administrator, client_of, cluster):
    return client_of(administrator)


@pytest.fixture
def ours(db):
    return make_authority("serving-ca", lane=Lane.SERVING)


@pytest.fixture
def old():
    return TestAuthority(common_name="old-ca")


@pytest.fixture
def see(cluster, leadership, fake_cluster):
    """The cluster holds these, and the worker has seen them."""

    def write(*raws):
        kept = {raw["metadata"]["name"]: fake_cluster.put(raw) for raw in raws}
        snapshot = Snapshot(
            items=kept,
            synced_at=timezone.now(),
            changed=frozenset(kept),
            resource_version="1",
            relisted=True,
        )
        write_snapshot(cluster, snapshot, leadership=leadership, now=timezone.now())

    return write


@pytest.fixture
def wrong(see, old):
    """The APIService has the caBundle of another authority."""
    see(raw_apiservice(NAME, caBundle=encoded(old.pem)))


def encoded(pem):
    return base64.b64encode(pem.encode()).decode()


def sha(authority):
    return authority.certificate.fingerprint(hashes.SHA256()).hex()


def tried(client, **values):
    """What the page of the trial says, and the mark that it gives back."""
    page = client.post(URL, {"do": "try", **values})
    text = page.content.decode()
    found = re.search(r'name="seen" value="([0-9a-f]+)"', text)
    return page, text, found[1] if found else ""


def apply(client, seen, *, confirm=NAME, **values):
    return client.post(URL, {"do": "apply", "seen": seen, "confirm": confirm, **values})


def live(fake_cluster):
    return base64.b64decode(fake_cluster.items[NAME]["spec"]["caBundle"]).decode()


def outcomes():
    rows = Entry.objects.filter(action="apiservice.bundle_patched").order_by("seq")
    return list(rows.values_list("outcome", flat=True))


def test_what_stands_is_ticked_and_the_authority_of_the_link_is_chosen(admin, wrong, ours, old):
    text = admin.get(f"{URL}?authority=serving-ca").content.decode()
    assert re.search(rf'value="{sha(old)}"[^>]*checked', text)
    assert re.search(r'value="serving-ca"[^>]*checked', text)


def test_the_trial_tells_what_comes_and_stays_and_changes_nothing(
    admin, wrong, ours, old, fake_cluster
):
    page, text, _ = tried(admin, keep=[sha(old)], authorities=["serving-ca"])
    assert page.status_code == 200
    assert "would take it as it stands" in text
    assert [each.mark for each in page.context["change"].lines] == ["=", "+"]
    assert "+  caBundle:" in text
    assert live(fake_cluster) == old.pem
    assert outcomes() == []


def test_an_overlap_of_two_is_written_and_told_with_fingerprints(
    admin, wrong, ours, old, fake_cluster
):
    chosen = {"keep": [sha(old)], "authorities": ["serving-ca"]}
    response = apply(admin, tried(admin, **chosen)[2], **chosen)
    assert response.url == f"/clusters/lab/apiservices/{NAME}/"
    assert live(fake_cluster) == old.pem + ours.certificate_pem
    assert outcomes() == [Outcome.INTENDED, Outcome.DONE]
    detail = Entry.objects.filter(action="apiservice.bundle_patched").latest("seq").detail
    assert detail["before"] == [sha(old)]
    assert detail["after"][0] == sha(old)
    assert len(detail["after"]) == 2


def test_without_verification_before_it_is_verified_afterwards(admin, see, ours, fake_cluster):
    see(raw_apiservice(NAME, insecureSkipTLSVerify=True))
    assert "It is taken away together" in admin.get(URL).content.decode()
    seen = tried(admin, authorities=["serving-ca"])[2]
    assert apply(admin, seen, authorities=["serving-ca"]).status_code == 302
    assert "insecureSkipTLSVerify" not in fake_cluster.items[NAME]["spec"]


def test_a_wrong_name_changes_nothing(admin, wrong, ours, old, fake_cluster):
    seen = tried(admin, authorities=["serving-ca"])[2]
    response = apply(admin, seen, confirm="v1.other", authorities=["serving-ca"])
    assert response.status_code == 422
    assert "nothing was changed" in response.content.decode()
    assert live(fake_cluster) == old.pem
    assert outcomes() == []


def test_what_another_changed_in_between_is_a_conflict_in_words(
    admin, wrong, ours, fake_cluster, old
):
    seen = tried(admin, authorities=["serving-ca"])[2]
    other = TestAuthority(common_name="another-ca")
    fake_cluster.put(raw_apiservice(NAME, caBundle=encoded(other.pem)))
    response = apply(admin, seen, authorities=["serving-ca"])
    assert response.status_code == 409
    assert "changed by someone else meanwhile" in response.content.decode()
    assert "another-ca" in response.content.decode()
    assert live(fake_cluster) == other.pem


def test_a_status_that_changes_by_itself_is_no_conflict(admin, wrong, ours, old, fake_cluster):
    seen = tried(admin, authorities=["serving-ca"])[2]
    down = raw_apiservice(NAME, status="False", caBundle=encoded(old.pem))
    fake_cluster.put(down)
    assert apply(admin, seen, authorities=["serving-ca"]).status_code == 302
    assert live(fake_cluster) == ours.certificate_pem


def test_what_the_account_may_not_is_said_and_told(admin, wrong, ours, fake_cluster):
    seen = tried(admin, authorities=["serving-ca"])[2]
    fake_cluster.refuses.add("patch")
    response = apply(admin, seen, authorities=["serving-ca"])
    assert response.status_code == 422
    assert "may not" in response.content.decode()
    assert outcomes() == [Outcome.INTENDED, Outcome.FAILED]


def test_gone_meanwhile_is_said(admin, wrong, ours, fake_cluster):
    seen = tried(admin, authorities=["serving-ca"])[2]
    fake_cluster.remove(NAME)
    response = apply(admin, seen, authorities=["serving-ca"])
    assert response.status_code == 409
    assert "NotFound" not in response.content.decode()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "Nothing is chosen."),
        ({"pasted": "no certificate"}, "-----BEGIN CERTIFICATE"),
        ({"pasted": "-----BEGIN EC PRIVATE KEY-----\nsecret-words\n"}, "thrown away"),
        ({"authorities": ["unknown"]}, "Select a valid choice"),
        ({"keep": ["00"]}, "look at it again"),
    ],
)
def test_bad_input_is_said_beside_its_field(admin, wrong, ours, values, words):
    page = admin.post(URL, {"do": "try", **values})
    assert page.status_code == 422
    assert words in page.content.decode()
    assert "secret-words" not in page.content.decode()


def test_what_is_given_twice_or_over_is_told(admin, wrong, ours, old):
    over = TestAuthority(common_name="x").serving("a.example.com", days=(-9, -2)).certificate_pem
    text = tried(admin, keep=[sha(old)], pasted=old.pem + over)[1]
    assert "One certificate was given twice" in text
    assert "expired on" in text


def test_built_in_ones_are_refused_with_the_reason(admin, see, ours, fake_cluster):
    see(local_apiservice("v1.apps"))
    url = "/clusters/lab/apiservices/v1.apps/bundle/"
    assert "part of Kubernetes itself" in admin.get(url).content.decode()
    response = admin.post(url, {"do": "try", "authorities": ["serving-ca"]})
    assert response.status_code == 409


def test_hostile_text_of_a_cluster_stays_text(admin, see, ours):
    raw = raw_apiservice(NAME, caBundle="!!")
    raw["metadata"]["annotations"] = {"a": "<script>x</script>\u202egnp\x00\ud800"}
    see(raw)
    text = tried(admin, authorities=["serving-ca"])[1]
    assert "cannot be read" in admin.get(URL).content.decode()
    assert "<script>x" not in text


@pytest.mark.parametrize("who", ["viewer", "issuer"])
def test_only_administrators_repair(who, request, client_of, wrong):
    client = client_of(request.getfixturevalue(who))
    assert client.get(URL).status_code == 403
    assert client.post(URL, {"do": "apply"}).status_code == 403


def test_an_unknown_apiservice_is_not_found(admin):
    assert admin.get(URL).status_code == 404
