"""What is taken of certificates below an intermediate, of imported and of revoked ones; and the one
way in which an authority's key leaves.
"""

from __future__ import annotations

import base64
import io
import tarfile
from dataclasses import replace

import pytest
import yaml
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
from django.urls import reverse
from django.utils import timezone

from aggportal.certs.models import (
    Authority,
    AuthorityCertificate,
    Certificate,
    Lane,
    Mode,
    OtherRole,
    Reason,
)
from aggportal.certs.services.authorities import create_authority
from aggportal.certs.services.authority_keys import take_issuer
from aggportal.certs.services.authority_rows import AuthorityChoices
from aggportal.certs.services.chains import authority_chain
from aggportal.certs.services.intermediates import create_intermediate
from aggportal.ledger.models import Entry
from aggportal.pki.errors import InvalidField
from aggportal.pki.keys import spki_sha256
from aggportal.pki.reading import read_certificate, read_certificates
from aggportal.pki.requests import load_request_spec
from tests.certs.makers import ANA, P256, make_authority, make_certificate, preset_config
from tests.certs.pages_used import page_of

pytestmark = pytest.mark.django_db

PASSPHRASE = "correct horse battery"
STORE = {"alias": "leaf", "encryption": "modern", "passphrase": PASSPHRASE, "again": PASSPHRASE}
TAKE = {
    "name": "internal",
    "namespace": "cert-manager",
    "reason": "cluster blue, asked for by Bo",
    "confirm": "middle",
}


def below(parent: Authority, *, key_may_leave: bool = False, label: str = "middle") -> Authority:
    spec = load_request_spec({"CN": label, "key": P256, "ca": {"expiry": "43800h"}})
    choices = AuthorityChoices(
        label=label,
        slug=label,
        lane=Lane(parent.lane),
        mode=Mode(parent.mode),
        file_base=label,
        signing_config=preset_config("front-proxy-client"),
        key_may_leave=key_may_leave,
    )
    return create_intermediate(spec, choices, parent=parent, by=ANA, now=timezone.now())


@pytest.fixture
def root(db) -> Authority:
    return make_authority("root")


@pytest.fixture
def leaf(root) -> Certificate:
    return make_certificate(below(root), "leaf")


def digests(pem: str | bytes) -> list[str]:
    return [facts.sha256 for facts in read_certificates(pem)]


def of(leaf: Certificate) -> tuple[str, str, str]:
    middle, root = authority_chain(leaf.authority)  # type: ignore[arg-type]  # issued here
    return leaf.fingerprint_sha256, middle.sha256, root.sha256


def test_chain_bundles_and_root_of_three_levels(client_of, viewer, leaf) -> None:
    client, (own, middle, root) = client_of(viewer), of(leaf)
    for name, expected in {
        "leaf-chain.pem": [middle, root],
        "leaf-bundle.pem": [own, middle],
        "leaf-root.pem": [root],
        "leaf-full-bundle.pem": [own, middle, root],
    }.items():
        address = reverse("certs:certificate_form", args=[leaf.pk, name])
        assert digests(client.get(address).content) == expected, name


def test_secret_configmap_and_archive_of_three_levels(client_of, issuer, leaf) -> None:
    client, (own, middle, root) = client_of(issuer), of(leaf)
    named = {"name": "leaf", "namespace": "default"}
    secret = yaml.safe_load(client.post(page_of(leaf, "secret"), named).text)["data"]
    assert digests(base64.b64decode(secret["tls.crt"])) == [own, middle]
    assert digests(base64.b64decode(secret["ca.crt"])) == [root]
    trusted = yaml.safe_load(client.get(page_of(leaf, "configmap"), named).text)["data"]["ca.crt"]
    assert digests(trusted) == [root]
    packed = client.post(page_of(leaf, "bundle")).content
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        held = {member.name: member.mode for member in tar.getmembers()}
        bundle = tar.extractfile("leaf-bundle.pem").read()  # type: ignore[union-attr]  # a file
    assert digests(bundle) == [own, middle]
    assert held["leaf-key.pem"] == 0o600
    assert {"middle.pem", "leaf.pem", "leaf-root.pem", "install.sh"} < held.keys()


@pytest.mark.parametrize("encryption", ["modern", "legacy", "jks"])
def test_stores_hold_the_whole_chain_and_the_root(client_of, issuer, leaf, encryption) -> None:
    client, (_own, middle, root) = client_of(issuer), of(leaf)
    chosen = STORE | {"encryption": encryption}
    store = client.post(page_of(leaf, "keystore"), chosen)
    trust = client.post(page_of(leaf, "truststore"), chosen)
    if encryption == "jks":
        assert store.content.startswith(b"\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x01")
        assert 'filename="leaf-truststore.jks"' in trust["Content-Disposition"]
        return
    opened = pkcs12.load_pkcs12(store.content, PASSPHRASE.encode())
    assert len(opened.additional_certs) == 2
    (only,) = pkcs12.load_pkcs12(trust.content, PASSPHRASE.encode()).additional_certs
    assert only.certificate.fingerprint(hashes.SHA256()).hex() == root
    assert middle != root


def test_a_truststore_has_the_roots_of_cross_signed_authorities_too(client_of, viewer, leaf):
    other = make_authority("other-root")
    facts = read_certificate(other.certificate_pem)
    AuthorityCertificate.objects.create(
        authority=leaf.authority,
        role=OtherRole.CROSS,
        issuer=other,
        issuer_subject=other.subject,
        serial="1",
        fingerprint_sha256="f" * 64,
        not_before=facts.not_before,
        not_after=facts.not_after,
        pem=leaf.authority.certificate_pem,
        added_at=timezone.now(),
        added_by="ana",
    )
    trust = client_of(viewer).post(page_of(leaf, "truststore"), STORE)
    opened = pkcs12.load_pkcs12(trust.content, PASSPHRASE.encode())
    assert [one.friendly_name for one in opened.additional_certs] == [b"leaf", b"leaf-2"]


def imported(leaf: Certificate, *, chain: str) -> Certificate:
    """The same certificate as if somebody else had signed it."""
    Certificate.objects.filter(pk=leaf.pk).update(
        authority=None, origin="imported", chain_pem=chain, issuer_subject="CN=elsewhere"
    )
    return Certificate.objects.get(pk=leaf.pk)


def test_an_imported_certificate_is_exported_with_the_chain_it_brought(client_of, issuer, leaf):
    chain = leaf.authority.certificate_pem + leaf.authority.parent.certificate_pem
    (own, middle, root), one = of(leaf), imported(leaf, chain=chain)
    client = client_of(issuer)
    address = reverse("certs:certificate_form", args=[one.pk, "leaf-full-bundle.pem"])
    assert digests(client.get(address).content) == [own, middle, root]
    packed = client.post(page_of(one, "bundle")).content
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        assert {"leaf-bundle.pem", "leaf-root.pem", "leaf-key.pem"} < set(tar.getnames())


def test_where_the_authority_is_unknown_the_page_says_so(client_of, issuer, leaf) -> None:
    one, client = imported(leaf, chain=""), client_of(issuer)
    text = client.get(page_of(one)).text
    assert "Nobody here knows the authority above it" in text
    assert "leaf-chain.pem" not in text
    assert client.post(page_of(one, "truststore"), STORE).status_code == 409
    assert client.post(page_of(one, "keystore"), STORE).status_code == 200
    named = {"name": "leaf", "namespace": "default"}
    assert client.post(page_of(one, "secret"), named).status_code in (409, 422)


def test_a_revoked_certificate_is_exported_with_a_warning(client_of, issuer, leaf) -> None:
    Certificate.objects.filter(pk=leaf.pk).update(
        revoked_at=timezone.now(), revocation_reason=Reason.KEY_COMPROMISE
    )
    client = client_of(issuer)
    assert "This certificate is revoked" in client.get(page_of(leaf)).text
    assert client.post(page_of(leaf, "keystore"), STORE).status_code == 200


@pytest.fixture
def leaving(root) -> Authority:
    return below(root, key_may_leave=True)


def address(authority: Authority) -> str:
    return reverse("certs:authority_key", args=[authority.slug])


def taken() -> list[Entry]:
    return list(Entry.objects.filter(action="authority.key_taken"))


def test_an_administrator_takes_secret_and_issuer_each_time_recorded(
    client_of, administrator, leaving
) -> None:
    client = client_of(administrator)
    for _ in range(2):
        answer = client.post(address(leaving), TAKE)
    secret, issuer = yaml.safe_load_all(answer.text)
    assert (secret["kind"], secret["metadata"]["name"]) == ("Secret", "internal-key-pair")
    assert issuer["spec"]["ca"]["secretName"] == "internal-key-pair"
    key = load_pem_private_key(base64.b64decode(secret["data"]["tls.key"]), None)
    own = read_certificate(base64.b64decode(secret["data"]["tls.crt"]))
    assert own.sha256 == leaving.fingerprint_sha256
    assert spki_sha256(key.public_key()) == leaving.spki_sha256  # type: ignore[arg-type]  # P-256
    root = leaving.parent.fingerprint_sha256
    assert digests(base64.b64decode(secret["data"]["ca.crt"])) == [root]
    assert 'filename="middle-issuer.yaml"' in answer["Content-Disposition"]
    assert [entry.detail["reason"] for entry in taken()] == [TAKE["reason"]] * 2
    assert TAKE["reason"] in client.get(address(leaving)).text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"confirm": "midle"}, "This is not its label"),
        ({"confirm": ""}, "Type the label"),
        ({"reason": "so"}, "at least 10 characters"),
        ({"name": "Not A Name"}, "cannot name a Kubernetes object"),
        ({"namespace": "a.b"}, "cannot be a namespace"),
    ],
)
def test_a_wrong_form_lets_no_authority_key_out(
    client_of, administrator, leaving, wrong, words
) -> None:
    answer = client_of(administrator).post(address(leaving), TAKE | wrong)
    assert answer.status_code == 422
    assert words in answer.text
    assert "PRIVATE" not in answer.text
    assert taken() == []


def test_a_key_that_was_not_marked_and_a_root_stay(client_of, administrator, root) -> None:
    client, middle = client_of(administrator), below(root)
    for authority in (middle, root):
        answer = client.post(address(authority), TAKE)
        assert answer.status_code == 409
        assert "does not leave the portal" in answer.text
        assert "does not leave the portal" in client.get(address(authority)).text
    Authority.objects.filter(pk=root.pk).update(key_may_leave=True)
    answer = client.post(address(root), TAKE | {"confirm": "root"})
    assert answer.status_code == 409
    assert "is a root" in answer.text
    assert taken() == []


def test_a_revoked_intermediate_keeps_its_key(client_of, administrator, leaving) -> None:
    Certificate.objects.filter(pk=leaving.issued_as_id).update(
        revoked_at=timezone.now(), revocation_reason=Reason.KEY_COMPROMISE
    )
    assert client_of(administrator).post(address(leaving), TAKE).status_code == 409
    assert taken() == []


def test_nobody_else_takes_an_authority_key(client_of, issuer, viewer, stranger, leaving, client):
    for person in (issuer, viewer, stranger):
        assert client_of(person).post(address(leaving), TAKE).status_code == 403
        assert client_of(person).get(address(leaving)).status_code == 403
    assert client.get(address(leaving)).status_code == 302
    assert client_of(issuer).put(address(leaving)).status_code in (403, 405)
    with pytest.raises(InvalidField):
        take_issuer(leaving, name="x", namespace="y", reason=" ", by=ANA, now=timezone.now())
    assert taken() == []


def test_a_root_cannot_be_made_with_a_key_that_leaves(db) -> None:
    spec = load_request_spec({"CN": "x", "key": P256})
    like = make_authority("like")
    choices = AuthorityChoices(
        label="x",
        slug="x",
        lane=Lane(like.lane),
        mode=Mode(like.mode),
        file_base="x",
        signing_config=like.signing_config,
    )
    with pytest.raises(InvalidField, match="never leaves"):
        create_authority(spec, replace(choices, key_may_leave=True), by=ANA, now=timezone.now())
