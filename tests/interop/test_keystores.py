"""OpenSSL and Java's keytool read the stores that we hand out."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from aggportal.pki.exports import ExportedFile
from aggportal.pki.keystores import Encryption, Lock, certificate_forms, keystore, truststore
from tests.pki.certificates_made import authority, proxy_client

pytestmark = pytest.mark.interop
CA = authority()
LEAF = proxy_client(CA)
PASSPHRASE = "correct horse battery"

needs_keytool = pytest.mark.skipif(
    shutil.which("keytool") is None, reason="keytool (a Java runtime) is not installed"
)


def lock(encryption: Encryption) -> Lock:
    return Lock(alias="front-proxy", passphrase=PASSPHRASE, encryption=encryption)


def made(encryption: Encryption) -> ExportedFile:
    return keystore(
        "proxy",
        certificate=LEAF.facts,
        key_pem=LEAF.key_pem,
        chain=(CA.facts,),
        lock=lock(encryption),
    )


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def written(folder: Path, file: ExportedFile) -> Path:
    path = folder / file.name
    path.write_bytes(file.body)
    return path


@pytest.mark.parametrize(
    ("encryption", "told"),
    [
        (Encryption.MODERN, ["AES-256-CBC", "MAC: sha256", "Iteration 100000"]),
        (Encryption.LEGACY, ["pbeWithSHA1And3-KeyTripleDES-CBC", "MAC: sha1"]),
    ],
)
def test_openssl_opens_a_keystore_and_finds_the_pair(tmp_path, encryption, told):
    path = written(tmp_path, made(encryption))
    word = f"pass:{PASSPHRASE}"
    said = run("openssl", "pkcs12", "-in", path, "-passin", word, "-nodes", "-info")
    assert all(word in said for word in told)
    assert said.count("BEGIN CERTIFICATE") == 2
    assert "friendlyName: front-proxy" in said
    assert "BEGIN PRIVATE KEY" in said


@needs_keytool
@pytest.mark.parametrize("encryption", Encryption)
def test_keytool_finds_the_key_with_its_chain(tmp_path, encryption):
    path = written(tmp_path, made(encryption))
    said = run("keytool", "-list", "-v", "-keystore", path, "-storepass", PASSPHRASE)
    assert "Alias name: front-proxy" in said
    assert "Entry type: PrivateKeyEntry" in said
    assert "Certificate chain length: 2" in said


@needs_keytool
@pytest.mark.parametrize("encryption", Encryption)
def test_keytool_trusts_what_the_truststore_holds(tmp_path, encryption):
    path = written(tmp_path, truststore("proxy", authorities=(CA.facts,), lock=lock(encryption)))
    said = run("keytool", "-list", "-keystore", path, "-storepass", PASSPHRASE)
    assert "trustedCertEntry" in said
    assert CA.facts.sha256 in said.replace(":", "").lower()


def test_openssl_reads_der_chain_and_bundle(tmp_path):
    der, chain, bundle = (
        written(tmp_path, file)
        for file in certificate_forms("proxy", certificate=LEAF.facts, chain=(CA.facts,))
    )
    subject = run("openssl", "x509", "-inform", "DER", "-in", der, "-noout", "-subject")
    assert "front-proxy-client" in subject
    text = run("openssl", "crl2pkcs7", "-nocrl", "-certfile", bundle)
    assert "BEGIN PKCS7" in text
    run("openssl", "x509", "-in", chain, "-noout")
