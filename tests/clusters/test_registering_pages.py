"""Registering APIServices: tried on the server, shown, applied, told in the ledger."""

from __future__ import annotations

import pytest

from aggportal.certs.models import Lane
from aggportal.ledger.models import Entry, Outcome
from tests.certs.makers import make_authority
from tests.clusters.fake_cluster import raw_apiservice

URL = "/clusters/lab/apiservices/new/"
NAME = "v1alpha1.wardle.example.com"


@pytest.fixture
def admin(administrator, client_of, cluster):
    return client_of(administrator)


@pytest.fixture
def values(db):
    make_authority("serving-ca", lane=Lane.SERVING)
    return {
        "group": "wardle.example.com",
        "version": "v1alpha1",
        "service_namespace": "wardle",
        "service_name": "api",
        "service_port": "443",
        "group_priority_minimum": "1000",
        "version_priority": "15",
        "authority": "serving-ca",
    }


def outcomes():
    rows = Entry.objects.filter(action="apiservice.registered").order_by("seq")
    return list(rows.values_list("outcome", flat=True))


def test_first_the_server_is_asked_and_nothing_is_kept(admin, values, fake_cluster):
    page = admin.post(URL, values)
    assert page.status_code == 200
    assert "would take it as it stands" in page.content.decode()
    assert "kind: APIService" in page.content.decode()
    assert fake_cluster.items == {}
    assert outcomes() == []


def test_then_it_is_applied_and_told(admin, values, fake_cluster):
    response = admin.post(URL, {**values, "do": "apply"})
    assert response.url == "/clusters/lab/"
    assert fake_cluster.items[NAME]["spec"]["caBundle"]
    assert outcomes() == [Outcome.INTENDED, Outcome.DONE]


def test_a_second_registration_is_a_conflict_with_words(admin, values, fake_cluster):
    fake_cluster.put(raw_apiservice(NAME))
    response = admin.post(URL, {**values, "do": "apply"})
    assert response.status_code == 409
    assert "already exists" in response.content.decode()
    assert outcomes() == [Outcome.INTENDED, Outcome.FAILED]


def test_what_the_server_refuses_is_said(admin, values, fake_cluster):
    fake_cluster.refuses = {"create"}
    response = admin.post(URL, values)
    assert response.status_code == 422
    assert "this account may not" in response.content.decode()


def test_the_manifest_can_be_taken_away_instead(admin, values, api_server):
    response = admin.post(URL, {**values, "do": "download"})
    assert response["Content-Disposition"] == f'attachment; filename="{NAME}.yaml"'
    assert b"caBundle" in response.content
    assert api_server.asked == []


def test_one_can_go_back_and_change_the_values(admin, values):
    page = admin.post(URL, {**values, "do": "edit"}).content.decode()
    assert 'value="wardle.example.com"' in page


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"group": "apps"}, "group"),
        ({"group": "UPPER"}, "group"),
        ({"group": "<script>"}, "group"),
        ({"group": "a\x00b"}, "group"),
        ({"version": "1"}, "version"),
        ({"service_namespace": "a/b"}, "service_namespace"),
        ({"service_name": ""}, "service_name"),
        ({"service_port": "70000"}, "service_port"),
        ({"service_port": "many"}, "service_port"),
        ({"group_priority_minimum": "0"}, "group_priority_minimum"),
        ({"version_priority": "9" * 30}, "version_priority"),
        ({"authority": "nobody"}, "authority"),
        ({"authority": "pasted"}, "ca_bundle"),
        ({"authority": "pasted", "ca_bundle": "no certificate"}, "ca_bundle"),
    ],
)
def test_a_wrong_value_is_said_beside_its_field(admin, values, api_server, changes, field):
    response = admin.post(URL, {**values, "do": "apply", **changes})
    assert response.status_code == 422
    assert response.context["form"].errors.get(field), response.context["form"].errors
    assert api_server.asked == []


def test_serving_authorities_come_first_and_a_front_proxy_ca_is_warned_of(admin, values):
    make_authority("a-front-proxy-ca", lane=Lane.FRONT_PROXY)
    choices = [name for name, _ in admin.get(URL).context["form"].fields["authority"].choices]
    assert choices == ["serving-ca", "a-front-proxy-ca", "pasted", "system"]
    page = admin.post(URL, {**values, "authority": "a-front-proxy-ca"})
    assert "may act as anybody" in page.content.decode()


def test_a_private_key_in_the_ca_bundle_is_thrown_away(admin, values, authority):
    pasted = {"authority": "pasted", "ca_bundle": authority.key_pem}
    response = admin.post(URL, {**values, **pasted})
    assert response.status_code == 422
    assert "PRIVATE KEY" not in response.content.decode()


def test_an_issuer_registers_nothing(issuer, client_of, cluster, values, fake_cluster):
    client = client_of(issuer)
    assert client.get(URL).status_code == 403
    assert client.post(URL, {**values, "do": "apply"}).status_code == 403
    assert fake_cluster.items == {}


def test_an_unreachable_cluster_is_said(admin, values, api_server):
    api_server.stop()
    response = admin.post(URL, {**values, "do": "apply"})
    assert response.status_code == 422
    assert "refuses the connection" in response.content.decode()
