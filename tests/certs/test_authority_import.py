"""Bringing an existing CA: every form in which it may come, what is refused, what is forgotten."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from django.utils import timezone

from aggportal.certs.models import (
    Authority,
    Certificate,
    ImportDraft,
    Lane,
    Origin,
    SealedKey,
)
from aggportal.certs.services.chains import authority_chain
from aggportal.certs.services.import_drafts import drop_expired_drafts
from aggportal.certs.services.keys import open_key
from aggportal.ledger.models import Entry
from tests.certs.brought import (
    AUTHORITIES,
    CERTIFICATES,
    KEY_FORMS,
    PASSPHRASE,
    bring,
    bring_folder,
    choices,
    import_as_shown,
    key_in,
    kubeadm_folder,
    openssl_authority,
    recipe_folder,
    run,
    tarred,
    zipped,
)
from tests.certs.makers import make_authority, make_certificate
from tests.pki.certificates_made import authority as outside
from tests.pki.certificates_made import make, proxy_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(client_of, administrator) -> Client:
    return client_of(administrator)


def pem(made) -> bytes:
    return made.facts.pem.encode()


def key(made) -> bytes:
    return made.key_pem.encode()


def brought(client, *made, **rest: str):
    """Certificates and keys of `made` as files."""
    files = [(f"{n}.pem", pem(one)) for n, one in enumerate(made)]
    keys = [(f"{n}-key.pem", key(one)) for n, one in enumerate(made)]
    return bring(client, *files, *keys, **rest)


def refusals(answer) -> dict[str, str]:
    assert answer.status_code == 422
    return {name: " ".join(said) for name, said in answer.context["form"].errors.items()}


@pytest.mark.interop
@pytest.mark.parametrize("algo", ["rsa", "ecdsa", "ed25519"])
def test_openssl_s_keys_come_in_in_every_form(client, tmp_path, algo):
    openssl_authority(tmp_path, algo=algo)
    forms = [f for f in KEY_FORMS if algo != "ed25519" or "traditional" not in f]
    for form in forms:
        key_in(tmp_path, form)
        answer = bring_folder(client, tmp_path, "ca.crt", form, passphrase=PASSPHRASE)
        assert answer.status_code == 302, (form, answer.text)
        page = client.get(answer["Location"]).text
        assert "belongs to the certificate" in page
        assert PASSPHRASE not in page
    assert import_as_shown(client, answer, a0_take="on").status_code == 302
    assert Authority.objects.get().imported


@pytest.mark.interop
@pytest.mark.parametrize("old", [(), ("-legacy",)])
def test_a_pkcs12_of_openssl_comes_in_with_its_passphrase(client, tmp_path, old):
    openssl_authority(tmp_path)
    run(
        tmp_path,
        *("openssl", "pkcs12", "-export", *old, "-in", "ca.crt", "-inkey", "ca.key"),
        *("-out", "ca.p12", "-passout", f"pass:{PASSPHRASE}"),
    )
    assert "Give it too" in refusals(bring_folder(client, tmp_path, "ca.p12"))["passphrase"]
    wrong = bring_folder(client, tmp_path, "ca.p12", passphrase="guess")
    assert "does not open" in refusals(wrong)["passphrase"]
    answer = bring_folder(client, tmp_path, "ca.p12", passphrase=PASSPHRASE)
    import_as_shown(client, answer, a0_take="on")
    assert Authority.objects.get().common_name == "old-ca"


@pytest.mark.interop
def test_a_brought_authority_signs_what_openssl_verifies(client, tmp_path):
    openssl_authority(tmp_path, algo="rsa", subject="/O=Old/CN=front-proxy-ca")
    answer = bring_folder(client, tmp_path, "ca.crt", "ca.key")
    assert import_as_shown(client, answer, a0_take="on", a0_lane="front-proxy").status_code == 302
    ours = Authority.objects.get()
    (tmp_path / "leaf.pem").write_text(make_certificate(ours).material.pem)
    said = run(tmp_path, "openssl", "verify", "-x509_strict", "-CAfile", "ca.crt", "leaf.pem")
    assert "leaf.pem: OK" in said
    request = x509.load_pem_x509_csr(ours.csr_pem.encode())
    assert request.is_signature_valid
    assert request.subject == x509.load_pem_x509_certificate(ours.certificate_pem.encode()).subject
    assert '"O": "Old"' in ours.request_spec


@pytest.mark.interop
@pytest.mark.parametrize("packed", ["files", "tar", "tar.gz", "zip"])
def test_the_recipe_s_folder_comes_in_whole(client, tmp_path, packed):
    folder = recipe_folder(tmp_path)
    if packed == "files":
        answer = bring_folder(client, folder)
    else:
        data = (
            zipped(folder)
            if packed == "zip"
            else tarred(folder, mode="w:gz" if "gz" in packed else "w")
        )
        answer = bring(client, (f"pki.{packed}", data))
    page = client.get(answer["Location"])
    assert "not needed, the certificate is what counts" in page.text
    done = import_as_shown(client, answer)
    authority = Authority.objects.get()
    assert (authority.lane, authority.file_base) == ("general", "aggregator-ca")
    assert '"aggregator"' in authority.signing_config
    leaf = Certificate.objects.get()
    assert (leaf.authority, leaf.origin, leaf.file_base) == (authority, "imported", "aggregator")
    assert leaf.key is not None
    assert ("dns", "kubernetes.default.svc") in leaf.name_entries.values_list("kind", "value")
    text = client.get(done["Location"]).text
    assert "Take it away from where it came from" in text
    assert f'href="{leaf.get_absolute_url()}"' in text
    assert client.get(leaf.get_absolute_url()).status_code == 200
    assert client.get(authority.get_absolute_url()).status_code == 200


@pytest.mark.interop
def test_kubeadm_s_folder_is_shown_whole_and_the_front_proxy_proposed(client, tmp_path):
    answer = bring(client, ("pki.tar.gz", tarred(kubeadm_folder(tmp_path))))
    page = client.get(answer["Location"])
    found = [c.candidate for c in page.context["choices"].of_authorities]
    proposed = {c.facts.common_name: (c.place.lane, c.place.advised) for c in found}
    assert proposed == {
        "front-proxy-ca": ("front-proxy", True),
        "kubernetes": ("client", False),
        "etcd-ca": ("general", False),
    }
    assert "belongs to none of them" in page.text  # sa.key
    import_as_shown(client, answer)
    assert Authority.objects.get().common_name == "front-proxy-ca"
    client_certificate = Certificate.objects.get()
    assert client_certificate.common_name == "front-proxy-client"
    assert client_certificate.authority == Authority.objects.get()


@pytest.mark.interop
def test_cfssl_s_own_label_for_ed25519_comes_in(client, tmp_path):
    openssl_authority(tmp_path, algo="ed25519")
    labelled = (tmp_path / "ca.key").read_text().replace("PRIVATE KEY", "Ed25519 PRIVATE KEY")
    answer = bring_folder(client, tmp_path, "ca.crt", key=labelled)
    import_as_shown(client, answer, a0_take="on")
    assert Authority.objects.get().key_text == "Ed25519"


def test_pasted_text_comes_in_as_well(client):
    made = outside("front-proxy-ca")
    answer = client.post(AUTHORITIES, {"certificate": made.facts.pem, "key": made.key_pem})
    done = import_as_shown(client, answer)
    assert "What came in" in client.get(done["Location"]).text
    ours = Authority.objects.get()
    assert (ours.slug, ours.lane, ours.is_root) == ("front-proxy-ca", "front-proxy", True)
    assert ours.fingerprint_sha256 == made.facts.sha256


def test_the_ledger_has_who_brought_what(client, administrator):
    made = outside("front-proxy-ca")
    import_as_shown(client, brought(client, made, proxy_client(made)))
    entry = Entry.objects.get(action="authority.imported")
    assert entry.actor_name == administrator.username
    assert entry.detail["sha256"] == made.facts.sha256
    entry = Entry.objects.get(action="certificate.imported")
    assert entry.detail["authority"] == "front-proxy-ca"
    assert entry.detail["with_key"] is True


def test_nothing_secret_stands_unsealed_in_page_ledger_log_or_database(client, tmp_path, caplog):
    openssl_authority(tmp_path)
    body = "".join((tmp_path / "ca.key").read_text().splitlines()[1:-1])
    key_in(tmp_path, "traditional-aes.pem")
    answer = bring_folder(client, tmp_path, "ca.crt", "traditional-aes.pem", passphrase=PASSPHRASE)
    page = client.get(answer["Location"])
    draft = ImportDraft.objects.get()
    refused = bring_folder(client, tmp_path, "ca.crt", key="not a key " + PASSPHRASE)
    seen = page.text + refused.text + caplog.text + str(draft.__dict__)
    import_as_shown(client, answer, a0_take="on")
    seen += "".join(Entry.objects.values_list("canonical", flat=True))
    draft.refresh_from_db()
    seen += str(draft.__dict__)
    assert draft.open() == b""
    for secret in (PASSPHRASE, body[30:60], body):
        assert secret not in seen


def test_what_is_not_imported_is_forgotten_after_minutes(client):
    answer = brought(client, outside())
    drop_expired_drafts(now=timezone.now() + dt.timedelta(minutes=16))
    assert not ImportDraft.objects.exists()
    late = client.get(answer["Location"])
    assert late.status_code == 409
    assert "gone" in late.text


def test_a_draft_is_its_own_person_s_and_session_s(client, client_of, administrator, issuer):
    answer = brought(client, outside())
    assert client_of(administrator).get(answer["Location"]).status_code == 409
    assert client_of(issuer).get(answer["Location"]).status_code == 403
    assert client.get(answer["Location"]).status_code == 200


def test_twice_is_once(client):
    answer = brought(client, outside("front-proxy-ca"))
    sent = choices(client.get(answer["Location"]))
    assert client.post(answer["Location"], sent).status_code == 302
    assert client.post(answer["Location"], sent).status_code == 409
    assert client.get(answer["Location"]).status_code == 302
    assert Authority.objects.count() == 1


def test_the_same_key_does_not_come_in_a_second_time(client):
    made = outside("front-proxy-ca")
    import_as_shown(client, brought(client, made))
    said = refusals(brought(client, made))["upload"]
    assert "here already" in said
    assert "one purpose act as the other" in said


def test_another_s_key_is_refused_beside_its_field(client):
    one, other = outside(), outside("other-ca")
    answer = client.post(AUTHORITIES, {"certificate": one.facts.pem, "key": other.key_pem})
    assert "does not belong to the certificate of “aggregator-ca”" in refusals(answer)["key"]
    files = bring(client, ("ca.pem", pem(one)), ("ca-key.pem", key(other)))
    assert "does not belong" in refusals(files)["upload"]


def test_what_may_not_sign_is_refused(client):
    leaf = make("leaf")
    assert "is not the certificate of an authority" in str(refusals(brought(client, leaf)))
    mute = outside("mute-ca", usages=("crl_sign",))
    assert "leaves “cert sign” out" in str(refusals(brought(client, mute)))


def test_without_key_or_certificate_it_says_what_lacks(client):
    made = outside()
    assert "no private key in it" in refusals(bring(client, ("ca.pem", pem(made))))["upload"]
    assert "no certificate in it" in refusals(bring(client, ("k.pem", key(made))))["upload"]
    assert "nothing in it" in refusals(client.post(AUTHORITIES, {}))["upload"]
    assert "known what this is" in refusals(bring(client, ("x.txt", b"hello")))["upload"]


@pytest.mark.interop
def test_a_small_rsa_key_is_refused(client, tmp_path):
    run(tmp_path, "openssl", "genrsa", "-out", "ca.key", "1024")
    subject = ("-subj", "/CN=small", "-days", "99")
    run(tmp_path, "openssl", "req", "-x509", "-key", "ca.key", "-out", "ca.crt", *subject)
    assert "1024 bits is refused" in str(refusals(bring_folder(client, tmp_path)))


def test_an_expired_authority_comes_in_only_when_ticked_and_retired(client):
    past = timezone.now() - dt.timedelta(days=9)
    made = outside("front-proxy-ca", since=past - dt.timedelta(days=99), until=past)
    answer = brought(client, made)
    page = client.get(answer["Location"])
    assert "It has expired" in page.text
    assert "a0-take" not in choices(page)
    assert "Nothing is ticked" in import_as_shown(client, answer).text
    import_as_shown(client, answer, a0_take="on")
    assert Authority.objects.get().retired_at is not None


def test_an_intermediate_of_ours_finds_its_parent_by_signature(client):
    root = outside("root-ca")
    import_as_shown(client, brought(client, root), a0_take="on")
    child = make("front-proxy-ca", by=root, is_ca=True, path_length=0)
    pretender = make("front-proxy-ca", by=outside("root-ca"), is_ca=True)
    assert "whose certificate is missing" in str(refusals(brought(client, pretender)))
    import_as_shown(client, brought(client, child), a0_lane="general", a0_take="on")
    ours = Authority.objects.get(common_name="front-proxy-ca")
    assert ours.parent == Authority.objects.get(common_name="root-ca")
    row = Certificate.objects.get(made_authority=ours)
    assert (ours.chain_pem, row.kind, row.authority) == ("", "authority", ours.parent)
    assert [c.common_name for c in authority_chain(ours)] == ["front-proxy-ca", "root-ca"]


def test_a_chain_in_any_order_is_put_right(client):
    root = outside("root-ca")
    middle = make("middle-ca", by=root, is_ca=True)
    child = make("front-proxy-ca", by=middle, is_ca=True)
    chain = pem(root) + pem(child) + pem(root) + pem(middle)
    answer = bring(client, ("chain.pem", chain), ("key.pem", key(child)))
    import_as_shown(client, answer, a0_take="on", c0_take=None, c1_take=None)
    ours = Authority.objects.get()
    assert ours.parent is None
    assert not ours.is_root
    names = [c.common_name for c in authority_chain(ours)]
    assert names == ["front-proxy-ca", "middle-ca", "root-ca"]


def test_a_root_that_comes_later_takes_its_children_in(client):
    root = outside("root-ca")
    child = make("front-proxy-ca", by=root, is_ca=True)
    answer = bring(client, ("c.pem", pem(child) + pem(root)), ("k.pem", key(child)))
    import_as_shown(client, answer, a0_lane="general")
    watched = make("watched", by=root)
    bring(client, ("w.pem", pem(watched)), to=CERTIFICATES)
    assert Certificate.objects.get(common_name="watched").authority is None
    done = import_as_shown(client, brought(client, root), a0_take="on")
    ours = Authority.objects.get(common_name="root-ca")
    assert Authority.objects.get(common_name="front-proxy-ca").parent == ours
    assert Certificate.objects.get(common_name="watched").authority == ours
    assert "found their authority" in client.get(done["Location"]).text


def test_root_and_intermediate_come_in_together_in_their_order(client):
    root = outside("root-ca")
    child = make("zwischen-ca", by=root, is_ca=True)
    answer = brought(client, child, root)
    import_as_shown(client, answer, a0_take="on", a1_take="on")
    parent = Authority.objects.get(common_name="root-ca")
    assert Authority.objects.get(common_name="zwischen-ca").parent == parent


def test_all_of_it_comes_in_or_nothing(client):
    make_authority("taken")
    one, two = outside("front-proxy-ca"), outside("second-ca")
    answer = brought(client, one, two)
    refused = import_as_shown(client, answer, a1_take="on", a1_slug="taken")
    assert refused.status_code == 422
    assert "Another authority is called “taken”" in refused.text
    assert list(Authority.objects.values_list("slug", flat=True)) == ["taken"]
    again = import_as_shown(client, answer, a1_take="on", a1_slug="front-proxy-ca")
    assert "Two of these have the same short name" in again.text


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"a0_label": ""}, "Give it a label"),
        ({"a0_label": "a\u202eb"}, "cannot be seen"),
        ({"a0_slug": "import"}, "own. Choose another"),
        ({"a0_slug": "no good"}, "valid “slug”"),
        ({"a0_lane": ""}, "Choose what it is for"),
        ({"a0_lane": "elsewhere"}, "not one of the available choices"),
        ({"a0_start": "own"}, "empty"),
        ({"a0_start": "own", "a0_config": '{"signing": 1}'}, "must be an object"),
        ({"a0_start": "came-7"}, "not one of the available choices"),
        ({"a0_file_base": "../x"}, "file name"),
        ({"a0_allowed_names": "\n".join(map(str, range(30)))}, "At most 20 names"),
        ({"a0_take": None}, "Nothing is ticked"),
    ],
)
def test_wrong_choices_are_refused_in_words(client, changed, words):
    answer = import_as_shown(client, brought(client, outside("front-proxy-ca")), **changed)
    assert answer.status_code == 422
    assert words.lower() in answer.text.lower()
    assert not Authority.objects.exists()


def test_what_mixes_lanes_needs_a_reason(client):
    root = make_authority("serving-ca", lane=Lane.SERVING)
    signer = open_key(SealedKey.objects.get(authority=root), spki=root.spki_sha256)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    top = x509.load_pem_x509_certificate(root.certificate_pem.encode())
    made = make("front-proxy-ca", by=replace(outside(), key=signer, certificate=top), is_ca=True)
    answer = brought(client, made)
    assert "“serving-ca” of ours" in client.get(answer["Location"]).text
    refused = import_as_shown(client, answer)
    assert refused.status_code == 422
    assert refused.context["choices"].of_authorities[0].form.errors["lane"]
    assert Authority.objects.count() == 1
    reason = "Both have run for years on the old masters."
    import_as_shown(client, answer, a0_override_reason=reason)
    assert Authority.objects.get(slug="front-proxy-ca").override_reason == reason
    entry = Entry.objects.get(action="authority.imported")
    assert entry.detail["override_reason"] == reason


def test_the_profiles_that_lay_beside_it_are_taken(client):
    config = b'{"signing": {"profiles": {"mine": {"usages": ["client auth"], "expiry": "1h"}}}}'
    made = outside("front-proxy-ca")
    files = [("ca.pem", pem(made)), ("ca-key.pem", key(made)), ("ca-config.json", config)]
    import_as_shown(client, bring(client, *files))
    assert '"mine"' in Authority.objects.get().signing_config
    assert Authority.objects.get().file_base == "ca"


def test_a_key_that_may_never_leave_stays(client, client_of, issuer):
    made = outside("front-proxy-ca")
    import_as_shown(client, brought(client, made, proxy_client(made)), c0_key="never")
    leaf = Certificate.objects.get()
    assert (leaf.exportable, leaf.origin) == (False, Origin.IMPORTED)
    answer = client_of(issuer).post(f"{leaf.get_absolute_url()}bundle.tar.gz")
    assert answer.status_code == 409


def test_the_list_leads_to_the_page_and_the_page_says_what_waits(client):
    assert f'href="{AUTHORITIES}"' in client.get("/authorities/").text
    answer = brought(client, outside())
    page = client.get(AUTHORITIES)
    assert page.status_code == 200
    assert answer["Location"] in page.text
    assert "no-store" in page["Cache-Control"]


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(client, method):
    assert getattr(client, method)(AUTHORITIES).status_code == 405
    answer = brought(client, outside())
    assert getattr(client, method)(answer["Location"]).status_code == 405


def test_who_may_not_make_authorities_does_not_enter(client_of, stranger, viewer, issuer):
    for person in (stranger, viewer, issuer):
        for method in ("get", "post"):
            assert getattr(client_of(person), method)(AUTHORITIES).status_code == 403
    assert Client().get(AUTHORITIES).status_code == 302


def test_without_the_token_nothing_is_read(administrator):
    client = Client(enforce_csrf_checks=True)
    client.force_login(administrator)
    assert brought(client, outside()).status_code == 403
    assert not ImportDraft.objects.exists()


def test_too_much_is_refused_before_it_is_read(client):
    answer = bring(client, ("big", b"x" * 1_500_000))
    assert answer.status_code == 413
    assert "nothing of it was read" in answer.text
    many = bring(client, *((f"{n}", b"x") for n in range(61)))
    assert "give at most 60" in refusals(many)["upload"]


def test_nothing_is_written_to_a_disk(client, settings, tmp_path):
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    bring(client, ("key.pem", key(outside())), ("big", b"x" * 800_000))
    assert list(tmp_path.iterdir()) == []
    assert not SealedKey.objects.exists()
