"""What an authority's page offers beside its certificate."""

from __future__ import annotations

import pytest
import yaml

from aggportal.pki.reading import read_certificate
from tests.certs.makers import make_authority

pytestmark = pytest.mark.django_db


def test_a_viewer_takes_the_authority_as_der(client_of, viewer):
    authority = make_authority()
    answer = client_of(viewer).get(f"/authorities/{authority.slug}/files/front-proxy-ca.der")
    assert answer["Content-Type"] == "application/pkix-cert"
    assert read_certificate(answer.content).sha256 == authority.fingerprint_sha256


def test_the_issuer_for_cert_manager_comes_without_the_key_and_says_so(client_of, viewer):
    authority = make_authority()
    client = client_of(viewer)
    address = f"/authorities/{authority.slug}/files/front-proxy-ca-cert-manager.yaml"
    issuer = yaml.safe_load(client.get(address).content)
    assert issuer["spec"] == {"ca": {"secretName": "front-proxy-ca-key-pair"}}
    page = client.get(authority.get_absolute_url()).text
    assert f'href="{address}"' in page
    assert "this one&#x27;s does not leave" in page
