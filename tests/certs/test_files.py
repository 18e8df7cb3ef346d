"""Taking files away: public ones freely, keys only by those allowed, by POST, and each time
recorded.
"""

from __future__ import annotations

import base64
import io
import json
import tarfile

import pytest
import yaml

from aggportal.certs.models import Certificate
from aggportal.ledger.models import Entry
from aggportal.pki.keys import load_private_key, spki_sha256
from aggportal.pki.reading import read_certificate
from tests.certs.makers import make_authority, make_certificate
from tests.certs.pages_used import file_of, page_of

pytestmark = pytest.mark.django_db

KEY = "front-proxy-client-key.pem"
PUBLIC = (
    "front-proxy-client.pem",
    "front-proxy-client.csr",
    "front-proxy-ca.pem",
    "front-proxy-ca.csr",
)
SECRET = {"name": "front-proxy", "namespace": "kube-system"}


@pytest.fixture
def certificate(db) -> Certificate:
    return make_certificate(make_authority())


def taken() -> list[str]:
    entries = Entry.objects.filter(action="certificate.key_taken").order_by("seq")
    return [entry.detail["how"] for entry in entries]


@pytest.mark.parametrize("name", PUBLIC)
def test_a_viewer_takes_the_public_files(client_of, viewer, certificate, name: str) -> None:
    answer = client_of(viewer).get(file_of(certificate, name))
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer.content.startswith(b"-----BEGIN CERTIFICATE")
    assert not taken()


@pytest.mark.parametrize(
    "name", ["front-proxy-ca-key.pem", "x.pem", "..%2fx", "front-proxy-client-key.pem.bak"]
)
def test_there_are_no_other_files(client_of, administrator, certificate, name: str) -> None:
    client = client_of(administrator)
    assert client.get(file_of(certificate, name)).status_code == 404
    assert client.post(file_of(certificate, name)).status_code in (404, 405)


def test_an_issuer_takes_the_key_each_time_recorded(client_of, issuer, certificate) -> None:
    client = client_of(issuer)
    for _ in range(2):
        answer = client.post(file_of(certificate, KEY))
    key = load_private_key(answer.content)
    assert spki_sha256(key.public_key()) == certificate.spki_sha256
    assert "no-store" in answer["Cache-Control"]
    assert taken() == ["file", "file"]
    assert Entry.objects.filter(actor_id=issuer.pk, action="certificate.key_taken").count() == 2


def test_a_link_never_takes_a_key(client_of, issuer, certificate) -> None:
    client = client_of(issuer)
    assert client.get(file_of(certificate, KEY)).status_code == 405
    assert client.get(page_of(certificate, "bundle")).status_code == 405
    assert client.get(page_of(certificate, "secret")).status_code == 405
    assert not taken()


@pytest.mark.parametrize("person", ["viewer", "stranger"])
def test_who_is_no_issuer_takes_no_key(client_of, request, certificate, person: str) -> None:
    client = client_of(request.getfixturevalue(person))
    assert client.post(file_of(certificate, KEY)).status_code == 403
    assert client.post(page_of(certificate, "bundle")).status_code == 403
    assert client.post(page_of(certificate, "secret"), SECRET).status_code == 403
    assert not taken()


def test_a_stranger_sees_no_certificate(client_of, stranger, certificate) -> None:
    client = client_of(stranger)
    for address in (page_of(certificate), file_of(certificate, PUBLIC[0])):
        assert client.get(address).status_code == 403


def test_the_archive_has_the_recipes_files_with_right_modes(client_of, issuer, certificate) -> None:
    answer = client_of(issuer).post(page_of(certificate, "bundle"))
    with tarfile.open(fileobj=io.BytesIO(answer.content), mode="r:gz") as tar:
        modes = {member.name: member.mode for member in tar}
    assert modes.pop(KEY) == 0o600
    assert modes.pop("install.sh") == 0o755
    assert modes == dict.fromkeys([*PUBLIC, "SHA256SUMS"], 0o644)
    assert taken() == ["archive"]


def test_the_secret_holds_the_pair(client_of, issuer, certificate) -> None:
    answer = client_of(issuer).post(page_of(certificate, "secret"), SECRET)
    secret = yaml.safe_load(answer.content)
    assert secret["metadata"] == SECRET
    key = load_private_key(base64.b64decode(secret["data"]["tls.key"]))
    facts = read_certificate(base64.b64decode(secret["data"]["tls.crt"]))
    assert spki_sha256(key.public_key()) == facts.spki_sha256 == certificate.spki_sha256
    assert taken() == ["secret"]


@pytest.mark.parametrize(
    "wrong", [{"name": "Upper_Case"}, {"name": ""}, {"namespace": "a b"}, {"namespace": "<script>"}]
)
def test_a_wrong_name_of_the_secret_lets_no_key_out(client_of, issuer, certificate, wrong) -> None:
    answer = client_of(issuer).post(page_of(certificate, "secret"), SECRET | wrong)
    assert answer.status_code == 422
    assert "field-errors" in answer.text
    assert "PRIVATE KEY" not in answer.text
    assert not taken()


def test_the_config_map_holds_the_authority_alone(client_of, viewer, certificate) -> None:
    answer = client_of(viewer).get(page_of(certificate, "configmap"), SECRET)
    data = yaml.safe_load(answer.content)["data"]
    assert data == {"ca.crt": certificate.authority.certificate_pem}
    assert client_of(viewer).post(page_of(certificate, "configmap"), SECRET).status_code == 405


def test_no_page_shows_a_key_and_the_page_says_why_the_authoritys_stays(
    client_of, issuer, certificate
) -> None:
    text = client_of(issuer).get(page_of(certificate)).text
    assert "PRIVATE KEY" not in text
    assert file_of(certificate, "front-proxy-ca-key.pem") not in text
    assert "It stays here" in text


def test_an_authority_and_its_leaf_have_different_file_names(client_of, issuer) -> None:
    authority = make_authority("aggregator")
    data = {"authority": "aggregator", "profile": "aggregator", "do": "issue"}
    data |= {"base": "{}", "text": '{"CN": "aggregator"}', "end_with_authority": "on"}
    assert client_of(issuer).post("/certificates/new/", data).status_code == 422
    assert not authority.certificates.exists()


@pytest.fixture
def below(db) -> Certificate:
    """A certificate that is an authority itself."""
    authority = make_authority()
    authority.signing_config = json.dumps(
        {
            "signing": {
                "default": {"expiry": "8760h"},
                "profiles": {
                    "below": {
                        "expiry": "8760h",
                        "usages": ["cert sign", "crl sign"],
                        "ca_constraint": {"is_ca": True},
                    }
                },
            }
        }
    )
    authority.save()
    return make_certificate(authority, "below", profile="below")


def test_the_key_of_an_authority_below_stays_and_nobody_is_said_to_have_taken_it(
    client_of, issuer, below
) -> None:
    client = client_of(issuer)
    assert client.post(file_of(below, "below-key.pem")).status_code == 409
    assert client.post(f"{page_of(below)}bundle.tar.gz").status_code == 409
    assert client.post(f"{page_of(below)}secret.yaml", SECRET).status_code == 422
    assert not taken()
    page = client.get(page_of(below)).text
    assert "below-key.pem" not in page
    assert "its key stays here" in page
