"""The studio's pages: who may do what, what is shown, what is issued, what is refused."""

from __future__ import annotations

import base64
import datetime as dt

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.utils import timezone

from aggportal.certs.models import Certificate, Lane
from aggportal.clusters.models import WatchedAPIService
from aggportal.ledger.models import Entry
from tests.certs.makers import make_authority
from tests.snippets.studio_used import (
    FILLED,
    NEW,
    PREVIEW,
    TAKE,
    members,
    objects,
    serving_pem,
)


@pytest.fixture
def serving(db):
    return make_authority("serving-ca", lane=Lane.SERVING, profiles=("extension-serving",))


@pytest.fixture
def issuing(client_of, issuer, serving):
    """Take the set as an issuer, with changes to what is filled in."""
    client = client_of(issuer)

    def take(do="yaml", path=TAKE, **changes):
        return client.post(path, {**FILLED, "do": do, **changes})

    return take


@pytest.fixture
def reading(client_of, viewer, serving):
    """Send the page as a viewer, with changes to what is filled in."""
    client = client_of(viewer)

    def send(path=PREVIEW, **changes):
        return client.post(path, {**FILLED, **changes})

    return send


def key_of(answer):
    return base64.b64decode(objects(answer)["Secret"]["data"]["tls.key"])


def test_the_set_comes_whole_with_a_certificate_issued_for_it(issuing, serving):
    answer = issuing()
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == 'attachment; filename="wardle.yaml"'
    assert "no-store" in answer["Cache-Control"]
    certificate = x509.load_pem_x509_certificate(serving_pem(answer))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "wardle.wardle-system.svc" in names.get_values_for_type(x509.DNSName)
    assert load_pem_private_key(key_of(answer), None).public_key() == certificate.public_key()
    bundle = base64.b64decode(objects(answer)["APIService"]["spec"]["caBundle"]).decode()
    assert bundle == serving.certificate_pem
    assert [each["kind"] for each in yaml.safe_load_all(answer.content)][-1] == "APIService"


def test_the_ledger_has_certificate_key_and_set(issuing):
    issuing()
    actions = [entry.action for entry in Entry.objects.order_by("pk")][-4:]
    assert actions == [
        "certificate.issued", "certificate.issued", "certificate.key_taken", "extension.taken"
    ]  # fmt: skip
    last = Entry.objects.latest("pk")
    assert "wardle-system" in str(last.detail)
    assert "PRIVATE KEY" not in str(last.detail)


def test_the_same_page_gives_the_same_certificate_in_every_form(issuing):
    first = issuing()
    base, chart = members(issuing("kustomize")), members(issuing("helm"))
    assert Certificate.objects.count() == 1
    secret = yaml.safe_load(base["wardle/07-secret.yaml"])
    assert base64.b64decode(secret["data"]["tls.crt"]) == serving_pem(first)
    values = yaml.safe_load(chart["values-tls.yaml"])
    assert values["tls"]["crt"].encode() == serving_pem(first)
    assert "wardle/Chart.yaml" in chart


@pytest.mark.parametrize("change", [{"once": "another-page"}, {"name": "other"}])
def test_another_page_or_another_name_gets_another_certificate(issuing, change):
    assert serving_pem(issuing()) != serving_pem(issuing(**change))
    assert Certificate.objects.count() == 2


def test_a_revoked_certificate_is_not_given_again(issuing):
    issuing()
    Certificate.objects.update(revoked_at=timezone.now(), revocation_reason="keyCompromise")
    issuing()
    assert Certificate.objects.count() == 2


def test_a_viewer_sees_the_set_without_a_key_and_takes_none(reading):
    answer = reading()
    text = answer.content.decode()
    assert answer.status_code == 200
    assert 'id="manifest-deployment"' in text
    assert "# data: tls.crt" in text
    assert "tls.key:" not in text
    assert "formaction" not in text
    assert reading(TAKE, do="yaml").status_code == 403
    assert not Certificate.objects.exists()


def test_the_page_works_without_javascript(reading):
    answer = reading(NEW, do="show")
    assert answer.status_code == 200
    assert 'id="manifest-apiservice"' in answer.content.decode()


def test_looking_issues_nothing(reading):
    reading()
    reading(NEW)
    assert not Certificate.objects.exists()


def test_a_page_can_be_begun_from_an_address(client_of, viewer, serving):
    text = client_of(viewer).get(NEW, {"name": "begun", "unknown": "x"}).content.decode()
    assert 'value="begun"' in text


def test_while_one_types_what_is_missing_is_not_yet_a_mistake(reading):
    answer = reading(name="Wrong Name", image="", group="")
    text = answer.content.decode()
    assert "This field is required" not in text
    assert "begins with a letter" in text
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "required"), ("name", "A_b", "begins with a letter"),
        ("name", "a\x00b", "Null"), ("namespace", "x\ny", "namespace"),
        ("group", "apps", "belongs to Kubernetes"), ("version", "1", "version"),
        ("image", "a b", "names no image"), ("port", "80", "root"), ("port", "x", "whole number"),
        ("replicas", "0", "between"), ("minor", "99", "Select a valid choice"),
        ("resources", "Flunders", "names no resource"), ("sources", "10.0.0.1/8", "no network"),
        ("cluster_domain", "a_b", "domain"), ("version_priority", "0", "between"),
        ("authority", "nobody", "No authority"), ("authority", "a\x00", "Null"),
        ("profile", "nothing", "no profile"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", [NEW, TAKE])
def test_what_is_wrong_is_said_and_nothing_is_issued(issuing, path, field, value, said):
    answer = issuing(path=path, **{field: value})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Certificate.objects.exists()


def test_an_unknown_form_of_the_set_is_refused(issuing):
    assert issuing("tarball").status_code == 422
    assert not Certificate.objects.exists()


@pytest.mark.parametrize("lane", [Lane.FRONT_PROXY, Lane.CLIENT])
def test_an_authority_of_another_lane_signs_no_serving_certificate(issuing, lane):
    make_authority("other-ca", lane=lane, profiles=("extension-serving",))
    assert issuing(authority="other-ca").status_code == 422


def test_a_retired_authority_is_not_offered(issuing, serving):
    make_authority("old-ca", lane=Lane.SERVING, profiles=("extension-serving",))
    type(serving).objects.filter(slug="old-ca").update(retired_at=timezone.now())
    assert issuing(authority="old-ca").status_code == 422


def test_a_certificate_that_would_outlive_its_authority_is_refused_until_it_is_cut(issuing, db):
    now = timezone.now() - dt.timedelta(hours=1)
    make_authority(
        "short-ca", lane=Lane.SERVING, profiles=("extension-serving",), expiry="48h", now=now
    )
    short = {"authority": "short-ca", "shown_authority": "short-ca"}
    assert issuing(**short).status_code == 422
    assert issuing(**short, end_with_authority="on").status_code == 200


def test_another_authority_brings_its_own_profiles(reading):
    make_authority("general-ca", lane=Lane.GENERAL, profiles=("www", "client"))
    text = reading(authority="general-ca").content.decode()
    assert '<option value="www" selected>' in text
    assert '<option value="client"' not in text
    assert 'value="general-ca" hx-swap-oob="true"' in " ".join(text.split())


def test_without_a_serving_authority_the_first_step_is_offered(client_of, viewer, administrator):
    assert "No serving authority yet" in client_of(viewer).get(NEW).content.decode()
    assert "/authorities/new/" in client_of(administrator).get(NEW).content.decode()
    assert client_of(administrator).post(TAKE, {**FILLED, "do": "yaml"}).status_code == 422


def test_a_cluster_gives_its_version_and_its_own_authorities_first(
    client_of, viewer, serving, cluster
):
    own = make_authority("own-ca", lane=Lane.GENERAL, profiles=("extension-serving",))
    cluster.serving_authorities.add(own)
    cluster.state.kube_version = "v1.24.3+k3s1"
    cluster.state.save()
    text = client_of(viewer).get(f"/clusters/{cluster.slug}/extension/new/").content.decode()
    assert '<option value="24" selected>' in text
    assert '<option value="own-ca" selected>' in text
    assert f'action="/clusters/{cluster.slug}/extension/new/"' in text


def watched(cluster, name, **raw):
    document = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": name, "uid": "u1", **raw},
        "spec": {"group": name.split(".", 1)[1], "version": name.split(".", 1)[0]},
    }
    return WatchedAPIService.objects.create(
        cluster=cluster, name=name, raw=document, since=timezone.now(), state_version=1
    )


def test_a_group_that_the_cluster_manages_itself_is_refused(issuing, cluster):
    watched(
        cluster,
        "v1alpha1.wardle.example.com",
        labels={"kube-aggregator.kubernetes.io/automanaged": "true"},
    )
    answer = issuing(path=f"/clusters/{cluster.slug}/extension/new/take/")
    assert answer.status_code == 422
    assert "CustomResourceDefinition" in answer.content.decode()


def test_the_cluster_page_and_the_left_bar_lead_here(client_of, viewer, cluster):
    text = client_of(viewer).get(cluster.get_absolute_url()).content.decode()
    assert f'href="/clusters/{cluster.slug}/extension/new/"' in text
    assert 'href="/extension/new/"' in text


PLACES = ["/extension/new/", "/clusters/lab/extension/new/"]


@pytest.mark.parametrize("place", PLACES)
def test_a_stranger_and_nobody_are_refused(client_of, client, stranger, cluster, place):
    outside = client_of(stranger)
    assert outside.get(place).status_code == 403
    for rest in ("", "preview/", "take/"):
        assert outside.post(f"{place}{rest}", FILLED).status_code == 403
        assert client.post(f"{place}{rest}", FILLED).status_code == 302


@pytest.mark.parametrize("place", PLACES)
def test_what_changes_or_answers_is_not_to_be_read(client_of, issuer, cluster, place):
    client = client_of(issuer)
    assert client.get(f"{place}take/").status_code == 405
    assert client.get(f"{place}preview/").status_code == 405
    assert client.put(place).status_code == 405


@pytest.mark.parametrize("rest", ["", "preview/", "take/"])
def test_a_cluster_that_is_not_there_is_not_found(client_of, issuer, serving, rest):
    answer = client_of(issuer).post(f"/clusters/gone/extension/new/{rest}", FILLED)
    assert answer.status_code == 404


def test_what_was_typed_stays_and_is_never_markup(reading):
    text = reading(NEW, image="<script>alert(1)</script>").content.decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
