"""The pages of authorities: the list, one authority, its public files."""

from __future__ import annotations

import datetime as dt

import pytest
import yaml
from django.urls import reverse
from django.utils import timezone

from aggportal.certs.lifetimes import life_of
from aggportal.certs.models import Authority, Lane
from aggportal.ledger.models import Entry
from aggportal.pki.reading import read_certificate
from tests.certs.authority_made import make_authority

LIST = "/authorities/"
DAY = dt.timedelta(days=1)


@pytest.fixture
def authority(db: None) -> Authority:
    return make_authority()


def test_an_empty_list_offers_the_first_step_to_who_may_take_it(client_of, viewer, administrator):
    new = f"{reverse('certs:authority_new')}?lane=front-proxy"
    assert new in client_of(administrator).get(LIST).text
    seen = client_of(viewer).get(LIST).text
    assert new not in seen
    assert "An administrator makes authorities" in seen


def test_the_list_tells_lane_life_and_how_much_was_issued(client_of, viewer, authority):
    now = timezone.now()
    make_authority("old", lane=Lane.SERVING, now=now - 3651 * DAY)
    seen = client_of(viewer).get(LIST).text
    assert "behind --requestheader-client-ca-file" in seen
    assert "behind caBundle" in seen
    assert "valid" in seen
    assert "expired" in seen
    assert "0 certificates" in seen


@pytest.mark.parametrize("name", ["authority_list", "authority_show", "authority_file"])
def test_a_stranger_sees_no_authority(client_of, stranger, client, authority, name):
    args = {"authority_list": [], "authority_show": ["proxy"]}.get(name, ["proxy", "proxy-ca.pem"])
    address = reverse(f"certs:{name}", args=args)
    assert client_of(stranger).get(address).status_code == 403
    assert client.get(address).status_code == 302
    assert client_of(stranger).post(address).status_code == 405


def test_an_authority_says_its_lane_and_that_its_key_stays(client_of, viewer, authority):
    seen = client_of(viewer).get(authority.get_absolute_url()).text
    assert "Its own key stays here." in seen
    assert "Whoever holds a client certificate of this authority may claim to be anybody" in seen
    assert authority.fingerprint_sha256 in seen
    assert "front-proxy-client" in seen
    assert "Edit profiles" not in seen
    assert "PRIVATE KEY" not in seen


def test_an_unknown_authority_is_not_found(client_of, viewer):
    assert client_of(viewer).get("/authorities/nobody/").status_code == 404
    assert client_of(viewer).get("/authorities/nobody/files/ca-config.json").status_code == 404


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("proxy-ca.pem", "BEGIN CERTIFICATE-"),
        ("proxy-ca.csr", "BEGIN CERTIFICATE REQUEST-"),
        ("proxy-ca-csr.json", '"CN": "proxy"'),
        ("ca-config.json", '"front-proxy-client"'),
        ("proxy-ca-configmap.yaml", "kind: ConfigMap"),
    ],
)
def test_a_viewer_takes_the_public_files_under_cfssls_names(
    client_of, viewer, authority, name, text
):
    client = client_of(viewer)
    address = reverse("certs:authority_file", args=["proxy", name])
    assert address in client.get(authority.get_absolute_url()).text
    answer = client.get(address)
    assert text in answer.text
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["proxy-ca-key.pem", "..%2fproxy-ca.pem", "proxy.pem", "x"])
def test_no_other_file_is_there_least_of_all_the_key(client_of, administrator, authority, name):
    answer = client_of(administrator).get(f"/authorities/proxy/files/{name}")
    assert answer.status_code == 404


def test_the_config_map_carries_the_certificate(client_of, viewer, authority):
    address = reverse("certs:authority_file", args=["proxy", "proxy-ca-configmap.yaml"])
    document = yaml.safe_load(client_of(viewer).get(address).text)
    assert document["metadata"] == {"name": "proxy-bundle", "namespace": "kube-system"}
    assert read_certificate(document["data"]["ca.crt"]).sha256 == authority.fingerprint_sha256


@pytest.mark.parametrize(
    ("days", "lived", "state"),
    [(-1, 0, "early"), (0, 0, "ok"), (50, 50, "ok"), (91, 91, "soon"), (101, 100, "over")],
)
def test_a_life_has_a_share_and_a_state(days, lived, state):
    begin = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    life = life_of(begin, begin + 100 * DAY, now=begin + days * DAY)
    assert (life.lived, life.state) == (lived, state)


def test_allowed_names_are_kept_once_each_and_recorded(client_of, administrator, authority) -> None:
    answer = client_of(administrator).post(
        f"/authorities/{authority.slug}/names/", {"allowed_names": "a\r\n b \r\n\r\na"}
    )
    assert answer.status_code == 302
    authority.refresh_from_db()
    assert authority.proxy_names == ("a", "b")
    assert Entry.objects.filter(action="authority.names_changed").count() == 1


@pytest.mark.parametrize("typed", ["x" * 65, "\n".join(map(str, range(21))), "a\u202eb", "a\x00b"])
def test_names_that_no_certificate_could_bear_are_refused(
    client_of, administrator, authority, typed: str
) -> None:
    answer = client_of(administrator).post(
        f"/authorities/{authority.slug}/names/", {"allowed_names": typed}
    )
    assert answer.status_code == 422
    assert "field-errors" in answer.content.decode()
    authority.refresh_from_db()
    assert authority.proxy_names == ()


def test_only_administrators_say_the_allowed_names(client_of, issuer, authority) -> None:
    client = client_of(issuer)
    assert client.post(f"/authorities/{authority.slug}/names/").status_code == 403
    assert client.get(f"/authorities/{authority.slug}/names/").status_code == 405
