"""The door to the API server, against servers that behave and servers that lie."""

from __future__ import annotations

import json
import time

import pytest

from aggportal.kube import errors
from aggportal.kube.connections import ClientCertificate
from aggportal.kube.permissions import READ_RULES, AccessRule
from tests.kube.conftest import TOKEN
from tests.kube.servers import answer, chunked, drip, hang_up, status_object

VERSION = {"gitVersion": "v1.31.2", "major": "1", "minor": "31"}


def saying(status, body, **headers):
    return lambda conn, _asked: answer(conn, status, body, **headers)


def test_the_version_is_read_with_the_token_and_the_right_host(serve, client_for):
    server = serve(saying(200, VERSION))
    assert client_for(server.url).version().git_version == "v1.31.2"
    headers = server.asked[0].headers
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["host"] == f"127.0.0.1:{server.port}"


def test_connections_are_kept_between_requests(serve, client_for):
    server = serve(saying(200, VERSION))
    client = client_for(server.url)
    for _ in range(3):
        client.version()
    assert server.connections == 1


def test_a_kept_connection_that_the_server_closed_is_replaced_unseen(serve, client_for):
    def script(conn, asked):
        if len(server.asked) == 2:
            hang_up(conn)
        else:
            answer(conn, 200, VERSION)

    server = serve(script)
    client = client_for(server.url)
    client.version()
    assert client.version().major == "1"


def test_a_client_certificate_logs_in(serve, client_for, authority):
    pair = authority.client("ada", "admins")
    server = serve(saying(200, VERSION), client_ca_pem=authority.pem)
    auth = ClientCertificate(certificate_pem=pair.certificate_pem, key_pem=pair.key_pem)
    assert client_for(server.url, auth).version().minor == "31"
    assert "authorization" not in server.asked[0].headers


def test_a_server_that_wants_a_client_certificate_says_so(serve, client_for, authority):
    server = serve(saying(200, VERSION), client_ca_pem=authority.pem)
    with pytest.raises(errors.TransportError) as caught:
        client_for(server.url).version()
    assert getattr(caught.value, "reason", "") in ("client-certificate", "dropped")


@pytest.mark.parametrize(
    ("status", "leaf"),
    [
        (400, errors.Invalid),
        (401, errors.Unauthorized),
        (403, errors.PermissionDenied),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (410, errors.Gone),
        (422, errors.Invalid),
        (429, errors.ServerFailed),
        (500, errors.ServerFailed),
        (503, errors.ServerFailed),
    ],
)
def test_a_no_of_the_server_is_our_error_with_its_words(serve, client_for, status, leaf):
    server = serve(saying(status, status_object(status, "Because", f"no, and {TOKEN}")))
    with pytest.raises(errors.ApiError) as caught:
        client_for(server.url).get_json("/version")
    assert type(caught.value) is leaf
    assert caught.value.status == status
    assert caught.value.message == "no, and …"
    assert TOKEN not in str(caught.value)


def test_the_fields_of_an_invalid_object_are_named(serve, client_for):
    causes = [{"reason": "FieldValueInvalid", "field": "spec.group", "message": "bad"}, 7]
    body = status_object(422, "Invalid", "x is invalid", causes=causes)
    server = serve(saying(422, body))
    with pytest.raises(errors.Invalid) as caught:
        client_for(server.url).create("/apis/x", {})
    assert [(each.field, each.message) for each in caught.value.causes] == [("spec.group", "bad")]


def test_a_resource_version_from_the_future_counts_as_gone(serve, client_for):
    body = status_object(504, "Timeout", "Timeout: Too large resource version: 9, current: 1")
    server = serve(saying(504, body))
    with pytest.raises(errors.Gone):
        client_for(server.url).get_json("/version")


@pytest.mark.parametrize(
    "body",
    ["<html>login</html>", "{", "[]", "null", "\xff\xfe", "[" * 100_000, '{"gitVersion": 7}', "{}"],
    ids=["html", "cut", "list", "null", "binary", "deep", "wrong type", "empty"],
)
def test_what_is_no_api_server_is_named_so(serve, client_for, body):
    server = serve(saying(200, body))
    with pytest.raises(errors.NotKubernetes):
        client_for(server.url).version()


def test_a_login_page_with_status_403_is_no_api_server(serve, client_for):
    server = serve(saying(403, "<!doctype html><title>Sign in</title>"))
    with pytest.raises(errors.NotKubernetes):
        client_for(server.url).version()


def test_redirects_are_not_followed(serve, client_for):
    target = serve(saying(200, VERSION))
    server = serve(saying(302, "", Location=f"{target.url}/version"))
    with pytest.raises(errors.Redirected):
        client_for(server.url).version()
    assert target.asked == []


def test_an_endless_body_is_cut_off(serve, client_for):
    def script(conn, _asked):
        send = chunked(conn)
        while True:
            send(b"x" * 65_536)

    with pytest.raises(errors.TooLarge):
        client_for(serve(script).url).get_json("/version")


def test_a_dripping_body_ends_at_the_deadline(serve, client_for):
    def script(conn, _asked):
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
        drip(conn, b"x" * 500)

    _times_out_within(20, client_for(serve(script).url))


def test_dripping_headers_end_at_the_deadline(serve, client_for):
    server = serve(lambda conn, _: drip(conn, b"HTTP/1.1 200 OK\r\nX: " + b"x" * 500))
    _times_out_within(20, client_for(server.url))


def test_a_server_that_never_answers_ends_at_the_deadline(serve, client_for):
    server = serve(lambda conn, asked: time.sleep(30))
    _times_out_within(20, client_for(server.url))


def test_a_server_without_handshake_ends_at_the_connect_timeout(serve, client_for):
    server = serve(lambda conn, asked: time.sleep(5), pair=None)
    _times_out_within(20, client_for(server.url))


def _times_out_within(seconds, client):
    started = time.monotonic()
    with pytest.raises(errors.TimedOut):
        client.version()
    assert time.monotonic() - started < seconds


def test_an_http_server_is_no_tls_server(serve, client_for):
    server = serve(lambda conn, _: conn.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), pair=None)
    with pytest.raises(errors.TlsFailure) as caught:
        client_for(server.url).version()
    assert caught.value.reason == "not-tls"


def test_a_certificate_of_another_authority_is_refused(serve, client_for, authority):
    other = type(authority)(common_name="other-ca").serving("127.0.0.1")
    _fails_tls(serve(saying(200, VERSION), pair=other), client_for, "unknown-authority")


def test_a_certificate_for_another_name_is_refused(serve, client_for, authority):
    pair = authority.serving("elsewhere.example.com")
    _fails_tls(serve(saying(200, VERSION), pair=pair), client_for, "name-mismatch")


def test_an_expired_certificate_is_refused(serve, client_for, authority):
    pair = authority.serving("127.0.0.1", days=(-9, -2))
    _fails_tls(serve(saying(200, VERSION), pair=pair), client_for, "expired")


def test_a_certificate_of_tomorrow_is_refused(serve, client_for, authority):
    pair = authority.serving("127.0.0.1", days=(2, 9))
    _fails_tls(serve(saying(200, VERSION), pair=pair), client_for, "not-yet-valid")


def _fails_tls(server, client_for, reason):
    with pytest.raises(errors.TlsFailure) as caught:
        client_for(server.url).version()
    assert caught.value.reason == reason
    assert server.asked == [], "credentials must not have travelled"


def test_a_closed_port_refuses(client_for):
    with pytest.raises(errors.Unreachable) as caught:
        client_for("https://127.0.0.1:1").version()
    assert caught.value.reason == "refused"


def test_a_connection_broken_off_says_so(serve, client_for):
    server = serve(lambda conn, asked: hang_up(conn))
    with pytest.raises(errors.Unreachable) as caught:
        client_for(server.url).version()
    assert caught.value.reason == "dropped"


def test_the_name_is_checked_though_the_address_is_dialled(serve, client_for):
    server = serve(saying(200, VERSION))
    client = client_for(f"https://kubernetes:{server.port}", resolve=lambda *_: ["127.0.0.1"])
    assert client.version().major == "1"
    assert server.asked[0].headers["host"] == f"kubernetes:{server.port}"


def test_the_next_address_is_tried_when_the_first_refuses(serve, client_for):
    server = serve(saying(200, VERSION))
    client = client_for(
        f"https://kubernetes:{server.port}", resolve=lambda *_: ["127.0.0.9", "127.0.0.1"]
    )
    assert client.version().major == "1"


def test_a_name_that_leads_to_the_metadata_service_is_never_dialled(serve, client_for):
    server = serve(saying(200, VERSION))
    client = client_for(
        f"https://kubernetes:{server.port}", resolve=lambda *_: ["127.0.0.1", "169.254.169.254"]
    )
    with pytest.raises(errors.EgressDenied):
        client.version()
    assert server.connections == 0


def test_a_proxy_of_the_environment_is_not_used(serve, client_for, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
    server = serve(saying(200, VERSION))
    assert client_for(server.url).version().major == "1"


def test_a_list_is_read_page_by_page(serve, client_for):
    def script(conn, asked):
        first = "continue" not in asked.target
        metadata = {"resourceVersion": "7", "continue": "more" if first else ""}
        answer(conn, 200, {"metadata": metadata, "items": [{"n": first}, "odd"]})

    listing = client_for(serve(script).url).list_pages("/apis/x")
    assert listing.items == ({"n": True}, {"n": False})
    assert listing.resource_version == "7"


def test_a_list_that_expires_midway_is_begun_again_once(serve, client_for):
    def script(conn, asked):
        if len(server.asked) in (1, 3):
            answer(conn, 200, {"metadata": {"resourceVersion": "1", "continue": "t"}, "items": []})
        elif len(server.asked) == 2:
            answer(conn, 410, status_object(410, "Expired", "too old"))
        else:
            answer(conn, 200, {"metadata": {"resourceVersion": "2"}, "items": None})

    server = serve(script)
    assert client_for(server.url).list_pages("/apis/x").resource_version == "2"


def test_a_list_without_end_ends_at_its_deadline(serve, client_for):
    page = {"metadata": {"resourceVersion": "1", "continue": "again"}, "items": []}
    started = time.monotonic()
    with pytest.raises(errors.TransportError):
        client_for(serve(saying(200, page)).url).list_pages("/apis/x")
    assert time.monotonic() - started < 30


def test_writing_says_who_writes_and_whether_it_is_meant(serve, client_for):
    server = serve(saying(200, {}))
    client = client_for(server.url)
    client.create("/apis/x", {"a": 1}, dry_run=True)
    client.apply("/apis/x/y", {"a": 1}, force=True)
    client.delete("/apis/x/y", uid="u", resource_version="5")
    created, applied, deleted = server.asked
    assert created.target == "/apis/x?fieldManager=aggportal&dryRun=All"
    assert applied.method == "PATCH"
    assert applied.headers["content-type"] == "application/apply-patch+yaml"
    assert applied.target.endswith("force=true")
    assert json.loads(deleted.body)["preconditions"] == {"uid": "u", "resourceVersion": "5"}


def test_rules_are_asked_one_by_one(serve, client_for):
    def script(conn, asked):
        spec = json.loads(asked.body)["spec"]
        allowed = spec.get("resourceAttributes", {}).get("verb") != "watch"
        answer(conn, 201, {"status": {"allowed": allowed}})

    answers = client_for(serve(script).url).can_i(READ_RULES)
    assert [each.rule.verb for each in answers if not each.allowed] == ["watch"]


def test_who_we_are_is_said_or_the_age_of_the_server(serve, client_for):
    info = {"username": "ada", "groups": ["admins"]}
    new = serve(saying(201, {"status": {"userInfo": info}}))
    old = serve(saying(404, "404 page not found"))
    assert client_for(new.url).who_am_i().groups == ("admins",)
    assert client_for(old.url).who_am_i().note is not None


@pytest.mark.parametrize("path", ["apis", "/a b", "/a?x=1", "/../x", "//evil", "/a\r\nX: y", ""])
def test_odd_paths_are_refused_before_anything_is_sent(client_for, path):
    with pytest.raises(errors.InvalidInput):
        client_for("https://127.0.0.1:1").get_json(path)


def test_a_raw_answer_is_short_and_without_our_token(serve, client_for):
    server = serve(saying(503, f"error {TOKEN} " + "x" * 100_000))
    raw = client_for(server.url).get_raw("/apis/a/v1")
    assert raw.status == 503
    assert raw.text.startswith("error … x")
    assert len(raw.text) <= 4096


def test_a_rule_reads_as_words():
    assert str(AccessRule(verb="get", path="/version")) == "get /version"
