"""Whatever is accepted signs, parses back and verifies."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggportal.pki.csrs import make_csr
from aggportal.pki.errors import PkiError
from aggportal.pki.issuing import plan_authority, plan_certificate, sign_certificate
from aggportal.pki.keys import KeySpec, generate_key
from aggportal.pki.requests import dump_request_spec, load_request_spec
from tests.pki.recipe import NOW, PROFILE, authority

KEYS = {
    "ecdsa": generate_key(KeySpec()),
    "ed25519": generate_key(KeySpec(algo="ed25519")),
}
texts = st.text(max_size=70) | st.sampled_from(["k8s", "a*b", "é", "Ünïcode", "system:x"])
hosts = st.lists(
    st.sampled_from(
        ["a.b", "*.c.d", "10.0.0.1", "::1", "o@x.y", "spiffe://a/b", "a:1", "bü", "x y"]
    )
    | st.text(max_size=30),
    max_size=6,
)
oids = st.sampled_from(["1.2.3", "2.5.4.9", "2.5.4.17"])
values: dict[str, st.SearchStrategy[Any]] = dict.fromkeys(("ST", "L", "O", "OU", "E"), texts)
values["C"] = st.sampled_from(["CN", "DE", "USA"])
values["OID"] = st.dictionaries(oids, texts, max_size=2)
names = st.lists(st.fixed_dictionaries({}, optional=values), max_size=3)
kinds = st.sampled_from([{"algo": "ed25519"}, {"algo": "ecdsa", "size": 256}])
documents = st.fixed_dictionaries(
    {"CN": texts, "hosts": hosts, "names": names, "key": kinds},
    optional={"serialnumber": texts, "delegation_enabled": st.booleans()},
)
# In compat a country may have three letters, of which the library warns.
pytestmark = pytest.mark.filterwarnings("ignore:Attribute's length")
relaxed = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def accepted(document, *, strict):
    try:
        spec = load_request_spec(document, strict=strict)
        plan = plan_certificate(
            spec, profile=PROFILE, issuer=authority().issuer, now=NOW, compat=not strict
        )
    except PkiError:
        return None
    return spec, plan


@relaxed
@given(document=documents, strict=st.booleans())
def test_whatever_is_accepted_signs_and_parses_back(document, strict):
    found = accepted(document, strict=strict)
    if found is None:
        return
    spec, plan = found
    key, root = KEYS[spec.key.algo], authority()
    try:
        made = sign_certificate(
            plan, public_key=key.public_key(), issuer_key=root.key, allow_reserved=True
        )
    except PkiError:
        return
    read = x509.load_der_x509_certificate(made.public_bytes(Encoding.DER))
    read.verify_directly_issued_by(root.certificate)
    assert read.subject.public_bytes() == plan.subject.public_bytes()
    assert len(list(read.extensions)) >= 5
    csr = make_csr(spec, key=key, compat=not strict)
    assert x509.load_der_x509_csr(csr.public_bytes(Encoding.DER)).is_signature_valid


@relaxed
@given(
    document=documents,
    ca=st.fixed_dictionaries(
        {},
        optional={
            "pathlen": st.integers(0, 3),
            "expiry": st.sampled_from(["1h", "90m", "1000000h"]),
        },
    ),
)
def test_whatever_authority_is_accepted_signs_itself(document, ca):
    try:
        plan = plan_authority(load_request_spec(document | {"ca": ca}), now=NOW)
    except PkiError:
        return
    key = KEYS[load_request_spec(document).key.algo]
    try:
        made = sign_certificate(
            plan, public_key=key.public_key(), issuer_key=key, allow_reserved=True
        )
    except PkiError:
        return
    made.verify_directly_issued_by(made)


@relaxed
@given(document=documents)
def test_whatever_is_read_is_written_and_read_alike(document):
    try:
        spec = load_request_spec(document)
    except PkiError:
        return
    assert load_request_spec(dump_request_spec(spec)) == spec


keys = st.sampled_from(
    ["CN", "hosts", "key", "names", "ca", "C", "OID", "extensions", "Id", "algo"]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)


@given(document=st.dictionaries(keys, anything))
def test_a_document_of_wrong_types_is_refused_or_read(document):
    with contextlib.suppress(PkiError):
        assert dump_request_spec(load_request_spec(document))


@pytest.mark.parametrize("algo", ["ecdsa", "ed25519"])
def test_the_signature_follows_the_authoritys_key(algo):
    root = authority(algo, 384 if algo == "ecdsa" else 0)
    assert root.issuer.signature_hash == ("SHA384" if algo == "ecdsa" else "")
