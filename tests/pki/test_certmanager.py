"""cert-manager's Issuer names a Secret and holds no key."""

from __future__ import annotations

import pytest
import yaml

from aggportal.pki.certmanager import ca_issuer
from aggportal.pki.errors import InvalidField


def test_an_issuer_names_its_secret():
    text = ca_issuer("front-proxy-ca", namespace="cert-manager", secret_name="key-pair")
    assert yaml.safe_load(text) == {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Issuer",
        "metadata": {"name": "front-proxy-ca", "namespace": "cert-manager"},
        "spec": {"ca": {"secretName": "key-pair"}},
    }


@pytest.mark.parametrize(
    ("name", "namespace", "secret"), [("A", "b", "c"), ("a", "B", "c"), ("a", "b", "c d")]
)
def test_a_name_that_kubernetes_refuses_is_refused(name, namespace, secret):
    with pytest.raises(InvalidField):
        ca_issuer(name, namespace=namespace, secret_name=secret)
