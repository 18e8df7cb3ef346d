"""Subjects as cfssl builds them, and the identities that Kubernetes keeps for itself."""

from __future__ import annotations

import pytest
from cryptography import x509

from aggportal.pki.errors import InvalidField, ReservedIdentity
from aggportal.pki.names import build_subject, format_subject
from aggportal.pki.powernames import power_names, require_no_power_names
from aggportal.pki.requests import load_request_spec


def subject(*, compat=False, **document):
    return build_subject(load_request_spec(document, strict=False), compat=compat)


def test_the_order_is_cfssls_and_repeated_values_share_one_rdn_in_compat_alone():
    document = {
        "CN": "front",
        "serialnumber": "42",
        "names": [
            {"OU": "u", "O": "k8s", "L": "l", "ST": "s", "C": "CN", "E": "e@x.y"},
            {"O": "second", "OID": {"2.5.4.17": "1234", "2.5.4.9": "Way 1", "1.2.3.4": "v"}},
        ],
    }
    begin = "C=CN, ST=s, L=l, STREET=Way 1, postalCode=1234, "
    end = ", OU=u, CN=front, serialNumber=42, E=e@x.y, 1.2.3.4=v"
    assert format_subject(subject(**document, compat=True)) == f"{begin}O=k8s+O=second{end}"
    assert format_subject(subject(**document)) == f"{begin}O=k8s, O=second{end}"


@pytest.mark.parametrize(
    ("value", "tag"), [("plain (1)", 19), ("a*b", 12), ("a&b", 12), ("a@b", 12), ("é", 12)]
)
def test_a_value_is_a_printable_string_when_it_can_be(value, tag):
    assert bytes([tag, len(value.encode())]) + value.encode() in subject(CN=value).public_bytes()


def test_the_same_value_twice_in_one_type_is_refused():
    with pytest.raises(InvalidField, match="stands twice"):
        subject(CN="x", names=[{"O": "a"}, {"O": "a"}])


@pytest.mark.parametrize(
    "value",
    [
        "system:masters",
        "System:Masters ",
        "ｓｙｓｔｅｍ：ｍａｓｔｅｒｓ",
        "ѕуѕтем:маѕтегѕ".replace("тем", "tem"),
        "system：masters",
        "sуstem:mаsters",
        "system:​masters",
        "system :masters",
        "ſystem:masterſ",
        "sýstem:masters",
    ],
)
def test_reserved_identity_refused(value):
    for attribute in (x509.NameOID.ORGANIZATION_NAME, x509.NameOID.COMMON_NAME):
        rdn = [x509.NameAttribute(attribute, value), x509.NameAttribute(attribute, "harmless")]
        name = x509.Name([x509.RelativeDistinguishedName(rdn)])
        with pytest.raises(ReservedIdentity, match="system:masters"):
            require_no_power_names(name)
        require_no_power_names(name, allow=True)


@pytest.mark.parametrize(
    "value", ["system:nodes", "system:node:n1", "system:kube-scheduler", "SYSTEM:x"]
)
def test_other_system_names_pass_only_when_allowed(value):
    with pytest.raises(ReservedIdentity):
        require_no_power_names(subject(CN=value))
    require_no_power_names(subject(CN=value), allow=True)


def test_kubeadms_administrators_and_own_names_are_found():
    name = subject(CN="node-1", names=[{"O": "kubeadm:cluster‑admins"}])
    found = power_names(name, names=["NODE-1"])
    assert [(f.attribute, f.identity) for f in found] == [
        ("O", "kubeadm:cluster-admins"),
        ("CN", "NODE-1"),
    ]


@pytest.mark.parametrize(
    "value", ["System", "k8s", "aggregator", "kubernetes", "masters", "ecosystem: masters"]
)
def test_ordinary_names_are_not_reserved(value):
    assert not power_names(subject(CN=value))
