"""The pages of chains: who signs a new authority, trees, bundles, cross-signing."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse
from django.utils import timezone

from aggportal.certs.models import Authority, AuthorityCertificate, Lane, OwnRequest
from aggportal.pki.constraints import constraints_of
from aggportal.pki.reading import load_certificate, read_certificate, read_certificates
from tests.certs.chains_made import answered, make_intermediate, outside
from tests.certs.makers import P256, make_authority, make_certificate
from tests.pki.paths_made import link

pytestmark = pytest.mark.django_db
NEW, BUNDLE = reverse("certs:authority_new"), reverse("certs:bundle_show")


@pytest.fixture
def root():
    return make_authority("root", lane=Lane.SERVING)


def made_of(document, **rest):
    chosen = {"label": "Lower", "lane": "serving", "start": "recommended", "mode": "strict"}
    return {"base": "{}", "text": json.dumps(document), "do": "create", **chosen, **rest}


def ca(name="lower", **section):
    return {"CN": name, "key": P256, "ca": {"expiry": "8760h", **section}}


def cross(authority, name="authority_cross"):
    return reverse(f"certs:{name}", args=[authority.slug])


def test_an_authority_is_made_below_another(client_of, administrator, root):
    client = client_of(administrator)
    shown = client.get(f"{NEW}?below=root&lane=serving").content.decode()
    assert 'value="ours:root" selected' in shown
    limits = {"permitted": ["DNS:svc"]}
    document = ca(name_constraints=limits)
    followed = client.post(NEW, made_of(document, signed_by="ours:root", do="follow"))
    assert "CN=root" in followed.content.decode()
    answer = client.post(NEW, made_of(document, signed_by="ours:root"))
    lower = Authority.objects.get(slug="lower")
    assert (answer.status_code, answer.url) == (302, lower.get_absolute_url())
    assert lower.parent == root
    facts = read_certificate(lower.certificate_pem)
    assert str(constraints_of(load_certificate(facts)).permitted[0]) == "DNS:svc"


def test_name_constraints_are_fields_and_a_wrong_line_is_named(client_of, administrator):
    client = client_of(administrator)
    empty = {f"names-0-{key}": "" for key in ("C", "ST", "L", "O", "OU", "E")}
    empty |= {"CN": "typed", "key": "ecdsa-256", "serialnumber": "", "ca_pathlen": ""}
    fields = {**empty, "ca_expiry": "8760h", "ca_permitted": "DNS:svc\r\nIP:10.0.0.0/8"}
    post = made_of({}, base="{}", **fields, ca_excluded="")
    post["text"] = "{}"
    assert client.post(NEW, post).status_code == 302
    spec = json.loads(Authority.objects.get().request_spec)
    assert spec["ca"]["name_constraints"] == {"permitted": ["DNS:svc", "IP:10.0.0.0/8"]}
    post = made_of(ca(name_constraints={"permitted": ["DNS:svc", "nonsense"]}), label="Other")
    refused = client.post(NEW, post)
    assert refused.status_code == 422
    assert "line 2: Write the kind first" in refused.content.decode()


@pytest.mark.parametrize(
    ("document", "signed_by", "words"),
    [
        (ca(), "ours:nobody", "There is no such authority"),
        (ca("root"), "ours:root", "very subject of the authority"),
        (ca(expiry="999999h"), "ours:root", "expires on"),
    ],
)
def test_what_cannot_stand_below_is_told(
    client_of, administrator, root, document, signed_by, words
):
    answer = client_of(administrator).post(NEW, made_of(document, signed_by=signed_by))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert Authority.objects.count() == 1


def test_another_lane_below_is_refused_until_there_is_a_reason(client_of, administrator, root):
    client = client_of(administrator)
    post = made_of(ca("proxy"), lane="front-proxy", signed_by="ours:root")
    refused = client.post(NEW, post)
    assert refused.status_code == 422
    assert "60713" in refused.content.decode()
    reason = "only for a laboratory"
    assert client.post(NEW, post | {"override_reason": reason}).status_code == 302
    assert Authority.objects.get(slug="lower").override_reason == reason


def test_an_outside_ca_is_asked_with_a_request(client_of, administrator):
    client = client_of(administrator)
    post = made_of(ca(), signed_by="outside:")
    assert (
        "whoever signs it elsewhere" in client.post(NEW, post | {"do": "follow"}).content.decode()
    )
    answer = client.post(NEW, post)
    own = OwnRequest.objects.get()
    assert (answer.status_code, answer.url) == (302, own.get_absolute_url())
    assert (own.slug, own.label, own.lane) == ("lower", "Lower", "serving")
    assert not Authority.objects.exists()
    again = client.post(NEW, made_of(ca(), signed_by="outside:"))
    assert again.status_code == 302
    assert OwnRequest.objects.first().slug == "lower-2"


def test_a_retired_authority_is_not_offered_and_refused(client_of, administrator, root):
    Authority.objects.update(retired_at=timezone.now())
    client = client_of(administrator)
    assert "ours:root" not in client.get(NEW).content.decode()
    assert client.post(NEW, made_of(ca(), signed_by="ours:root")).status_code == 422
    page = client.get(root.get_absolute_url()).content.decode()
    assert "?below=root" not in page


def test_the_pages_show_the_tree_and_the_ways(client_of, viewer, root):
    sub = make_intermediate(root)
    leaf = make_certificate(sub, "api", profile="extension-serving", hosts=["api.wardle.svc"])
    client = client_of(viewer)
    for row, name in ((sub, "authority_way"), (leaf, "certificate_way")):
        page = client.get(row.get_absolute_url()).content.decode()
        assert "this one" in page
        key = sub.slug if row is sub else leaf.pk
        file = f"{row.file_base}-to-{root.fingerprint_sha256[:12]}.pem"
        address = reverse(f"certs:{name}", args=[key, file])
        assert address in page
        sent = client.get(address)
        assert sent.status_code == 200
        assert read_certificates(sent.content)[0].sha256 == row.fingerprint_sha256
        assert client.get(address.replace("-to-", "-of-")).status_code == 404
        assert client.post(address).status_code == 405
    listed = client.get(reverse("certs:authority_list")).content.decode()
    assert listed.index("authorities/root/") < listed.index("authorities/sub/")
    assert "depth-1" in listed


def test_a_stranger_sees_no_chain(client_of, stranger, root):
    client = client_of(stranger)
    for address in (BUNDLE, cross(root), reverse("certs:authority_way", args=["root", "x.pem"])):
        assert client.get(address).status_code == 403


def test_a_bundle_is_put_in_order(client_of, viewer, root):
    client, sub = client_of(viewer), make_intermediate(root)
    leaf = make_certificate(sub, "api", profile="extension-serving", hosts=["api.wardle.svc"])
    stranger = link("stranger").facts.pem
    text = stranger + sub.certificate_pem + leaf.material.pem + leaf.material.pem
    answer = client.post(BUNDLE, {"text": text})
    page = answer.content.decode()
    assert answer.status_code == 200
    for words in (
        "leads to a root",
        "order repaired",
        "added from here",
        "Given twice",
        "Left out",
    ):
        assert words in page
    made = answer.context["bundle"]
    assert [c.common_name for c in made.way.certificates] == ["api", "sub", "root"]


def test_a_bundle_says_what_is_missing_and_what_would_be_refused(client_of, viewer):
    client, ca_ = client_of(viewer), link("elsewhere")
    alone = client.post(BUNDLE, {"text": link("leaf", by=ca_, ca=False).facts.pem})
    assert "CN=elsewhere is missing" in alone.content.decode()
    assert "incomplete" in alone.content.decode()
    wrong = {"text": "nonsense"}
    assert client.post(BUNDLE, wrong).status_code == 422
    assert client.post(BUNDLE, {"text": ca_.facts.pem, "root": "x"}).status_code == 422
    assert client.get(BUNDLE).status_code == 200
    assert client.put(BUNDLE).status_code == 405


def test_cross_signing_by_another_of_ours(client_of, administrator, issuer, root):
    other, client = make_authority("other", lane=Lane.SERVING), client_of(administrator)
    assert client_of(issuer).post(cross(root), {"by": "other"}).status_code == 403
    assert client.get(cross(root)).status_code == 200
    assert client.post(cross(root), {"by": "nobody"}).status_code == 422
    assert client.post(cross(root), {"by": "other", "expiry": "soon"}).status_code == 422
    done = client.post(cross(root), {"by": "other", "expiry": "8760h", "do": "sign"})
    assert done.url == root.get_absolute_url()
    assert AuthorityCertificate.objects.get().issuer == other
    page = client.get(root.get_absolute_url()).content.decode()
    assert "also signed by" in page
    assert "2 ways to a root" in page


def test_cross_signing_by_an_outside_ca(client_of, administrator, root):
    client, ca_ = client_of(administrator), outside()
    address = cross(root, "authority_cross_request")
    assert client.get(address).status_code == 405
    request = client.post(address).content.decode()
    text = answered(request, ca_, ca=True) + ca_.facts.pem
    assert client.post(cross(root), {"do": "bring", "text": ""}).status_code == 422
    wrong = {"do": "bring", "text": ca_.facts.pem}
    assert client.post(cross(root), wrong).status_code == 422
    assert client.post(cross(root), {"do": "bring", "text": text}).status_code == 302
    assert client.post(cross(root), {"do": "bring", "text": text}).status_code == 409
