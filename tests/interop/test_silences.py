"""What we say of cfssl is what the installed cfssl (Debian's, of 2016) really does, silently."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

pytestmark = [
    pytest.mark.interop,
    pytest.mark.filterwarnings("ignore:Attribute's length"),
    pytest.mark.skipif(
        shutil.which("cfssl") is None, reason="cfssl is not installed (golang-cfssl)"
    ),
]
P256 = {"algo": "ecdsa", "size": 256}
CLIENT = {"usages": ["signing", "client auth"], "expiry": "1h"}


def run(*arguments: str, cwd: Path) -> tuple[x509.Certificate, str]:
    done = subprocess.run(
        ["cfssl", *arguments], cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    pem = json.loads(done.stdout)["cert"]
    return x509.load_pem_x509_certificate(pem.encode()), done.stderr


def initca(folder: Path, **document: object) -> x509.Certificate:
    (folder / "ca.json").write_text(json.dumps({"CN": "ca", "key": P256, **document}))
    done = subprocess.run(
        ["cfssl", "gencert", "-initca", "ca.json"], cwd=folder, capture_output=True, check=True
    )
    answer = json.loads(done.stdout)
    (folder / "ca.pem").write_text(answer["cert"])
    (folder / "ca-key.pem").write_text(answer["key"])
    return x509.load_pem_x509_certificate(answer["cert"].encode())


@pytest.fixture
def issue(tmp_path) -> Callable[..., x509.Certificate]:
    """Issue below a new authority; `ca` and `config` change it and the config."""

    def issue(spec=None, profile=None, *, ca=None, config=None, name="p") -> x509.Certificate:
        initca(tmp_path, **(ca or {}))
        signing = {"default": {"expiry": "1h"}, "profiles": {"p": {**CLIENT, **(profile or {})}}}
        (tmp_path / "config.json").write_text(json.dumps(config or {"signing": signing}))
        document = {"CN": "x", "hosts": ["a.example"], "key": P256, **(spec or {})}
        (tmp_path / "leaf.json").write_text(json.dumps(document))
        files = ["-ca=ca.pem", "-ca-key=ca-key.pem", "-config=config.json", f"-profile={name}"]
        return run("gencert", *files, "leaf.json", cwd=tmp_path)[0]

    return issue


def values(certificate: x509.Certificate, oid=NameOID.ORGANIZATION_NAME) -> list[str]:
    return [str(one.value) for one in certificate.subject.get_attributes_for_oid(oid)]


def names(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return [f"{type(name).__name__} {name.value}" for name in found.value]


def has(certificate: x509.Certificate, kind: type[x509.ExtensionType]) -> bool:
    return any(isinstance(extension.value, kind) for extension in certificate.extensions)


def usages(certificate: x509.Certificate) -> list[str]:
    found = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    return [oid._name for oid in found.value]


def test_unknown_keys_and_a_serial_number_in_names_are_ignored(issue):
    made = issue({"host": ["lost"], "names": [{"O": "a", "SerialNumber": "7"}]}, {"expires": "9h"})
    assert values(made, NameOID.SERIAL_NUMBER) == []
    assert names(made) == ["DNSName a.example"]


def test_repeated_names_share_one_rdn(issue):
    made = issue({"names": [{"O": "b"}, {"O": "a"}]})
    assert [len(list(rdn)) for rdn in made.subject.rdns] == [2, 1]


def test_countries_lengths_and_spaces_are_not_looked_at(issue):
    made = issue({"names": [{"C": "USA", "O": "k8s "}], "CN": "x" * 65})
    assert values(made, NameOID.COUNTRY_NAME) == ["USA"]
    assert values(made) == ["k8s "]
    assert values(made, NameOID.COMMON_NAME) == ["x" * 65]


def test_the_administrators_group_and_no_subject_at_all_pass(issue):
    assert values(issue({"names": [{"O": "system:masters"}]})) == ["system:masters"]
    assert list(issue({"CN": ""}).subject) == []


def test_hosts_with_space_port_and_uri_become_dns_names_and_repeat(issue):
    made = issue({"hosts": [" b", "localhost:8443", "spiffe://a/b", "a", "a"]})
    assert names(made) == [
        *("DNSName  b", "DNSName localhost:8443", "DNSName spiffe://a/b"),
        *("DNSName a", "DNSName a"),
    ]


def test_of_an_address_with_a_name_the_address_stays(issue):
    assert names(issue({"hosts": ["Ops <o@x.example>"]})) == ["RFC822Name o@x.example"]


def test_an_authority_keeps_addresses_alone_and_lives_five_years_without_limit(tmp_path):
    made = initca(tmp_path, hosts=["lost.example", "10.0.0.1"], ca={"pathlen": 0})
    assert names(made) == ["IPAddress 10.0.0.1"]
    assert (made.not_valid_after_utc - made.not_valid_before_utc).days == 1825
    constraints = made.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert constraints.path_length is None
    assert not has(made, x509.AuthorityKeyIdentifier)


def test_the_cn_is_not_copied_and_hosts_may_be_empty(issue):
    server = {"usages": ["server auth"]}
    assert names(issue({"CN": "a.example", "hosts": []}, server)) == []


def test_extensions_of_the_spec_are_dropped(issue):
    made = issue({"extensions": [{"Id": [1, 2, 3, 4], "Critical": False, "Value": "BQA="}]})
    assert "1.2.3.4" not in [extension.oid.dotted_string for extension in made.extensions]


def test_an_unknown_profile_is_the_default_one_and_unknown_usages_are_dropped(issue):
    default = {"expiry": "1h", "usages": ["server auth"]}
    config = {"signing": {"default": default, "profiles": {"p": CLIENT}}}
    assert usages(issue(config=config, name="nope")) == ["serverAuth"]
    assert usages(issue({}, {"usages": ["servr auth", "client auth"]})) == ["clientAuth"]


def test_without_a_default_there_is_cfssls_own(issue):
    made = issue(config={"signing": {"profiles": {"p": CLIENT}}}, name="nope")
    assert usages(made) == ["serverAuth", "clientAuth"]
    assert (made.not_valid_after_utc - made.not_valid_before_utc).days == 365


def test_usages_repeat_and_need_not_fit_the_key(issue):
    made = issue({}, {"usages": ["s/mime", "email protection", "key encipherment", "cert sign"]})
    assert usages(made) == ["emailProtection", "emailProtection"]
    key_usage = made.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (key_usage.key_encipherment, key_usage.key_cert_sign) == (True, True)
    stamps = issue({}, {"usages": ["timestamping", "client auth"]})
    assert not stamps.extensions.get_extension_for_class(x509.ExtendedKeyUsage).critical


def test_a_leaf_outlives_its_authority_and_loses_its_identifier_on_an_equal_subject(issue):
    made = issue({"CN": "ca"}, {"expiry": "99999h"}, ca={"ca": {"expiry": "2h"}})
    assert (made.not_valid_after_utc - made.not_valid_before_utc).days > 4000
    assert not has(made, x509.AuthorityKeyIdentifier)


def test_time_is_rounded_and_not_after_wins(issue):
    made = issue()
    assert made.not_valid_before_utc.second == 0
    fixed = {"not_before": "2026-01-01T00:00:00Z", "not_after": "2030-01-01T00:00:00Z"}
    assert issue({}, fixed).not_valid_after_utc.year == 2030


def test_a_ca_of_path_length_0_signs_another_ca(issue):
    made = issue(
        {},
        {"usages": ["cert sign"], "ca_constraint": {"is_ca": True}},
        ca={"ca": {"pathlen": 0, "pathlenzero": True}},
    )
    constraints = made.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, None)


def test_the_whitelist_matches_anywhere_and_says_nothing_of_addresses(issue):
    made = issue({"CN": "xx", "hosts": ["axb.example", "10.0.0.1"]}, {"name_whitelist": "x"})
    assert names(made) == ["DNSName axb.example", "IPAddress 10.0.0.1"]


def test_only_three_keys_are_inherited(issue):
    default = {"expiry": "1h", "ocsp_no_check": True, "ocsp_url": "http://o.example/"}
    made = issue(config={"signing": {"default": default, "profiles": {"p": CLIENT}}})
    assert has(made, x509.AuthorityInformationAccess)
    assert not has(made, x509.OCSPNoCheck)


def test_the_hash_follows_the_authoritys_key(issue):
    made = issue(ca={"key": {"algo": "ecdsa", "size": 384}})
    assert made.signature_hash_algorithm is not None
    assert made.signature_hash_algorithm.name == "sha384"
