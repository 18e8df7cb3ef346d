"""The page of one APIService, and deleting it."""

from __future__ import annotations

import base64
import html
import re

import pytest
from django.utils import timezone

from aggportal.clusters.models import Lease, SealedConnection, WatchedAPIService
from aggportal.clusters.services.snapshots import write_snapshot
from aggportal.kube.watching import Snapshot
from aggportal.ledger.models import Entry, Outcome
from tests.clusters.fake_cluster import local_apiservice, raw_apiservice

NAME = "v1.demo.example.com"
URL = f"/clusters/lab/apiservices/{NAME}/"


@pytest.fixture
def admin(administrator, client_of):
    return client_of(administrator)


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


def failing(**spec):
    message = 'failing or missing response: Get "https://10.0.0.1": dial tcp: connection refused'
    return raw_apiservice(
        NAME, status="False", reason="FailedDiscoveryCheck", message=message, **spec
    )


def test_a_failing_one_says_the_cause_in_words(viewer, client_of, see):
    see(failing())
    page = client_of(viewer).get(URL).content.decode()
    assert "Nothing listens on the backend&#x27;s port." in page
    assert "FailedDiscoveryCheck" in page
    assert "api.demo.svc" in page
    assert "kind: APIService" in page


def test_the_history_tells_what_it_became(viewer, client_of, see):
    see(raw_apiservice(NAME))
    see(failing(), local_apiservice("v1.apps"))
    events = client_of(viewer).get(URL).context["page"].history.events
    assert [each.transition.went_to for each in events] == ["False", "True"]


def test_the_ca_bundle_is_shown_as_what_it_is(viewer, client_of, see, authority):
    bundle = base64.b64encode(authority.pem.encode()).decode()
    see(raw_apiservice(NAME, caBundle=bundle))
    assert "CN=test-ca" in client_of(viewer).get(URL).content.decode()


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"insecureSkipTLSVerify": True}, "insecureSkipTLSVerify is set"),
        ({"caBundle": "bm8gY2VydGlmaWNhdGU="}, "caBundle unreadable"),
        ({"caBundle": 7}, "caBundle unreadable"),
        ({}, "There is no caBundle"),
    ],
)
def test_weak_tls_is_called_what_it_is(viewer, client_of, see, spec, words):
    see(raw_apiservice(NAME, **spec))
    assert words in client_of(viewer).get(URL).content.decode()


def test_text_from_the_cluster_is_text(viewer, client_of, see):
    raw = failing()
    raw["status"]["conditions"][0]["message"] = "<script>x</script>\u202egnp\x00\ud800"
    raw["metadata"]["labels"] = {"a": float("nan")}
    see(raw)
    for url in (URL, "/clusters/lab/"):
        page = client_of(viewer).get(url).content.decode()
        assert "<script>x" not in page
        assert "\u202e" not in page.split("<pre")[0]


def news_of(page):
    found = re.search(r'hx-get="([^"]+/news/[^"]*)"', page.content.decode())
    assert found, "the page follows nothing"
    return html.unescape(found[1])


def test_its_page_is_loaded_anew_when_the_cluster_says_otherwise(viewer, client_of, see):
    see(raw_apiservice(NAME))
    client = client_of(viewer)
    news = news_of(client.get(URL))
    assert client.get(news).status_code == 204
    see(failing())
    assert client.get(news).headers["HX-Refresh"] == "true"


def test_its_page_is_loaded_anew_when_it_is_gone_or_the_worker_is(viewer, client_of, see):
    see(raw_apiservice(NAME))
    client = client_of(viewer)
    news = news_of(client.get(URL))
    Lease.objects.update(holder="")
    assert client.get(news).headers["HX-Refresh"] == "true"
    WatchedAPIService.objects.all().delete()
    assert client.get(news).headers["HX-Refresh"] == "true"


def test_its_news_are_for_those_who_may_see_it(stranger, viewer, client_of, client, see):
    see(raw_apiservice(NAME))
    assert client_of(stranger).get(f"{URL}news/").status_code == 403
    assert client_of(viewer).post(f"{URL}news/").status_code == 405
    assert client.get(f"{URL}news/").status_code == 302


def test_an_unknown_one_is_not_found(admin, cluster):
    assert admin.get(URL).status_code == 404
    assert admin.post(f"{URL}delete/").status_code == 404


@pytest.mark.parametrize("name", ["a%00b", "a%0Ab", "..", "%E2%80%AE"])
def test_a_name_that_cannot_be_is_not_found(admin, cluster, name):
    assert admin.get(f"/clusters/lab/apiservices/{name}/").status_code == 404


def test_a_viewer_deletes_nothing(viewer, client_of, see, fake_cluster):
    see(failing())
    assert client_of(viewer).get(f"{URL}delete/").status_code == 403
    response = client_of(viewer).post(f"{URL}delete/", {"confirm": NAME, "uid": f"uid-{NAME}"})
    assert response.status_code == 403
    assert NAME in fake_cluster.items


def test_the_typed_name_deletes_it_and_the_ledger_tells(admin, see, fake_cluster):
    see(failing())
    response = admin.post(f"{URL}delete/", {"confirm": NAME, "uid": f"uid-{NAME}"})
    assert response.url == "/clusters/lab/"
    assert NAME not in fake_cluster.items
    told = Entry.objects.filter(action="apiservice.deleted").order_by("seq")
    assert list(told.values_list("outcome", flat=True)) == [Outcome.INTENDED, Outcome.DONE]


def test_what_cannot_even_be_tried_leaves_no_intent_in_the_ledger(admin, see):
    see(raw_apiservice(NAME))
    SealedConnection.objects.update(binding="another server")
    uid = WatchedAPIService.objects.get().uid
    assert admin.post(f"{URL}delete/", {"confirm": NAME, "uid": uid}).status_code == 503
    assert not Entry.objects.filter(action="apiservice.deleted").exists()


def test_another_name_deletes_nothing(admin, see, fake_cluster):
    see(failing())
    response = admin.post(f"{URL}delete/", {"confirm": NAME.upper(), "uid": f"uid-{NAME}"})
    assert response.status_code == 422
    assert NAME in fake_cluster.items


def test_a_page_that_is_older_than_the_object_deletes_nothing(admin, see, fake_cluster):
    see(failing())
    response = admin.post(f"{URL}delete/", {"confirm": NAME, "uid": "an-older-one"})
    assert response.status_code == 409
    assert "look at it again" in response.content.decode()
    assert NAME in fake_cluster.items


def test_one_made_anew_behind_our_back_is_not_deleted(admin, see, fake_cluster):
    see(failing())
    fake_cluster.items[NAME]["metadata"]["uid"] = "made-anew"
    WatchedAPIService.objects.get()  # the worker has not heard of it
    response = admin.post(f"{URL}delete/", {"confirm": NAME, "uid": f"uid-{NAME}"})
    assert response.status_code == 409
    assert NAME in fake_cluster.items


def test_one_that_is_gone_already_is_no_trouble(admin, see, fake_cluster):
    see(failing())
    fake_cluster.remove(NAME)
    response = admin.post(f"{URL}delete/", {"confirm": NAME, "uid": f"uid-{NAME}"})
    assert response.status_code == 302


@pytest.mark.parametrize(
    ("managed", "words"),
    [("onstart", "until kube-apiserver restarts"), ("true", "Kubernetes makes it again")],
)
def test_what_kubernetes_manages_is_kept_with_the_reason(admin, see, fake_cluster, managed, words):
    raw = local_apiservice("v1.crd.example.com" if managed == "true" else "v1.apps")
    raw["metadata"]["labels"] = {"kube-aggregator.kubernetes.io/automanaged": managed}
    name = raw["metadata"]["name"]
    see(raw)
    url = f"/clusters/lab/apiservices/{name}/delete/"
    assert words in admin.get(url).content.decode()
    assert admin.post(url, {"confirm": name, "uid": f"uid-{name}"}).status_code == 409
    assert name in fake_cluster.items
