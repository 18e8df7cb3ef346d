"""What is taken away arrives whole, with the right modes, and never carries an authority's key."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import hashlib
import io
import tarfile

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aggportal.pki.errors import InvalidField, KeyMismatch
from aggportal.pki.exports import (
    AuthorityKeyStays,
    DuplicateFile,
    ExportedFile,
    archive,
    ca_config_map,
    certificate_files,
    require_base_name,
    sha256_sums,
    tls_secret,
)
from tests.pki.certificates_made import NOW, authority, proxy_client

CA = authority()
LEAF = proxy_client(CA)
FILES = (
    *certificate_files("aggregator-ca", certificate=CA.facts, csr_pem="ca request\n"),
    *certificate_files(
        "aggregator", certificate=LEAF.facts, key_pem=LEAF.key_pem, csr_pem="request\n"
    ),
)


def unpacked(packed: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        return {member.name: member for member in tar.getmembers()}


def test_names_and_modes_are_those_of_cfssljson():
    assert [(f.name, oct(f.mode), f.is_secret) for f in FILES] == [
        ("aggregator-ca.pem", "0o644", False),
        ("aggregator-ca.csr", "0o644", False),
        ("aggregator.pem", "0o644", False),
        ("aggregator-key.pem", "0o600", True),
        ("aggregator.csr", "0o644", False),
    ]
    assert FILES[2].body.decode() == LEAF.facts.pem


def test_a_file_does_not_show_its_bytes_in_a_repr():
    assert "PRIVATE" not in repr(FILES[3])


def test_the_key_of_an_authority_stays():
    with pytest.raises(AuthorityKeyStays, match="does not leave the portal"):
        certificate_files("ca", certificate=CA.facts, key_pem=CA.key_pem)
    with pytest.raises(KeyMismatch):
        certificate_files("leaf", certificate=LEAF.facts, key_pem=CA.key_pem)
    with pytest.raises(KeyMismatch):
        tls_secret(
            "x",
            namespace="y",
            certificate=LEAF.facts,
            key_pem=CA.key_pem,
            chain=(CA.facts,),
        )


@pytest.mark.parametrize("base", ["a", "aggregator-ca", "A_b.9", "1", "x" * 100])
def test_a_plain_base_name_is_taken(base: str):
    assert require_base_name(base) == base


@pytest.mark.parametrize(
    "base",
    ["", ".", "..", ".a", "-a", "a/b", "a\\b", "a b", "a\n", "a\0", "é", "../x", "$(x)", "x" * 101],
)
def test_a_dangerous_base_name_is_refused(base: str):
    with pytest.raises(InvalidField) as refused:
        certificate_files(base, certificate=CA.facts)
    assert refused.value.field == "base"


def test_the_archive_holds_files_sums_and_script_with_their_modes():
    members = unpacked(archive(FILES, now=NOW))
    modes = {name: oct(member.mode) for name, member in members.items()}
    assert modes == {
        **{f.name: oct(f.mode) for f in FILES},
        "install.sh": "0o755",
        "SHA256SUMS": "0o644",
    }
    assert {(m.uid, m.gid, m.uname, m.mtime) for m in members.values()} == {
        (0, 0, "root", int(NOW.timestamp()))
    }
    assert all(member.isreg() for member in members.values())


def test_the_same_input_gives_the_same_archive():
    assert archive(FILES, now=NOW) == archive(FILES, now=NOW)
    later = archive(FILES, now=NOW + dt.timedelta(hours=1))
    assert later != archive(FILES, now=NOW)
    assert gzip.decompress(later)


def test_sums_are_those_of_the_bytes():
    line = sha256_sums(FILES).splitlines()[3]
    assert line == f"{hashlib.sha256(LEAF.key_pem.encode()).hexdigest()}  aggregator-key.pem"


@pytest.mark.parametrize("name", ["aggregator.pem", "install.sh", "SHA256SUMS"])
def test_two_files_of_one_name_are_refused(name: str):
    with pytest.raises(DuplicateFile, match=name):
        archive((*FILES, ExportedFile(name=name, body=b"")), now=NOW)


def test_a_secret_holds_the_pair_and_the_authority():
    text = tls_secret(
        "aggregator",
        namespace="kube-system",
        certificate=LEAF.facts,
        key_pem=LEAF.key_pem,
        chain=(CA.facts,),
    )
    secret = yaml.safe_load(text)
    assert (secret["kind"], secret["type"]) == ("Secret", "kubernetes.io/tls")
    assert secret["metadata"] == {"name": "aggregator", "namespace": "kube-system"}
    assert {k: base64.b64decode(v).decode() for k, v in secret["data"].items()} == {
        "tls.crt": LEAF.facts.pem,
        "tls.key": LEAF.key_pem,
        "ca.crt": CA.facts.pem,
    }


def test_a_config_map_is_readable_and_carries_the_whole_bundle():
    other = authority("other")
    text = ca_config_map("trust", namespace="kube-system", authorities=(CA.facts, other.facts))
    assert "  ca.crt: |\n    -----BEGIN CERTIFICATE-----\n" in text
    assert yaml.safe_load(text)["data"]["ca.crt"] == CA.facts.pem + other.facts.pem


dns_label = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)


@given(name=st.lists(dns_label, min_size=1, max_size=4).map(".".join), namespace=dns_label)
def test_any_allowed_name_survives_yaml(name: str, namespace: str):
    text = ca_config_map(name, namespace=namespace, authorities=(CA.facts,))
    assert yaml.safe_load(text)["metadata"] == {"name": name, "namespace": namespace}


@pytest.mark.parametrize("name", ["1e3", "0o14", "1.5e3", "123", "0x1f", "y", "on", "null", "1-1"])
def test_a_name_that_looks_like_a_number_or_truth_value_is_quoted(name: str):
    text = ca_config_map(name, namespace="kube-system", authorities=(CA.facts,))
    assert f'name: "{name}"' in text or f"name: '{name}'" in text
    assert "namespace: kube-system" in text


@pytest.mark.parametrize(
    ("name", "namespace", "field"),
    [
        ("Upper", "x", "name"),
        ("", "x", "name"),
        ("a\nb: c", "x", "name"),
        ("a..b", "x", "name"),
        ("-a", "x", "name"),
        ("a" * 254, "x", "name"),
        ("x", "a.b", "namespace"),
        ("x", "a" * 64, "namespace"),
        ("x", "no\n", "namespace"),
        ("x", "", "namespace"),
    ],
)
def test_names_that_kubernetes_refuses_are_refused_here(name: str, namespace: str, field: str):
    with pytest.raises(InvalidField) as refused:
        ca_config_map(name, namespace=namespace, authorities=(CA.facts,))
    assert refused.value.field == field
