"""A chain in order: doubles, strangers, gaps, and which root it leads to."""

from __future__ import annotations

import itertools

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from aggportal.pki.armour import NothingFound
from aggportal.pki.bags import read_bag
from aggportal.pki.bundles import bundle
from aggportal.pki.errors import InvalidCertificate, PkiError
from aggportal.pki.paths import MAX_PATHS, find_paths
from aggportal.pki.reading import PrivateKeyFound
from tests.pki.certificates_made import NOW
from tests.pki.csrs_made import csr, pem
from tests.pki.paths_made import leaf, link

ROOT = link("root")
MIDDLE = link("ca", by=ROOT)
END = leaf(MIDDLE)
STRANGER = link("stranger")
OTHER = link("other root")
CROSS = link("ca", key=MIDDLE.key, by=OTHER)
CHAIN = (END.facts, MIDDLE.facts, ROOT.facts)


@pytest.mark.parametrize("given", list(itertools.permutations(CHAIN)))
def test_any_order_becomes_the_one_order(given):
    made = bundle(given, now=NOW)
    assert made.way.certificates == CHAIN
    assert made.way.is_good
    assert made.was_in_order is (given == CHAIN)


def test_doubles_and_strangers_are_told_and_left_out():
    made = bundle((*CHAIN, MIDDLE.facts, STRANGER.facts), now=NOW)
    assert made.duplicates == (MIDDLE.facts,)
    assert made.strangers == (STRANGER.facts,)
    assert made.way.certificates == CHAIN


def test_a_gap_is_named_or_filled_from_what_is_known():
    alone = bundle((END.facts,), now=NOW)
    assert alone.missing == MIDDLE.facts.subject
    assert not alone.way.is_good
    filled = bundle((END.facts,), known=(MIDDLE.facts, ROOT.facts), now=NOW)
    assert filled.added == (MIDDLE.facts, ROOT.facts)
    assert filled.missing == ""


def test_of_several_roots_the_wanted_one_counts():
    given = (*CHAIN, CROSS.facts, OTHER.facts)
    assert len(bundle(given, now=NOW).ways) == 2
    for root in (ROOT, OTHER):
        made = bundle(given, root=root.facts.sha256, now=NOW)
        assert made.way.root == root.facts
        assert made.strangers == ()


def test_the_pem_begins_with_the_end_and_leaves_out_the_root():
    made = bundle(CHAIN, now=NOW)
    assert made.pem(with_root=False) == END.facts.pem + MIDDLE.facts.pem
    assert made.pem(with_root=True).endswith(ROOT.facts.pem)
    assert bundle((ROOT.facts,), now=NOW).pem(with_root=False) == ROOT.facts.pem


def test_many_of_one_name_cost_a_bounded_time():
    crowd = [link("ca") for _number in range(60)]
    crossed = [link("ca", key=MIDDLE.key, by=one) for one in crowd[:30]]
    known = [one.facts for one in (*crowd, *crossed)]
    roots = [c for c in known if c.self_signed]
    paths = find_paths(
        END.facts, intermediates=[c for c in known if not c.self_signed], roots=roots, now=NOW
    )
    assert 0 < len(paths) <= MAX_PATHS


def test_two_authorities_that_sign_each_other_are_no_circle():
    first, second = link("first"), link("second")
    each = [
        link("first", key=first.key, by=second).facts,
        link("second", key=second.key, by=first).facts,
    ]
    paths = find_paths(leaf(first).facts, intermediates=each, roots=[], now=NOW)
    assert paths
    assert not any(path.is_good for path in paths)
    assert max(len(path.certificates) for path in paths) == 3


def test_a_bag_is_read_from_pem_der_pkcs7_and_base64():
    links = (END.certificate, MIDDLE.certificate)
    text = "".join(c.public_bytes(Encoding.PEM).decode() for c in links)
    expected = (END.facts, MIDDLE.facts)
    assert read_bag(f"Bag Attributes\n{text}") == expected
    assert read_bag(END.facts.der) == expected[:1]
    for encoding in (Encoding.PEM, Encoding.DER):
        assert set(read_bag(pkcs7.serialize_certificates(links, encoding))) == set(expected)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("", NothingFound),
        ("hello", NothingFound),
        (pem(csr()), InvalidCertificate),
        ("-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n", PrivateKeyFound),
        ("-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n", InvalidCertificate),
        ("-----BEGIN CERTIFICATE-----\nM\n-----END CERTIFICATE-----\n", InvalidCertificate),
        ("-----BEGIN PKCS7-----\nMA==\n-----END PKCS7-----\n", InvalidCertificate),
        ("-----BEGIN X509 CRL-----\nMA==\n-----END X509 CRL-----\n", InvalidCertificate),
        (b"\x30\x82", PkiError),
    ],
)
def test_what_is_no_certificate_is_refused_in_words(given, kind):
    with pytest.raises(kind) as refused:
        read_bag(given, field="answer")
    assert refused.value.field == "answer"
    assert str(refused.value)
