"""Connections: what is accepted, what is named as wrong, and that secrets stay inside."""

from __future__ import annotations

import json

import pytest

from aggportal.kube import connections
from aggportal.kube.connections import (
    ClientCertificate,
    Connection,
    ServiceAccount,
    dump_connection,
    from_token,
    in_cluster,
    load_connection,
)
from aggportal.kube.errors import InvalidConnection
from aggportal.kube.servers import parse_server

SERVER = "https://k8s.example.com:6443"


def test_a_pasted_connection_survives_sealing(authority):
    connection = from_token(f" {SERVER}/ ", authority.pem, " abc\n")
    assert connection.server == SERVER
    assert load_connection(dump_connection(connection)) == connection


def test_a_certificate_and_a_service_account_survive_sealing_too(authority):
    pair = authority.client("ada")
    for auth in (
        ClientCertificate(certificate_pem=pair.certificate_pem, key_pem=pair.key_pem),
        ServiceAccount(),
    ):
        connection = Connection(server=SERVER, ca_pem=authority.pem, auth=auth)
        assert load_connection(dump_connection(connection)) == connection


def test_secrets_are_in_no_repr(authority):
    pair = authority.client("ada")
    auth = ClientCertificate(certificate_pem=pair.certificate_pem, key_pem=pair.key_pem)
    assert "PRIVATE" not in repr(Connection(server=SERVER, auth=auth))
    assert "abc" not in repr(from_token(SERVER, None, "abc"))


@pytest.mark.parametrize("token", ["", " ", "a b", "a\nb", "é", "a\x00b", "x" * 20_000])
def test_what_is_no_token_is_named(token):
    with pytest.raises(InvalidConnection) as caught:
        from_token(SERVER, None, token)
    assert caught.value.field == "token"


@pytest.mark.parametrize(
    "pem", ["x", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----"]
)
def test_what_is_no_certificate_is_named(pem):
    with pytest.raises(InvalidConnection) as caught:
        from_token(SERVER, pem, "abc")
    assert caught.value.field == "ca_pem"


def test_a_private_key_among_the_certificates_is_refused(authority):
    with pytest.raises(InvalidConnection, match="private key"):
        from_token(SERVER, authority.pem + authority.key_pem, "abc")


def test_a_key_of_another_certificate_is_refused(authority):
    one, two = authority.client("ada"), authority.client("bob")
    with pytest.raises(InvalidConnection) as caught:
        Connection(
            server=SERVER,
            auth=ClientCertificate(certificate_pem=one.certificate_pem, key_pem=two.key_pem),
        )
    assert caught.value.field == "client_key"


@pytest.mark.parametrize(
    "change",
    [{"server": "http://x"}, {"format": 2}, {"auth": {"kind": "exec"}}, {"auth": 7}, {"ca_pem": 7}],
    ids=str,
)
def test_a_changed_record_is_checked_again(change):
    doc = json.loads(dump_connection(from_token(SERVER, None, "abc"))) | change
    with pytest.raises(InvalidConnection):
        load_connection(json.dumps(doc).encode())


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b"null"])
def test_a_record_that_is_none_is_refused(data):
    with pytest.raises(InvalidConnection):
        load_connection(data)


def test_inside_a_cluster_the_mounted_account_is_used(tmp_path, authority, monkeypatch):
    (tmp_path / "token").write_text("first\n")
    (tmp_path / "ca.crt").write_text(authority.pem)
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    assert in_cluster(environ, tmp_path).server == "https://[fd00::1]"
    monkeypatch.setattr(connections, "SERVICE_ACCOUNT_DIRECTORY", tmp_path)
    (tmp_path / "token").write_text("second\n")
    assert connections.read_service_account_token() == "second"


def test_outside_a_cluster_that_is_said(tmp_path):
    with pytest.raises(InvalidConnection, match="inside a cluster"):
        in_cluster({}, tmp_path)
    with pytest.raises(InvalidConnection, match="not mounted"):
        in_cluster({"KUBERNETES_SERVICE_HOST": "h", "KUBERNETES_SERVICE_PORT": "1"}, tmp_path)


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://K8S.Example.com", "https://k8s.example.com"),
        ("https://a.example.com:443/", "https://a.example.com"),
        ("https://10.0.0.1:6443", "https://10.0.0.1:6443"),
        ("https://[::1]:6443", "https://[::1]:6443"),
        ("https://kubernetes.default.svc.", "https://kubernetes.default.svc"),
        ("https://r.example.com/k8s/clusters/c-1/", "https://r.example.com/k8s/clusters/c-1"),
    ],
)
def test_addresses_have_one_spelling(url, plain):
    assert parse_server(url).url == plain


@pytest.mark.parametrize(
    "url",
    [
        "", "k8s.example.com", "http://k8s.example.com", "ftp://x", "https://", "https://:443",
        "https://127.1", "https://2130706433", "https://0x7f000001", "https://0177.0.0.1",
        "https://1.2.3.4.5", "https://256.1.1.1", "https://①②⑦.0.0.1",
        "https://exämple.com", "https://user@h", "https://user:pw@h", "https://h:0",
        "https://h:99999", "https://h:x", "https://h/?a", "https://h/#a", "https://h?",
        "https://a b",
        "https://h\\@evil", "https://h%00", "https://[fe80::1%25eth0]", "https://[::1",
        "https://-a",
        "https://a..b", "https://h/../x", "https://h/%2e", "https://h\r\nX: y",
        "https://a_b",
        "https://" + "a" * 300, "https://h/" + "a" * 3000, "javascript:alert(1)",
        "https://h/<script>",
    ],
)  # fmt: skip
def test_odd_addresses_are_refused(url):
    with pytest.raises(InvalidConnection) as caught:
        parse_server(url)
    assert caught.value.field == "server"
