"""What a profile makes of a request, and every difference in words."""

from __future__ import annotations

import datetime as dt
import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from aggportal.pki.comparing import Difference, compare
from aggportal.pki.config import load_profile
from aggportal.pki.csrplanning import Changes, plan_from_csr, request_spec_of
from aggportal.pki.csrreading import CsrFacts, read_csr
from aggportal.pki.errors import (
    InvalidFields,
    InvalidHost,
    MissingSubject,
    NameNotAllowed,
    PathLengthExceeded,
    PkiError,
    WantsAuthority,
)
from aggportal.pki.issuers import issuer_of
from aggportal.pki.issuing import plan_authority, sign_certificate
from aggportal.pki.keys import generate_key
from aggportal.pki.plans import CertificatePlan
from aggportal.pki.profiles import Profile
from aggportal.pki.reading import read_certificate
from aggportal.pki.requests import load_request_spec
from tests.pki.csrs_made import TLS_FEATURE, UNKNOWN, ca, csr, der, sans, unknown, usages

NOW = dt.datetime(2026, 5, 4, 12, 0, tzinfo=dt.UTC)
CA_SPEC = load_request_spec(
    {"CN": "root", "key": {"algo": "ecdsa", "size": 256}, "ca": {"expiry": "8760h", "pathlen": 1}}
)
CA_KEY = generate_key(CA_SPEC.key)
ROOT = sign_certificate(
    plan_authority(CA_SPEC, now=NOW), public_key=CA_KEY.public_key(), issuer_key=CA_KEY
)
ISSUER = issuer_of(ROOT)


def profile(**more: object) -> Profile:
    document = {"expiry": "720h", "usages": ["signing", "client auth"], **more}
    return load_profile("client", document)


def asked(*extensions, **rest) -> CsrFacts:
    return read_csr(der(csr(*extensions, **rest)))


def plan(facts: CsrFacts, used: Profile | None = None, **choices) -> CertificatePlan:
    return plan_from_csr(facts, profile=used or profile(), issuer=ISSUER, now=NOW, **choices)


def told(facts: CsrFacts, used: Profile | None = None, **choices) -> dict[str, Difference]:
    chosen = used or profile()
    changes = {"changes": choices["changes"]} if "changes" in choices else {}
    lines = compare(facts, plan(facts, chosen, **choices), profile=chosen, **changes)
    return {line.key: line for line in lines}


def test_subject_names_and_key_are_the_requesters_all_else_is_the_profiles() -> None:
    facts = asked(sans("a.example"), usages(ExtendedKeyUsageOID.SERVER_AUTH))
    made = plan(facts)
    assert made.subject == facts.name
    assert [san.value for san in made.sans] == ["a.example"]
    assert made.extended_key_usages == ("client auth",)
    signed = sign_certificate(made, public_key=facts.public_key, issuer_key=CA_KEY)
    signed.verify_directly_issued_by(ROOT)
    assert signed.public_key() == facts.public_key


def test_a_usage_that_is_asked_for_in_vain_is_named() -> None:
    line = told(asked(usages(ExtendedKeyUsageOID.SERVER_AUTH)))["extended-usages"]
    assert (line.asked, line.given, line.standing) == (
        ("server auth",),
        ("client auth",),
        "changed",
    )
    assert [str(note) for note in line.notes] == [
        "Left out, since the profile does not allow it: server auth.",
        "Added by the profile: client auth.",
    ]


@pytest.mark.parametrize("compat", [False, True])
def test_ca_true_is_refused_unless_the_profile_makes_authorities(compat: bool) -> None:
    with pytest.raises(WantsAuthority, match="client"):
        plan(asked(ca()), compat=compat)
    below = profile(usages=["cert sign"], ca_constraint={"is_ca": True, "max_path_len_zero": True})
    line = told(asked(ca(3)), below)["ca"]
    assert (line.asked, line.given) == (("CA:TRUE, pathlen:3",), ("CA:TRUE, pathlen:0",))
    with pytest.raises(PathLengthExceeded):
        plan(asked(ca()), profile(usages=["cert sign"], ca_constraint={"is_ca": True}))


def test_an_authority_that_nobody_asked_for_is_told() -> None:
    below = profile(usages=["cert sign"], ca_constraint={"is_ca": True, "max_path_len_zero": True})
    line = told(asked(), below)["ca"]
    assert line.standing == "changed"
    assert "does not ask" in str(line.notes[0])


def test_other_extensions_are_left_out_and_told_by_their_oid() -> None:
    lines = told(asked(unknown(critical=True), unknown("1.3.6.1.5.5.7.1.24", b"0\x03\x02\x01\x05")))
    assert lines[UNKNOWN].standing == lines[TLS_FEATURE].standing == "dropped"
    assert lines[UNKNOWN].asked == ("critical, 05 00",)
    assert "no copy_extensions" in str(lines[UNKNOWN].notes[0])


def test_copy_extensions_takes_over_what_the_profile_does_not_decide() -> None:
    constraints = x509.NameConstraints([x509.DNSName("example")], None)
    facts = asked(
        unknown(), (constraints, True), usages(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    )
    used = profile(copy_extensions=True)
    made = plan(facts, used)
    assert [extension.oid for extension in made.copied] == [UNKNOWN]
    assert made.extended_key_usages == ("client auth",)
    assert told(facts, used)["2.5.29.30"].standing == "dropped"
    signed = sign_certificate(made, public_key=facts.public_key, issuer_key=CA_KEY)
    found = signed.extensions.get_extension_for_oid(x509.ObjectIdentifier(UNKNOWN))
    assert found.value.public_bytes() == b"\x05\x00"


def test_names_are_kept_replaced_or_cleared_as_cfssl_does() -> None:
    facts = asked(sans("b.example", "10.0.0.1", "a.example", "b.example"))
    assert [san.value for san in plan(facts).sans] == ["b.example", "a.example", "10.0.0.1"]
    replaced = told(facts, changes=Changes(hosts=("c.example",)))["names"]
    assert (replaced.given, replaced.standing) == (("DNS c.example",), "changed")
    assert told(facts, changes=Changes(hosts=()))["names"].standing == "dropped"


def test_names_of_other_kinds_are_left_out_and_told() -> None:
    other = x509.SubjectAlternativeName([x509.RegisteredID(x509.ObjectIdentifier("1.2.3.4"))])
    line = told(asked((other, False)))["names"]
    assert (line.asked, line.given) == (("other 1.2.3.4",), ())
    assert "other kinds" in str(line.notes[-1])


@pytest.mark.parametrize(
    "name",
    ["10.0.0.1", "a b.example", "a_b.example", "*.*.example", "x.", "-x", "0.0.0.0/0", "a@b.c"],
)
def test_a_name_that_no_verifier_matches_is_refused(name: str) -> None:
    hostile = x509.SubjectAlternativeName([x509.DNSName(name)])
    with pytest.raises((InvalidHost, InvalidFields)):
        plan(asked((hostile, False)))


@pytest.mark.parametrize("compat", [False, True])
def test_a_network_in_place_of_an_address_is_refused(compat: bool) -> None:
    network = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_network("10.0.0.0/8"))])
    with pytest.raises((InvalidHost, InvalidFields)):
        plan(asked((network, False)), compat=compat)


@pytest.mark.parametrize("name", ["a_b", "*.*.x", "x.", "10.0.0.1", "a b", " "])
def test_in_compat_a_name_that_cfssl_keeps_is_kept_with_its_kind(name: str) -> None:
    facts = asked((x509.SubjectAlternativeName([x509.DNSName(name)]), False))
    made = plan(facts, compat=True)
    signed = sign_certificate(made, public_key=facts.public_key, issuer_key=CA_KEY)
    found = signed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert found.get_values_for_type(x509.DNSName) == [name]


def test_too_many_names_are_refused() -> None:
    with pytest.raises(InvalidHost, match="101"):
        plan(asked(sans(*(f"h{number}.example" for number in range(101)))))


@pytest.mark.parametrize("value", ["a\x00b", "a‮b", "  ", "x\ny"])
def test_an_unreadable_subject_is_refused(value: str) -> None:
    with pytest.raises(PkiError):
        plan(asked(subject=[("CN", value)]))


def test_a_value_beyond_its_bound_is_refused_in_strict_mode() -> None:
    facts = asked(subject=[("E", "a" * 256)])
    with pytest.raises(PkiError, match="255"):
        plan(facts)


def test_a_request_for_nobody_is_refused_and_one_with_names_alone_is_not() -> None:
    with pytest.raises(MissingSubject):
        plan(asked(subject=[]))
    assert plan(asked(sans("a.example"), subject=[])).sans_critical


def test_the_whitelist_looks_at_requests_too() -> None:
    with pytest.raises(NameNotAllowed):
        plan(asked(sans("evil.test")), profile(name_whitelist=r"^(web|.*\.example)$"))


def test_a_life_beyond_the_authoritys_end_is_cut_and_told() -> None:
    line = told(asked(), profile(expiry="87600h"))["valid"]
    assert "ends with the authority" in str(line.notes[-1])
    assert plan(asked(), profile(expiry="87600h")).validity.not_after == ISSUER.validity.not_after
    longer = plan(asked(), profile(expiry="87600h"), compat=True)
    assert longer.validity.not_after > ISSUER.validity.not_after


def test_strict_keeps_the_subject_to_the_byte_and_compat_writes_it_as_cfssl() -> None:
    facts = asked(subject=[("CN", "web"), ("DC", "example"), ("O", "k8s")])
    assert told(facts)["subject"].standing == "same"
    written = told(facts, compat=True)["subject"]
    assert written.given == ("O=k8s, CN=web",)
    assert "cfssl" in str(written.notes[0])


def test_another_subject_replaces_the_requests() -> None:
    other = load_request_spec({"CN": "api", "names": [{"O": "team"}]})
    line = told(asked(), changes=Changes(subject=other))["subject"]
    assert (line.given, line.standing) == (("O=team, CN=api",), "changed")


def test_a_challenge_password_is_told_and_never_shown() -> None:
    lines = told(asked(password=b"hunter2"))
    shown = lines["1.2.840.113549.1.9.7"]
    assert shown.standing == "dropped"
    assert "hunter2" not in repr(lines)


def test_a_request_reads_as_a_request_spec() -> None:
    spec = request_spec_of(asked(sans("a.example")))
    assert (spec.common_name, spec.hosts, spec.names[0].organization) == (
        "web",
        ("a.example",),
        "k8s",
    )


ASCII = st.text(st.characters(max_codepoint=127), min_size=1, max_size=40)
KINDS = st.sampled_from([x509.DNSName, x509.UniformResourceIdentifier])
OIDS = st.sampled_from([UNKNOWN, TLS_FEATURE, "2.5.29.30", "2.5.29.54", "1.3.6.1.4.1.44363.44"])


@given(
    names=st.lists(st.tuples(KINDS, ASCII), max_size=4),
    subject=st.lists(
        st.tuples(st.sampled_from(["CN", "O", "E", "DC"]), st.text(min_size=1, max_size=16)),
        max_size=4,
        unique=True,
    ),
    extensions=st.lists(
        st.tuples(OIDS, st.binary(max_size=20)), max_size=3, unique_by=lambda e: e[0]
    ),
    compat=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_whatever_is_asked_is_refused_in_words_or_signs_and_reads_back(
    names, subject, extensions, compat
) -> None:
    added = [unknown(oid, value) for oid, value in extensions]
    if names:
        added.append((x509.SubjectAlternativeName([kind(text) for kind, text in names]), False))
    used = profile(copy_extensions=True)
    try:
        facts = asked(*added, subject=subject)
        made = plan(facts, used, compat=compat)
    except PkiError:
        return
    signed = sign_certificate(made, public_key=facts.public_key, issuer_key=CA_KEY)
    assert read_certificate(signed.public_bytes(Encoding.PEM)).spki_sha256 == facts.spki_sha256
    assert all(line.label for line in compare(facts, made, profile=used))
