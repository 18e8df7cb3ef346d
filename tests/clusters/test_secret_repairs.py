"""Writing a serving certificate with its key into Secrets: tried without it, written, told."""

from __future__ import annotations

import base64
import datetime as dt
import re

import pytest
from django.utils import timezone

from aggportal.certs.models import Certificate, Lane
from aggportal.clusters.models import WatchedAPIService
from aggportal.clusters.services.picking_up import pods_picking_up
from aggportal.kube.secrets import SecretPlace
from aggportal.ledger.models import Entry, Outcome
from tests.certs.makers import make_authority, make_certificate
from tests.clusters.fake_cluster import local_apiservice, raw_apiservice
from tests.clusters.test_bundle_repairs import see as see
from tests.kube.tls import TestAuthority

NAME = "v1.demo.example.com"
URL = f"/clusters/lab/apiservices/{NAME}/secret/"
PATH = "/api/v1/namespaces/demo/secrets/api-serving-cert"


@pytest.fixture
def admin(administrator, client_of, cluster):
    return client_of(administrator)


@pytest.fixture
def ours(db):
    return make_authority("serving-ca", lane=Lane.SERVING)


@pytest.fixture
def leaf(ours):
    return make_certificate(ours, "api", profile="extension-serving", hosts=["api.demo.svc"])


@pytest.fixture
def row(see):
    see(raw_apiservice(NAME))
    return WatchedAPIService.objects.get(name=NAME)


def chosen(leaf, **other):
    return {
        "certificate": leaf.pk,
        "name": "api-serving-cert",
        "namespaces": "demo",
        **other,
    }


def tried(client, leaf, **other):
    page = client.post(URL, {"do": "try", **chosen(leaf, **other)})
    text = page.content.decode()
    return page, text, dict(re.findall(r'name="(seen-[a-z-]+)"\s+value="([^"]*)"', text))


def apply(client, leaf, seen, *, confirm="api-serving-cert", **other):
    return client.post(URL, {"do": "apply", "confirm": confirm, **seen, **chosen(leaf, **other)})


def written(fake_cluster, path=PATH):
    data = fake_cluster.secrets[path]["data"]
    return {name: base64.b64decode(value).decode() for name, value in data.items()}


def outcomes(action="secret.written"):
    rows = Entry.objects.filter(action=action).order_by("seq")
    return list(rows.values_list("outcome", flat=True))


def secret(pair, **metadata):
    data = {"tls.crt": pair.certificate_pem, "tls.key": pair.key_pem, "other": "kept"}
    return {
        "metadata": {"name": "api-serving-cert", "uid": "u", "resourceVersion": "7", **metadata},
        "type": "kubernetes.io/tls",
        "data": {name: base64.b64encode(v.encode()).decode() for name, v in data.items()},
    }


def test_the_page_offers_what_fits_and_nothing_else(admin, row, ours, leaf):
    other = make_certificate(ours, "b", profile="extension-serving", hosts=["b.demo.svc"])
    text = admin.get(URL).content.decode()
    assert leaf.fingerprint_sha256[:16] in text
    assert other.fingerprint_sha256[:16] not in text


def test_the_trial_sends_no_key_and_keeps_nothing(admin, row, leaf, fake_cluster, api_server):
    page, text, _seen = tried(admin, leaf)
    assert page.status_code == 200
    assert leaf.spki_sha256 in text
    assert "PRIVATE KEY" not in text
    assert fake_cluster.secrets == {}
    sent = b"".join(each.body for each in api_server.asked)
    assert b'"tls.key": ""' in sent or b'"tls.key":""' in sent
    assert outcomes() == outcomes("certificate.key_taken") == []


def test_it_is_written_with_its_key_and_told(admin, row, leaf, fake_cluster):
    response = apply(admin, leaf, tried(admin, leaf)[2])
    assert response.status_code == 302
    assert "/secret/watch/?certificate=" in response.url
    data = written(fake_cluster)
    assert data["tls.crt"] == leaf.material.pem
    assert "PRIVATE KEY" in data["tls.key"]
    labels = fake_cluster.secrets[PATH]["metadata"]["labels"]
    assert labels == {"app.kubernetes.io/managed-by": "aggportal"}
    assert outcomes() == [Outcome.INTENDED, Outcome.DONE]
    assert outcomes("certificate.key_taken") == [Outcome.DONE]
    told = [str(each.detail) for each in Entry.objects.all()]
    assert not any("PRIVATE" in each for each in told)


def test_several_namespaces_get_it(admin, row, leaf, fake_cluster):
    seen = tried(admin, leaf, namespaces="demo, other")[2]
    assert set(seen) == {"seen-demo", "seen-other"}
    assert apply(admin, leaf, seen, namespaces="demo, other").status_code == 302
    assert len(fake_cluster.secrets) == 2


def test_what_is_there_is_changed_and_its_key_is_never_shown(admin, row, leaf, fake_cluster):
    old = TestAuthority(common_name="old-ca").serving("api.demo.svc")
    fake_cluster.secrets[PATH] = secret(old, annotations={"cert-manager.io/certificate-name": "x"})
    _page, text, seen = tried(admin, leaf)
    assert "cert-manager writes this Secret" in text
    assert old.key_pem.splitlines()[1] not in text
    assert base64.b64encode(old.key_pem.encode()).decode()[:60] not in text
    assert apply(admin, leaf, seen).status_code == 302
    assert written(fake_cluster)["other"] == "kept"
    assert written(fake_cluster)["tls.crt"] == leaf.material.pem


def test_what_another_wrote_in_between_is_a_conflict_in_words(admin, row, leaf, fake_cluster):
    seen = tried(admin, leaf)[2]
    fake_cluster.secrets[PATH] = secret(TestAuthority().serving("api.demo.svc"))
    before = dict(fake_cluster.secrets[PATH])
    response = apply(admin, leaf, seen)
    assert response.status_code == 409
    assert "changed by someone else meanwhile" in response.content.decode()
    assert fake_cluster.secrets[PATH] == before
    assert outcomes("certificate.key_taken") == []


def test_without_permission_the_role_is_printed(admin, row, leaf, fake_cluster):
    fake_cluster.refuses.add("secrets")
    page, text, _seen = tried(admin, leaf)
    assert page.status_code == 422
    assert "kind: Role" in text
    assert "resourceNames" in text
    assert "cannot be limited to a name" in text


def test_a_wrong_name_writes_nothing(admin, row, leaf, fake_cluster):
    response = apply(admin, leaf, tried(admin, leaf)[2], confirm="other")
    assert response.status_code == 422
    assert fake_cluster.secrets == {}


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"certificate": "x"}, "does not fit"),
        ({"certificate": ""}, "Choose a certificate"),
        ({"name": "<b>"}, "cannot name a Kubernetes object"),
        ({"namespaces": "Upper/../x"}, "cannot be a namespace"),
        ({"namespaces": " , "}, "Name one to 10"),
        ({"namespaces": ",".join(f"n{i}" for i in range(11))}, "Name one to 10"),
    ],
)
def test_bad_input_is_said_beside_its_field(admin, row, leaf, other, words):
    page = admin.post(URL, {"do": "try", **chosen(leaf, **other)})
    assert page.status_code == 422
    assert words in page.content.decode()
    assert "<b>" not in page.content.decode().split("<main")[-1]


def test_a_key_that_never_leaves_is_not_offered(admin, row, leaf):
    Certificate.objects.update(exportable=False)
    page = admin.post(URL, {"do": "try", **chosen(leaf)})
    assert page.status_code == 422
    assert "does not fit" in page.content.decode()


def test_one_is_issued_for_the_service_and_offered(admin, row, ours):
    response = admin.post(URL, {"do": "issue", "authority": "serving-ca", "name": "x"})
    made = Certificate.objects.get(common_name="api.demo.svc")
    assert response.url.endswith(f"/secret/?certificate={made.pk}&name=x")
    assert "api.demo.svc" in made.hosts
    assert made.fingerprint_sha256[:16] in admin.get(response.url).content.decode()


def test_an_unknown_authority_issues_nothing(admin, row, ours):
    assert admin.post(URL, {"do": "issue", "authority": "nope"}).status_code == 422
    assert not Certificate.objects.filter(kind="leaf").exists()


def test_the_chosen_one_is_renewed_once(admin, row, ours):
    early = timezone.now() - dt.timedelta(days=60)
    old = make_certificate(
        ours, "api", profile="extension-serving", hosts=["api.demo.svc"], now=early
    )
    response = admin.post(URL, {"do": "renew", **chosen(old)})
    assert response.status_code == 302, response.content.decode()
    assert Certificate.objects.get(predecessor=old)
    assert admin.post(URL, {"do": "renew", **chosen(old)}).status_code in (409, 422)


@pytest.mark.parametrize("who", ["viewer", "issuer"])
def test_only_administrators_write_secrets(who, request, client_of, row, leaf):
    client = client_of(request.getfixturevalue(who))
    for url in (URL, f"{URL}watch/", f"{URL}watch/now/"):
        assert client.get(url).status_code == 403
    assert client.post(URL, {"do": "apply", **chosen(leaf)}).status_code == 403


def test_local_ones_have_no_secret(admin, see):
    see(local_apiservice("v1.apps"))
    assert admin.get("/clusters/lab/apiservices/v1.apps/secret/").status_code == 404


def pod(name, started, **mount):
    return {
        "metadata": {
            "name": name,
            "labels": {"pod-template-hash": "abc"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "api-abc"}],
        },
        "spec": {
            "volumes": [{"name": "tls", "secret": {"secretName": "api-serving-cert"}}],
            "containers": [{"volumeMounts": [{"name": "tls", **mount}]}],
        },
        "status": {"containerStatuses": [{"state": {"running": {"startedAt": started}}}]},
    }


def test_pods_are_told_by_how_the_secret_comes_to_them(cluster, row, leaf, fake_cluster):
    now = timezone.now()
    after = (now + dt.timedelta(seconds=5)).isoformat()
    before = (now - dt.timedelta(hours=1)).isoformat()
    pods = [pod("a", before), pod("b", before, subPath="tls.crt"), pod("c", after), {}]
    fake_cluster.objects["/api/v1/namespaces/demo/pods"] = {"items": pods, "metadata": {}}
    places = [SecretPlace(namespace="demo", name="api-serving-cert")]
    look = pods_picking_up(cluster, row, places, leaf, since=now, now=now)
    assert [(each.name, each.stays, each.is_new) for each in look.pods] == [
        ("a", False, False),
        ("b", True, False),
        ("c", False, True),
    ]
    assert look.restarts == ("kubectl rollout restart deployment/api --namespace demo",)
    assert look.served is None
    assert not look.is_served


def test_the_watching_page_claims_nothing_that_was_not_seen(admin, row, leaf):
    since = int(timezone.now().timestamp())
    query = f"?certificate={leaf.pk}&name=api-serving-cert&namespaces=demo&since={since}"
    text = admin.get(f"{URL}watch/{query}").content.decode()
    assert "Not seen" in text
    assert "The new certificate is served" not in text
    assert 'hx-trigger="every 4s"' in text
    assert admin.get(f"{URL}watch/now/{query}").status_code == 200
    old = query.replace(f"since={since}", f"since={since - 400}")
    assert "every 4s" not in admin.get(f"{URL}watch/now/{old}").content.decode()


@pytest.mark.parametrize("query", ["", "?certificate=0&name=a&namespaces=b&since=1", "?since=-1"])
def test_a_page_that_watches_nothing_is_not_found(admin, row, query):
    assert admin.get(f"{URL}watch/{query}").status_code == 404


def test_annotations_that_hold_the_object_are_not_shown(admin, row, leaf, fake_cluster):
    whole = "tls.key: c2VjcmV0"
    kept = {"kapp.k14s.io/original": whole, "cert-manager.io/certificate-name": "api"}
    fake_cluster.secrets[PATH] = secret(
        TestAuthority(common_name="old").serving("api.demo.svc"), annotations=kept
    )
    text = tried(admin, leaf)[1]
    assert whole not in text
    assert f"({len(whole)} characters)" in text
    assert "cert-manager.io/certificate-name: api" in text
