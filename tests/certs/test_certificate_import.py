"""Certificates issued elsewhere come in to be watched: one, many, again, with and without keys."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from django.test import Client

from aggportal.certs.models import Certificate, SealedKey
from aggportal.certs.services.importing import plain
from aggportal.certs.services.keys import open_key
from aggportal.ledger.models import Entry
from aggportal.pki.keys import private_key_der
from tests.certs.brought import (
    AUTHORITIES,
    CERTIFICATES,
    PASSPHRASE,
    bring,
    bring_folder,
    openssl_authority,
    openssl_leaf,
    run,
    tarred,
)
from tests.certs.makers import make_authority, make_certificate
from tests.pki.certificates_made import authority as outside
from tests.pki.certificates_made import make, proxy_client, serving

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(client_of, issuer) -> Client:
    return client_of(issuer)


def watch(client, *files: tuple[str, bytes], **rest: str):
    return bring(client, *files, to=CERTIFICATES, **rest)


def pem(*made) -> bytes:
    return "".join(one.facts.pem for one in made).encode()


def told(client, answer) -> dict[str, tuple[str, str]]:
    """State and words by name, as the page says."""
    assert answer.status_code == 302, answer.text
    page = client.get(answer["Location"])
    assert page.status_code == 200
    return {i["name"]: (i["state"], str(i["sentence"])) for i in page.context["items"]}


def test_a_bundle_comes_in_with_its_chains(client):
    root = outside("root-ca")
    middle = make("middle-ca", by=root, is_ca=True)
    leaf = serving(middle)
    found = told(client, watch(client, ("bundle.pem", pem(leaf, root, middle))))
    assert found["api.wardle.svc"] == (
        "imported",
        "Signed by nobody of ours; it is watched all the same.",
    )
    row = Certificate.objects.get(common_name="api.wardle.svc")
    assert (row.authority, row.kind, row.origin) == (None, "leaf", "imported")
    assert row.issuer_text == "CN=middle-ca"
    assert row.chain_pem == middle.facts.pem + root.facts.pem
    assert row.name_entries.filter(kind="dns", value="api.wardle.svc").exists()
    assert Certificate.objects.get(common_name="root-ca").kind == "authority"
    page = client.get(row.get_absolute_url())
    assert page.status_code == 200
    assert "CN=middle-ca" in page.text


def test_what_one_of_ours_signed_stands_under_it(client):
    ours = make_authority()
    key = open_key(SealedKey.objects.get(authority=ours), spki=ours.spki_sha256)
    top = x509.load_pem_x509_certificate(ours.certificate_pem.encode())
    signed, forged = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(top.subject)
        .public_key(outside().key.public_key())
        .serial_number(7)
        .not_valid_before(top.not_valid_before_utc)
        .not_valid_after(top.not_valid_after_utc)
        .sign(by, hashes.SHA256())
        .public_bytes(Encoding.PEM)
        for name, by in (("signed", key), ("forged", outside().key))
    )
    found = told(client, watch(client, ("a.pem", signed), ("b.pem", forged)))
    assert "Signed by “front-proxy-ca” of ours" in found["signed"][1]
    assert "nobody of ours" in found["forged"][1]
    rows = dict(Certificate.objects.values_list("common_name", "authority"))
    assert rows == {"signed": ours.pk, "forged": None}
    again = signed.replace(b"\n", b"\n", 1)
    assert told(client, watch(client, ("a.pem", again)))["signed"][0] == "already"


def test_a_serial_number_that_is_taken_is_refused(client):
    ours = make_authority()
    issued = make_certificate(ours)
    key = open_key(SealedKey.objects.get(authority=ours), spki=ours.spki_sha256)
    top = x509.load_pem_x509_certificate(ours.certificate_pem.encode())
    twin = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "twin")]))
        .issuer_name(top.subject)
        .public_key(outside().key.public_key())
        .serial_number(int(issued.serial, 16))
        .not_valid_before(top.not_valid_before_utc)
        .not_valid_after(top.not_valid_after_utc)
        .sign(key, hashes.SHA256())
    )
    state, words = told(client, watch(client, ("t.pem", twin.public_bytes(Encoding.PEM))))["twin"]
    assert state == "refused"
    assert "a revocation would hit both" in words


def test_doubles_are_reported_and_hinder_nobody(client):
    one, other = make("one"), make("other")
    told(client, watch(client, ("one.pem", pem(one))))
    found = told(client, watch(client, ("both.pem", pem(one, other)), ("odd.pem", b"nothing")))
    assert {name: state for name, (state, _words) in found.items()} == {
        "one": "already",
        "other": "imported",
        "odd.pem": "refused",
    }
    assert Certificate.objects.count() == 2
    assert Entry.objects.filter(action="certificate.imported").count() == 2


def test_an_authority_of_ours_is_not_watched_twice(client):
    ours = make_authority()
    found = told(client, watch(client, ("ca.pem", ours.certificate_pem.encode())))
    assert found["front-proxy-ca"][0] == "already"
    assert not Certificate.objects.exists()


def test_our_own_issued_certificate_is_here_already(client):
    issued = make_certificate(make_authority())
    found = told(client, watch(client, ("x.pem", issued.material.pem.encode())))
    assert found["front-proxy-client"][0] == "already"


def test_pkcs7_archive_and_paste_come_in(client, tmp_path):
    one, two, three = make("one"), make("two"), make("three")
    bag = pkcs7.serialize_certificates([one.certificate, two.certificate], Encoding.DER)
    told(client, watch(client, ("bag.p7b", bag)))
    (tmp_path / "three.der").write_bytes(three.facts.der)
    told(client, watch(client, ("folder.tar", tarred(tmp_path, mode="w"))))
    told(client, watch(client, certificate=make("four").facts.pem))
    names = set(Certificate.objects.values_list("common_name", flat=True))
    assert names == {"one", "two", "three", "four"}


@pytest.mark.parametrize(
    ("choice", "kept", "leaves"),
    [("no", False, False), ("yes", True, True), ("never", True, False)],
)
def test_a_key_is_kept_as_chosen(client, choice, kept, leaves):
    made = proxy_client(outside())
    files = [("leaf.pem", pem(made)), ("leaf-key.pem", made.key_pem.encode())]
    told(client, watch(client, *files, exportable=choice))
    row = Certificate.objects.get()
    assert (row.key is not None, row.key_leaves) == (kept, leaves)
    if row.key is not None:
        opened = open_key(row.key, spki=row.spki_sha256)
        assert private_key_der(opened) == private_key_der(made.key)


def test_an_authority_s_key_is_not_kept_as_a_certificate_s(client):
    made = outside()
    files = [("ca.pem", pem(made)), ("ca-key.pem", made.key_pem.encode())]
    state, words = told(client, watch(client, *files, exportable="yes"))["aggregator-ca"]
    assert (state, SealedKey.objects.count()) == ("imported", 0)
    assert "bring it as an authority" in words


@pytest.mark.interop
def test_a_pkcs12_of_a_leaf_comes_in(client, tmp_path):
    openssl_authority(tmp_path)
    openssl_leaf(tmp_path, by="ca", name="leaf", subject="/CN=leaf")
    run(
        tmp_path,
        *("openssl", "pkcs12", "-export", "-in", "leaf.crt", "-inkey", "leaf.key"),
        *("-certfile", "ca.crt", "-out", "leaf.p12", "-passout", f"pass:{PASSPHRASE}"),
    )
    answer = bring_folder(client, tmp_path, "leaf.p12", to=CERTIFICATES, exportable="yes")
    assert answer.status_code == 422
    assert "Give it too" in answer.context["form"].errors["passphrase"][0]
    found = told(
        client,
        bring_folder(
            client,
            tmp_path,
            "leaf.p12",
            to=CERTIFICATES,
            exportable="yes",
            passphrase=PASSPHRASE,
        ),
    )
    assert set(found) == {"leaf", "old-ca"}
    row = Certificate.objects.get(common_name="leaf")
    assert row.key is not None
    assert row.chain_pem


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([], "nothing in it"),
        ([("x", b"hello")], "not known what this is"),
        ([("x.json", b"{}")], "no certificate in it"),
        ([("x.gz", b"\x1f\x8b broken")], "gzip cannot undo it"),
    ],
)
def test_what_holds_no_certificate_is_refused(client, files, words):
    answer = watch(client, *files)
    assert answer.status_code == 422
    assert words in answer.text
    assert not Entry.objects.filter(action="certificate.imported").exists()


def test_what_was_sent_is_never_shown_again(client):
    answer = watch(client, certificate="secret words", key="another secret", passphrase="sesame")
    assert answer.status_code == 422
    for secret in ("secret words", "another secret", "sesame"):
        assert secret not in answer.text


def test_the_result_is_its_own_person_s(client, client_of, administrator):
    answer = watch(client, ("x.pem", pem(make("x"))))
    assert client.get(answer["Location"]).status_code == 200
    assert client_of(administrator).get(answer["Location"]).status_code == 404
    assert client.post(answer["Location"]).status_code == 405


def test_who_may_come_in(client_of, stranger, viewer, issuer):
    for person in (stranger, viewer):
        for method in ("get", "post"):
            assert getattr(client_of(person), method)(CERTIFICATES).status_code == 403
    assert client_of(issuer).get(CERTIFICATES).status_code == 200
    assert Client().get(CERTIFICATES).status_code == 302
    assert f'href="{CERTIFICATES}"' in client_of(issuer).get("/certificates/").text
    assert AUTHORITIES not in client_of(issuer).get(CERTIFICATES).text


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(client, method):
    assert getattr(client, method)(CERTIFICATES).status_code == 405


def test_text_that_a_database_or_a_list_would_not_take_is_replaced():
    assert plain("a\0b\nc\u202ed") == "a\ufffdb\ufffdc\u202ed"
