"""What a scan finds at real servers: versions, ciphers, the chain, and whom they ask for."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from aggportal.tls.handshakes import Handshake, Version, WithoutCertificate
from aggportal.tls.scanning import Scan, ask, scan
from aggportal.tls.served import Place
from aggportal.tls.targets import Target
from aggportal.tls.telling import scheme_text
from tests.pki.certificates_made import NOW, YEAR, authority, distinguished, make, serving
from tests.tls.servers import openssl_server

NAME = "api.wardle.svc"


@pytest.fixture(scope="module")
def root():
    return authority("serving-ca")


@pytest.fixture(scope="module")
def middle(root):
    return make("serving-intermediate", by=root, is_ca=True)


@pytest.fixture(scope="module")
def leaf(middle):
    return serving(middle)


def look(port: int, **rest: str) -> Scan:
    return scan(ask(Target(host="127.0.0.1", port=port), **rest), ["127.0.0.1"], now=NOW)


def places(found: Scan) -> list[Place]:
    return [each.place for each in found.served.certificates]


def all_hands(found: Scan) -> list[Handshake]:
    return [trial.handshake for trial in found.trials if trial.handshake is not None]


def signed_alone(key) -> tuple[str, str]:
    """A self-signed certificate of another key type, and its key, PEM."""
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    name = distinguished(NAME)
    built = x509.CertificateBuilder(name, name, key.public_key(), 77, NOW, NOW + YEAR)
    certificate = built.sign(key, digest).public_bytes(Encoding.PEM).decode()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return certificate, pem


def test_a_full_chain_comes_as_it_was_served(tmp_path, root, middle, leaf):
    with openssl_server(tmp_path, leaf, chain=(middle, root)) as port:
        found = look(port)
    assert [each.thing.facts for each in found.served.certificates] == [
        each.facts for each in (leaf, middle, root)
    ]
    assert places(found) == [Place.OWN, Place.ISSUER, Place.ROOT]
    assert found.served.path == (leaf.facts, middle.facts, root.facts)


def test_wrong_order_doubles_and_strangers_are_told_apart(tmp_path, root, middle, leaf):
    stranger = authority("somebody-else")
    with openssl_server(tmp_path, leaf, chain=(root, middle)) as port:
        assert places(look(port)) == [Place.OWN, Place.LATE, Place.LATE]
    with openssl_server(tmp_path, leaf, chain=(stranger, middle, middle)) as port:
        assert places(look(port)) == [Place.OWN, Place.STRANGER, Place.ISSUER, Place.DOUBLE]


@pytest.mark.parametrize("version", Version)
def test_a_server_of_one_version_speaks_that_alone(tmp_path, leaf, version):
    flag = "-" + version.lower().replace(" ", "").replace(".", "_").removesuffix("_0")
    with openssl_server(tmp_path, leaf, flag) as port:
        found = look(port)
    assert {t.version: t.spoken for t in found.trials} == {v: v is version for v in Version}
    assert found.handshake.version is version
    assert all(t.why for t in found.trials if not t.spoken)
    assert not found.intolerant


def test_every_version_is_found_where_all_are_spoken(tmp_path, leaf):
    with openssl_server(tmp_path, leaf, "-min_protocol", "TLSv1") as port:
        found = look(port)
    assert [trial.spoken for trial in found.trials] == [True] * 4
    assert [hands.version for hands in all_hands(found)] == list(Version)


@pytest.mark.parametrize(
    ("key", "schemes"),
    [
        (
            rsa.generate_private_key(65537, 2048),
            ["rsa_md5_sha1", "rsa_md5_sha1", "rsa_pss_rsae_sha256", "rsa_pss"],
        ),
        (ed25519.Ed25519PrivateKey.generate(), [None, None, "ed25519", "ed25519"]),
    ],
    ids=["rsa", "ed25519"],
)
def test_the_signature_of_each_version_is_named(tmp_path, key, schemes):
    with openssl_server(tmp_path, signed_alone(key), "-min_protocol", "TLSv1") as port:
        found = look(port)
    text = found.served.path[0].key
    hands = [trial.handshake for trial in found.trials]
    assert [h and scheme_text(h, key=text) for h in hands] == schemes


def test_cipher_and_group_are_named_as_openssl_names_them(tmp_path, leaf):
    with openssl_server(tmp_path, leaf, "-groups", "P-384", "-min_protocol", "TLSv1") as port:
        found = look(port)
    told = [(hands.cipher, hands.exchange.group) for hands in all_hands(found)]
    assert told == [
        ("ECDHE-ECDSA-AES256-SHA", "secp384r1"),
        ("ECDHE-ECDSA-AES256-SHA", "secp384r1"),
        ("ECDHE-ECDSA-AES256-GCM-SHA384", "secp384r1"),
        ("TLS_AES_256_GCM_SHA384", "secp384r1"),
    ]
    assert scheme_text(all_hands(found)[2], key="") == "ecdsa_secp256r1_sha256"


def test_key_transport_and_finite_field_exchanges_are_told(tmp_path):
    pair = signed_alone(rsa.generate_private_key(65537, 2048))
    with openssl_server(tmp_path, pair, "-tls1_2", "-cipher", "AES256-GCM-SHA384") as port:
        exchange = look(port).handshake.exchange
    assert (exchange.group, exchange.scheme) == ("", "")
    with openssl_server(tmp_path, pair, "-tls1_2", "-cipher", "DHE-RSA-AES256-SHA256") as port:
        exchange = look(port).handshake.exchange
    assert exchange.group.startswith("dhe-")
    assert exchange.scheme == "rsa_pss_rsae_sha256"


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize(
    ("flag", "without"),
    [("-verify", WithoutCertificate.LET_IN), ("-Verify", WithoutCertificate.TURNED_AWAY)],
)
def test_the_cas_asked_for_are_those_that_the_server_names(
    tmp_path, leaf, root, version, flag, without
):
    front = authority("front-proxy-ca", organizations=("k8s", "café, Inc."))
    with openssl_server(tmp_path, leaf, flag, "3", version, asks_for=(front, root)) as port:
        hands = look(port).handshake
    assert hands.asked
    assert hands.without is without
    assert {name.text for name in hands.acceptable} == {front.facts.subject, "CN=serving-ca"}
    assert front.certificate.subject.public_bytes() in {n.der for n in hands.acceptable}


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_asking_without_naming_cas_is_asking_too(tmp_path, leaf, version):
    with openssl_server(tmp_path, leaf, "-verify", "3", version) as port:
        hands = look(port).handshake
    assert (hands.asked, hands.acceptable) == (True, ())


def test_a_server_that_asks_nobody_is_seen_so(tmp_path, leaf):
    with openssl_server(tmp_path, leaf) as port:
        found = look(port)
    assert not any(t.handshake.asked for t in found.trials if t.handshake)
    assert found.handshake.without is None


def test_the_name_that_is_sent_decides_what_is_served(tmp_path, leaf, root):
    other = serving(root, service="other")
    (tmp_path / "other.pem").write_text(other.facts.pem + other.key_pem)
    flags = ["-servername", "other.example", "-cert2", str(tmp_path / "other.pem")]
    flags += ["-key2", str(tmp_path / "other.pem")]
    with openssl_server(tmp_path, leaf, *flags) as port:
        named = look(port, server_name="other.example")
        unnamed = look(port, server_name="")
    assert named.served.own == other.facts
    assert unnamed.served.own == leaf.facts
