"""Private keys: made, written, read, refused."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from aggportal.pki.errors import InvalidField, InvalidKey
from aggportal.pki.keys import (
    KeySpec,
    describe_key,
    generate_key,
    load_private_key,
    private_key_der,
    private_key_pem,
    spki_sha256,
)

SPECS = [
    (KeySpec(algo="rsa", size=2048), "RSA 2048", "RSA PRIVATE KEY"),
    (KeySpec(algo="ecdsa", size=256), "ECDSA P-256", "EC PRIVATE KEY"),
    (KeySpec(algo="ecdsa", size=384), "ECDSA P-384", "EC PRIVATE KEY"),
    (KeySpec(algo="ecdsa", size=521), "ECDSA P-521", "EC PRIVATE KEY"),
    (KeySpec(algo="ed25519", size=0), "Ed25519", "PRIVATE KEY"),
]


@pytest.mark.parametrize(("spec", "words", "label"), SPECS)
def test_a_key_is_made_written_under_cfssls_label_and_read_back(spec, words, label):
    key = generate_key(spec)
    pem = private_key_pem(key)
    assert pem.startswith(f"-----BEGIN {label}-----\n")
    assert describe_key(key.public_key()) == str(spec) == words
    for form in (pem, pem.encode(), private_key_der(key)):
        assert spki_sha256(load_private_key(form).public_key()) == spki_sha256(key.public_key())


def test_cfssls_own_ed25519_label_is_read():
    key = generate_key(KeySpec(algo="ed25519"))
    body = base64.b64encode(private_key_der(key)).decode()
    pem = f"-----BEGIN Ed25519 PRIVATE KEY-----\n{body}\n-----END Ed25519 PRIVATE KEY-----\n"
    assert private_key_der(load_private_key(pem)) == private_key_der(key)


def pem_of(key, encryption=None):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


@pytest.mark.parametrize(
    "data",
    [
        pem_of(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
        pem_of(rsa.generate_private_key(public_exponent=3, key_size=2048)),
        pem_of(dsa.generate_private_key(1024)),
        pem_of(ec.generate_private_key(ec.SECP256K1())),
        pem_of(ec.generate_private_key(ec.SECP224R1())),
        pem_of(ed448.Ed448PrivateKey.generate()),
        pem_of(ec.generate_private_key(ec.SECP256R1()), BestAvailableEncryption(b"x")),
        b"",
        b"nonsense",
        b"-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
        "-----BEGIN Ed25519 PRIVATE KEY-----\nA\n-----END Ed25519 PRIVATE KEY-----\n",
        "\ud800",
        b"x" * 20_000,
    ],
)
def test_other_keys_are_refused(data):
    with pytest.raises(InvalidKey):
        load_private_key(data)


@pytest.mark.parametrize(
    "form", ["{0}{0}", "{0}x", "-----BEGIN X-----\nAA==\n-----END X-----\n{0}"]
)
def test_a_key_with_anything_around_it_is_refused(form):
    pem = private_key_pem(generate_key(KeySpec()))
    with pytest.raises(InvalidKey, match="exactly one"):
        load_private_key(form.format(pem))


@pytest.mark.parametrize("spec", [KeySpec(algo="rsa", size=1024), KeySpec(algo="x", size=1)])
def test_a_key_out_of_range_is_not_made(spec):
    with pytest.raises(InvalidField):
        generate_key(spec)
