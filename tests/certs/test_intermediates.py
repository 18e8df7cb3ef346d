"""Authorities below others: made with their row, limited by the whole chain, cross-signed."""

from __future__ import annotations

import pytest
from cryptography import x509
from django.utils import timezone

from aggportal.certs.models import (
    Authority,
    AuthorityCertificate,
    Certificate,
    Kind,
    Lane,
    Reason,
    SigningRequest,
    State,
)
from aggportal.certs.services.authorities import SlugTaken
from aggportal.certs.services.chain_trees import authority_tree, certificate_tree, nested
from aggportal.certs.services.chains import Retired, authority_chain, issuer_for
from aggportal.certs.services.cross_signing import (
    AlreadyCrossSigned,
    add_cross_certificate,
    cross_sign,
    make_cross_request,
)
from aggportal.certs.services.intermediates import create_intermediate
from aggportal.certs.services.receiving import receive_request
from aggportal.certs.services.ways import authority_ways, certificate_ways, way_file
from aggportal.ledger.models import Entry, Outcome
from aggportal.ledger.verifying import verify_chain
from aggportal.pki.csrreading import read_csr
from aggportal.pki.errors import InvalidCertificate, InvalidFields, KeyMismatch, LaneMixed, PkiError
from aggportal.pki.reading import read_certificates
from tests.certs.chains_made import answered, ca_spec, choices, make_intermediate, outside
from tests.certs.makers import ANA, make_authority, make_certificate
from tests.pki.csrs_made import csr, der, sans
from tests.pki.paths_made import name_of

pytestmark = pytest.mark.django_db
LATER = "8760h"


@pytest.fixture
def root():
    return make_authority("root", lane=Lane.SERVING)


def serve(authority, name="api.wardle.svc"):
    return make_certificate(authority, name, profile="extension-serving", hosts=[name])


def row_of(authority):
    """The row among what its parent issued."""
    return Certificate.objects.get(made_authority=authority)


def crossed(authority, by_authority, **rest):
    return cross_sign(authority, by_authority=by_authority, by=ANA, now=timezone.now(), **rest)


def test_an_intermediate_is_an_authority_and_a_row_among_what_its_parent_issued(root):
    sub = make_intermediate(root)
    assert (sub.parent, sub.is_root, sub.chain_pem) == (root, False, "")
    row = row_of(sub)
    assert (row.authority, row.kind, row.key, row.profile) == (
        root,
        Kind.AUTHORITY,
        None,
        "intermediate",
    )
    assert row.fingerprint_sha256 == sub.fingerprint_sha256
    assert SigningRequest.objects.get(certificate=row).state == State.ISSUED
    outcomes = Entry.objects.filter(action="certificate.issued").values_list("outcome", flat=True)
    assert set(outcomes) == {Outcome.INTENDED, Outcome.DONE}
    assert Entry.objects.filter(action="authority.created", object_id="sub").exists()
    assert verify_chain().broken_at is None


def test_what_it_issues_leads_to_the_root(root):
    leaf = serve(make_intermediate(make_intermediate(root), "lower"))
    (way,) = certificate_ways(leaf, now=timezone.now())
    assert way.is_good
    assert [c.common_name for c in way.certificates] == ["api.wardle.svc", "lower", "sub", "root"]
    body = way_file(way, "api").body.decode()
    assert [c.common_name for c in read_certificates(body)] == ["api.wardle.svc", "lower", "sub"]


def test_constraints_and_path_length_of_the_root_bind_below(root):
    limited = make_intermediate(
        root, "limited", pathlen=1, name_constraints={"permitted": ["DNS:svc"]}
    )
    lower = make_intermediate(limited, "lower", pathlen=0, pathlenzero=True)
    assert serve(lower).pk
    with pytest.raises(InvalidFields):
        serve(lower, "api.example.com")
    with pytest.raises(PkiError) as refused:
        make_intermediate(lower, "lowest")
    assert refused.value.field == "ca.pathlen"
    with pytest.raises(PkiError):
        make_intermediate(limited, "wide")  # no path length below a limited one
    assert set(Authority.objects.values_list("slug", flat=True)) == {"root", "limited", "lower"}


def test_a_request_of_others_is_held_to_the_chain_too(root):
    limited = make_intermediate(root, name_constraints={"permitted": ["DNS:svc"]})
    asked = read_csr(der(csr(sans("api.example.com"))))
    with pytest.raises(InvalidFields):
        receive_request(limited, asked, profile="extension-serving", by=ANA, now=timezone.now())


def test_a_taken_short_name_leaves_nothing_half_made(root):
    make_intermediate(root)
    with pytest.raises(SlugTaken):
        make_intermediate(root)
    assert Certificate.objects.count() == 1


def test_an_intermediate_of_another_lane_needs_a_reason(root):
    with pytest.raises(LaneMixed):
        make_intermediate(root, "proxy", lane=Lane.FRONT_PROXY)
    chosen = choices("proxy", lane=Lane.FRONT_PROXY, override_reason="only for a laboratory")
    made = create_intermediate(ca_spec("proxy"), chosen, parent=root, by=ANA, now=timezone.now())
    assert made.override_reason == "only for a laboratory"
    assert row_of(made).override_reason == "only for a laboratory"


def test_a_retired_authority_signs_nothing(root):
    sub = make_intermediate(root)
    Authority.objects.filter(pk=sub.pk).update(retired_at=timezone.now())
    sub.refresh_from_db()
    with pytest.raises(Retired, match="was retired"):
        serve(sub)
    with pytest.raises(Retired, match="was retired"):
        make_intermediate(sub, "lower")
    with pytest.raises(Retired):
        receive_request(
            sub,
            read_csr(der(csr(sans("api.wardle.svc")))),
            profile="extension-serving",
            by=ANA,
            now=timezone.now(),
        )
    with pytest.raises(Retired):
        crossed(sub, root)
    assert SigningRequest.objects.filter(authority=sub).count() == 0


def test_nothing_is_signed_below_a_revoked_authority(root):
    sub = make_intermediate(root)
    lower = make_intermediate(sub, "lower")
    Certificate.objects.filter(pk=row_of(sub).pk).update(
        revoked_at=timezone.now(), revocation_reason=Reason.CA_COMPROMISE
    )
    again = Authority.objects.get(pk=lower.pk)
    with pytest.raises(Retired, match="was revoked"):
        issuer_for(again)


def test_cross_signing_gives_a_second_way_to_a_root(root):
    sub, other = make_intermediate(root), make_authority("other", lane=Lane.SERVING)
    made = crossed(sub, other)
    assert (made.issuer, made.issued_as.authority) == (other, other)
    assert made.issued_as.kind == Kind.AUTHORITY
    ways = certificate_ways(serve(sub), now=timezone.now())
    assert {way.root.common_name for way in ways} == {"root", "other"}
    assert all(way.is_good for way in ways)
    roots = {way.root.common_name for way in authority_ways(sub, now=timezone.now())}
    assert roots == {"root", "other"}


def test_cross_signing_is_refused_in_a_circle_and_by_itself(root):
    sub = make_intermediate(root)
    for by_authority in (root, sub):
        with pytest.raises(KeyMismatch):
            crossed(root, by_authority)
    with pytest.raises(LaneMixed):
        crossed(root, make_authority("proxy", lane=Lane.FRONT_PROXY))


def test_an_outside_ca_cross_signs_by_csr_and_certificate(root):
    request, ca = make_cross_request(root, by=ANA, now=timezone.now()), outside()
    assert Entry.objects.filter(action="authority.csr_made").count() == 1
    text = answered(request, ca, ca=True) + ca.facts.pem
    made = add_cross_certificate(root, text, by=ANA, now=timezone.now())
    assert (made.issuer, made.chain_pem) == (None, ca.facts.pem)
    ways = certificate_ways(serve(root), now=timezone.now())
    assert {way.root.common_name for way in ways} == {"root", "outside-root"}
    with pytest.raises(AlreadyCrossSigned):
        add_cross_certificate(root, text, by=ANA, now=timezone.now())
    assert AuthorityCertificate.objects.count() == 1


def test_a_cross_certificate_must_fit_the_authority(root):
    ca, other = outside(), make_authority("other", lane=Lane.SERVING)
    request = make_cross_request(root, by=ANA, now=timezone.now())
    wrong = (
        (other.certificate_pem, KeyMismatch),
        (root.certificate_pem, InvalidCertificate),
        (answered(request, ca, ca=True, subject=name_of("renamed")), InvalidCertificate),
        (answered(request, ca), PkiError),
    )
    for text, refusal in wrong:
        with pytest.raises(refusal):
            add_cross_certificate(root, text, by=ANA, now=timezone.now())


def test_the_csr_for_outside_has_subject_and_limits(root):
    limited = make_intermediate(root, name_constraints={"permitted": ["DNS:svc"]})
    text = make_cross_request(limited, by=ANA, now=timezone.now())
    asked = x509.load_pem_x509_csr(text.encode())
    own = x509.load_pem_x509_certificate(limited.certificate_pem.encode())
    assert asked.subject.public_bytes() == own.subject.public_bytes()
    for kind in (x509.BasicConstraints, x509.NameConstraints):
        assert (
            asked.extensions.get_extension_for_class(kind).value
            == own.extensions.get_extension_for_class(kind).value
        )


def test_the_tree_has_the_root_at_the_top_and_marks_this_one(root):
    sub, other = make_intermediate(root), make_authority("other", lane=Lane.SERVING)
    lower = make_intermediate(sub, "lower")
    crossed(sub, other)
    tree = authority_tree(Authority.objects.get(pk=sub.pk), now=timezone.now())
    (marked,) = tree.children
    assert (tree.title, marked.title, marked.marked) == ("root", "sub", True)
    assert [cross.issuer for cross in marked.crosses] == ["other"]
    assert [child.title for child in marked.children] == ["lower"]
    leaf = certificate_tree(serve(lower), now=timezone.now())
    assert leaf.children[0].children[0].children[0].marked


def test_the_list_has_those_below_after_their_parents(root):
    sub = make_intermediate(root)
    make_authority("alone", lane=Lane.SERVING)
    make_intermediate(sub, "lower")
    found = nested(list(Authority.objects.all()))
    assert [(a.slug, depth) for a, depth in found] == [
        ("alone", 0),
        ("root", 0),
        ("sub", 1),
        ("lower", 2),
    ]


def test_the_chain_of_an_authority_leads_up(root):
    lower = make_intermediate(make_intermediate(root), "lower")
    assert [c.common_name for c in authority_chain(lower)] == ["lower", "sub", "root"]
