"""Connecting clusters through the pages: three ways, tested before stored, secrets never shown."""

from __future__ import annotations

import base64
import json
import re
import time

import pytest
from django.urls import reverse

from aggportal.clusters.models import Cluster, ConnectionDraft, SealedConnection
from aggportal.ledger.models import Entry
from tests.kube.servers import answer, chunked
from tests.kube.tls import TestAuthority

NEW = "/clusters/new/"
TOKEN = "a-token-of-the-tests"


@pytest.fixture
def admin(administrator, client_of):
    return client_of(administrator)


def kubeconfig(url, ca_pem, **user):
    data = base64.b64encode(ca_pem.encode()).decode()
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": url, "certificate-authority-data": data}}],
        "users": [{"name": "u", "user": user or {"token": TOKEN}}],
        "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u"}}],
    }


def text_of(response):
    return re.sub(r"\s+", " ", response.content.decode())


def token_values(url, ca_pem, **changes):
    return {"name": "lab", "server": url, "ca_pem": ca_pem, "token": TOKEN, **changes}


@pytest.mark.parametrize("way", ["", "?way=token", "?way=context"])
def test_a_viewer_does_not_connect_clusters(viewer, client_of, way):
    client = client_of(viewer)
    assert client.get(NEW + way).status_code == 403
    assert client.post(NEW + way, {"kubeconfig": "x"}).status_code == 403


def test_a_visitor_is_sent_to_sign_in(client, db):
    assert client.get(NEW).status_code == 302
    assert client.post(NEW).status_code == 302


def test_only_get_and_post_are_known(admin):
    assert admin.put(NEW).status_code == 405


def test_a_kubeconfig_is_read_and_its_context_chosen(admin, api_server, authority):
    pasted = json.dumps(kubeconfig(api_server.url, authority.pem))
    choosing = admin.post(NEW, {"kubeconfig": pasted})
    assert choosing.status_code == 302
    page = admin.get(choosing.url)
    assert api_server.url in text_of(page)
    assert TOKEN not in page.content.decode()

    done = admin.post(choosing.url, {"name": "lab", "context": "prod"})
    assert (done.status_code, done.url) == (302, "/clusters/lab/")
    assert Cluster.objects.get().server == api_server.url
    assert ConnectionDraft.objects.count() == 0
    assert Entry.objects.filter(action="cluster.connected").exists()


def test_a_kubeconfig_may_come_as_a_file(admin, api_server, authority, tmp_path):
    path = tmp_path / "config"
    path.write_text(json.dumps(kubeconfig(api_server.url, authority.pem)))
    with path.open("rb") as file:
        assert admin.post(NEW, {"file": file}).status_code == 302


def test_a_kubeconfig_that_would_run_a_program_is_refused_with_the_reason(
    admin, api_server, authority
):
    user = {"exec": {"command": "aws-secret-helper"}}
    pasted = json.dumps(kubeconfig(api_server.url, authority.pem, **user))
    page = admin.post(NEW, {"kubeconfig": pasted})
    assert page.status_code == 422
    assert "would run a program on our server" in str(page.context["form"].errors["kubeconfig"])
    assert "aws-secret-helper" not in page.content.decode()
    assert ConnectionDraft.objects.count() == 0


def test_of_several_contexts_the_usable_ones_are_offered_and_the_others_explained(
    admin, api_server, authority
):
    doc = kubeconfig(api_server.url, authority.pem)
    doc["users"].append({"name": "aws", "user": {"exec": {"command": "helper"}}})
    doc["contexts"].insert(0, {"name": "eks", "context": {"cluster": "c", "user": "aws"}})
    doc["current-context"] = "eks"
    page = admin.get(admin.post(NEW, {"kubeconfig": json.dumps(doc)}).url)
    assert [value for value, _ in page.context["form"].fields["context"].choices] == ["prod"]
    assert "would run a program on our server" in text_of(page)


@pytest.mark.parametrize("mark", ["\\ud800", "\\u0000"])
def test_a_name_that_no_page_can_show_is_refused_beside_the_field(
    admin, api_server, authority, mark
):
    pasted = json.dumps(kubeconfig(api_server.url, authority.pem))
    response = admin.post(NEW, {"kubeconfig": pasted.replace('"prod"', f'"{mark}prod"')})
    assert response.status_code == 422
    assert response.context["form"].errors["kubeconfig"]


def test_a_ca_with_a_remark_in_any_language_above_it_is_taken(admin, api_server, authority):
    values = token_values(api_server.url, f"# Müllers CA\n{authority.pem}")
    assert admin.post(f"{NEW}?way=token", values).status_code == 302


def bomb():
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text", ["", "{", "just words", "clusters: []\ncontexts: []", "a\x00b", bomb(), "[" * 5000]
)
def test_what_is_no_kubeconfig_is_said_beside_the_field(admin, text):
    response = admin.post(NEW, {"kubeconfig": text})
    assert response.status_code == 422
    assert response.context["form"].errors["kubeconfig"]
    assert ConnectionDraft.objects.count() == 0


def test_what_was_pasted_is_never_written_back(admin):
    response = admin.post(NEW, {"kubeconfig": "users: [{token: very-secret}]"})
    assert response.status_code == 422
    assert "very-secret" not in response.content.decode()


def test_another_person_or_session_cannot_use_a_draft(admin, issuer, administrator, client_of):
    url = admin.post(NEW, {"kubeconfig": json.dumps(kubeconfig("https://k.test", ""))}).url
    other_session = client_of(administrator)
    assert other_session.get(url).status_code == 409
    assert client_of(issuer).get(url).status_code == 403
    assert admin.get(f"{NEW}?way=context&draft=nonsense").status_code == 409


def test_server_ca_and_token_connect(admin, api_server, authority):
    response = admin.post(f"{NEW}?way=token", token_values(api_server.url, authority.pem))
    assert (response.status_code, response.url) == (302, "/clusters/lab/")
    sealed = SealedConnection.objects.get()
    assert TOKEN.encode() not in bytes(sealed.ciphertext)


def test_missing_permissions_lead_to_the_test_page(admin, api_server, authority, fake_cluster):
    fake_cluster.refuses = {"watch"}
    response = admin.post(f"{NEW}?way=token", token_values(api_server.url, authority.pem))
    assert response.url == "/clusters/lab/test/"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"name": "n" * 101}, "name"),
        ({"server": "http://plain.test"}, "server"),
        ({"server": "https://169.254.169.254"}, "server"),
        ({"server": "https://127.0.0.1:1"}, "server"),
        ({"server": "<script>alert(1)</script>"}, "server"),
        ({"ca_pem": "no certificate"}, "ca_pem"),
        ({"token": ""}, "token"),
        ({"token": "two words"}, "token"),
    ],
)
def test_a_wrong_value_is_said_beside_its_field(admin, api_server, authority, changes, field):
    values = token_values(api_server.url, authority.pem) | changes
    response = admin.post(f"{NEW}?way=token", values)
    assert response.status_code == 422
    assert response.context["form"].errors.get(field), response.context["form"].errors
    assert TOKEN not in response.content.decode()
    assert "<script>alert" not in response.content.decode()
    assert Cluster.objects.count() == 0


def test_a_private_key_in_the_ca_field_is_thrown_away(admin, api_server, authority):
    values = token_values(api_server.url, authority.pem + authority.key_pem)
    response = admin.post(f"{NEW}?way=token", values)
    assert response.status_code == 422
    assert "PRIVATE KEY" not in response.content.decode()


def test_a_token_that_was_typed_once_need_not_be_typed_again(admin, api_server, authority):
    values = token_values(api_server.url, authority.pem)
    refused = admin.post(f"{NEW}?way=token", {**values, "server": "https://127.0.0.1:1"})
    draft = refused.context["draft"]
    response = admin.post(f"{NEW}?way=token", {**values, "token": "", "draft": str(draft)})
    assert response.status_code == 302


def html(conn, asked):
    answer(conn, 200, "<html>login</html>", Content_Type="text/html")


def endless(conn, asked):
    send = chunked(conn)
    while True:
        send(b" " * 65536)


def silent(conn, asked):
    time.sleep(8)


@pytest.mark.parametrize("script", [html, endless, silent])
def test_a_lying_server_is_refused_in_time_and_nothing_is_stored(admin, serve, authority, script):
    server = serve(script)
    started = time.monotonic()
    response = admin.post(f"{NEW}?way=token", token_values(server.url, authority.pem))
    assert time.monotonic() - started < 30
    assert response.status_code == 422
    assert response.context["form"].errors["server"]
    assert (Cluster.objects.count(), SealedConnection.objects.count()) == (0, 0)


def test_a_server_with_another_authoritys_certificate_is_refused(admin, api_server):
    values = token_values(api_server.url, TestAuthority(common_name="other").pem)
    response = admin.post(f"{NEW}?way=token", values)
    assert response.status_code == 422
    assert response.context["form"].errors["server"]


def test_a_token_that_is_not_accepted_is_refused(admin, api_server, authority, fake_cluster):
    fake_cluster.token = "another"
    response = admin.post(f"{NEW}?way=token", token_values(api_server.url, authority.pem))
    assert response.status_code == 422
    assert Cluster.objects.count() == 0


def test_a_name_is_taken_once(admin, cluster, api_server, authority):
    values = token_values(api_server.url, authority.pem, name=cluster.name.upper())
    response = admin.post(f"{NEW}?way=token", values)
    assert response.status_code == 422
    assert response.context["form"].errors["name"]


def test_the_pods_own_account_is_offered_inside_a_cluster_only(admin, monkeypatch):
    assert "way=in-cluster" not in admin.get(NEW).content.decode()
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert "way=in-cluster" in admin.get(NEW).content.decode()
    response = admin.post(f"{NEW}?way=in-cluster", {"name": "here"})
    assert response.status_code == 422
    assert response.context["form"].errors["name"]


def test_credentials_are_replaced_and_the_old_ones_forgotten(admin, cluster, api_server, authority):
    before = cluster.sealed_id
    url = reverse("clusters:cluster_reconnect", args=[cluster.slug])
    values = token_values(api_server.url, authority.pem, token="a-newer-token")
    assert admin.get(f"{url}?way=token").status_code == 200
    assert admin.post(f"{url}?way=token", values).status_code == 302
    assert not SealedConnection.objects.filter(pk=before).exists()
    assert SealedConnection.objects.count() == 1


def test_pages_with_credentials_are_not_cached(admin):
    assert admin.get(NEW)["Cache-Control"] == "no-store"
