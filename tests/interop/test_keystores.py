"""OpenSSL and Java's keytool read the stores that we hand out."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from aggportal.pki.exports import ExportedFile
from aggportal.pki.keystores import Encryption, Lock, certificate_forms, keystore, truststore
from aggportal.pki.reading import read_certificates
from tests.pki.certificates_made import AUTHORITY, NOW, YEAR, authority, make, proxy_client, serving

pytestmark = pytest.mark.interop
CA = authority()
MIDDLE = make("middle", by=CA, is_ca=True, usages=AUTHORITY, until=NOW + 5 * YEAR)
LEAF = proxy_client(MIDDLE)
CHAIN = (MIDDLE.facts, CA.facts)
PASSPHRASE = "correct horse battery"

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="no Java is installed")
needs_cfssl = pytest.mark.skipif(shutil.which("cfssl") is None, reason="cfssl is not installed")
needs_keytool = pytest.mark.skipif(
    shutil.which("keytool") is None, reason="keytool (a Java runtime) is not installed"
)


def lock(encryption: Encryption) -> Lock:
    return Lock(alias="front-proxy", passphrase=PASSPHRASE, encryption=encryption, now=NOW)


def made(encryption: Encryption) -> ExportedFile:
    return keystore(
        "proxy",
        certificate=LEAF.facts,
        key_pem=LEAF.key_pem,
        chain=CHAIN,
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
    assert said.count("BEGIN CERTIFICATE") == 3
    assert "friendlyName: front-proxy" in said
    assert "BEGIN PRIVATE KEY" in said


@needs_keytool
@pytest.mark.parametrize("encryption", Encryption)
def test_keytool_finds_the_key_with_its_chain(tmp_path, encryption):
    path = written(tmp_path, made(encryption))
    said = run("keytool", "-list", "-v", "-keystore", path, "-storepass", PASSPHRASE)
    assert "Alias name: front-proxy" in said
    assert "Entry type: PrivateKeyEntry" in said
    assert "Certificate chain length: 3" in said


@needs_keytool
@pytest.mark.parametrize("encryption", Encryption)
def test_keytool_trusts_what_the_truststore_holds(tmp_path, encryption):
    path = written(tmp_path, truststore("proxy", authorities=(CA.facts,), lock=lock(encryption)))
    said = run("keytool", "-list", "-keystore", path, "-storepass", PASSPHRASE)
    assert "trustedCertEntry" in said
    assert CA.facts.sha256 in said.replace(":", "").lower()


READER = """
import java.io.*; import java.security.*; import java.security.cert.*; import java.util.*;
public class Read {
    public static void main(String[] given) throws Exception {
        KeyStore store = KeyStore.getInstance("JKS");
        char[] word = given[1].toCharArray();
        try (InputStream in = new FileInputStream(given[0])) { store.load(in, word); }
        for (String alias : Collections.list(store.aliases())) {
            if (store.isCertificateEntry(alias)) {
                System.out.println("trusts " + alias);
                continue;
            }
            PrivateKey key = (PrivateKey) store.getKey(alias, word);
            java.security.cert.Certificate[] chain = store.getCertificateChain(alias);
            Signature signer = Signature.getInstance("SHA256withECDSA");
            signer.initSign(key); signer.update(new byte[] {1, 2, 3});
            byte[] signed = signer.sign();
            signer.initVerify(chain[0].getPublicKey()); signer.update(new byte[] {1, 2, 3});
            for (int i = 1; i < chain.length; i++) chain[i - 1].verify(chain[i].getPublicKey());
            System.out.println(alias + " " + chain.length + " " + signer.verify(signed));
        }
    }
}
"""


@needs_java
def test_java_signs_with_the_key_of_a_jks_and_walks_its_chain(tmp_path):
    source = tmp_path / "Read.java"
    source.write_text(READER)
    store = written(tmp_path, made(Encryption.JKS))
    assert store.name == "proxy.jks"
    assert "front-proxy 3 true" in run("java", source, store, PASSPHRASE)
    roots = truststore("proxy", authorities=(CA.facts, MIDDLE.facts), lock=lock(Encryption.JKS))
    said = run("java", source, written(tmp_path, roots), PASSPHRASE)
    assert "trusts front-proxy\n" in said
    assert "trusts front-proxy-2\n" in said


@needs_keytool
def test_keytool_makes_a_pkcs12_of_a_jks_and_openssl_opens_it(tmp_path):
    store, made_of_it = written(tmp_path, made(Encryption.JKS)), tmp_path / "out.p12"
    run("keytool", "-importkeystore", "-srckeystore", store, "-srcstoretype", "JKS",
        "-srcstorepass", PASSPHRASE, "-destkeystore", made_of_it, "-deststoretype", "PKCS12",
        "-deststorepass", PASSPHRASE)  # fmt: skip
    word = f"pass:{PASSPHRASE}"
    said = run("openssl", "pkcs12", "-in", made_of_it, "-passin", word, "-nodes")
    assert said.count("BEGIN CERTIFICATE") == 3
    assert "BEGIN PRIVATE KEY" in said


@needs_keytool
@pytest.mark.parametrize("damage", ["another passphrase", "a flipped bit"])
def test_keytool_refuses_a_jks_that_is_not_its_own(tmp_path, damage):
    body = bytearray(made(Encryption.JKS).body)
    if damage == "a flipped bit":
        body[-30] ^= 1
    path = tmp_path / "damaged.jks"
    path.write_bytes(body)
    word = PASSPHRASE if damage == "a flipped bit" else "correct horse batteri"
    done = subprocess.run(
        ["keytool", "-list", "-keystore", path, "-storepass", word],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "tampered" in done.stdout


def test_openssl_verifies_with_the_exported_files_alone(tmp_path):
    files = {
        file.name: written(tmp_path, file)
        for file in certificate_forms("proxy", certificate=LEAF.facts, chain=CHAIN)
    }
    subject = run("openssl", "x509", "-inform", "DER", "-in", files["proxy.der"], "-noout", "-text")
    assert "front-proxy-client" in subject
    run("openssl", "verify", "-purpose", "sslclient", "-attime", str(int(NOW.timestamp())),
        "-CAfile", files["proxy-root.pem"], "-untrusted", files["proxy-bundle.pem"],
        files["proxy.der"])  # fmt: skip
    text = run("openssl", "crl2pkcs7", "-nocrl", "-certfile", files["proxy-full-bundle.pem"])
    assert "BEGIN PKCS7" in text
    run("openssl", "x509", "-in", files["proxy-chain.pem"], "-noout")


@needs_cfssl
def test_cfssl_bundles_to_what_we_export(tmp_path):
    """cfssljson writes what it bundles as BASE-bundle.pem and BASE-root.pem. Servers alone pass."""
    server = serving(MIDDLE)
    files = {
        file.name: written(tmp_path, file)
        for file in certificate_forms("proxy", certificate=server.facts, chain=CHAIN)
    }
    leaf, middle = tmp_path / "leaf.pem", tmp_path / "middle.pem"
    leaf.write_text(server.facts.pem)
    middle.write_text(MIDDLE.facts.pem)
    bundled = subprocess.run(
        ["cfssl", "bundle", "-cert", leaf, "-ca-bundle", files["proxy-root.pem"],
         "-int-bundle", middle, "-flavor", "optimal"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = json.loads(bundled.stdout)
    assert read_hashes(told["bundle"]) == read_hashes(files["proxy-bundle.pem"].read_text())
    assert read_hashes(told["root"]) == read_hashes(files["proxy-root.pem"].read_text())
    info = run("cfssl", "certinfo", "-cert", files["proxy-root.pem"])
    assert "aggregator-ca" in info


def read_hashes(pem: str) -> list[str]:
    return [facts.sha256 for facts in read_certificates(pem)]
