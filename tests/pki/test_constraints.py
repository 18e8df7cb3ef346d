"""Name constraints: read, written, and what they bind at issue time."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509

from aggportal.pki.constraints import (
    constraints_extension,
    constraints_of,
    load_constraints,
    parse_constraint,
)
from aggportal.pki.errors import InvalidField, InvalidFields, PathLengthExceeded
from aggportal.pki.intermediates import plan_cross, plan_intermediate
from aggportal.pki.issuers import issuer_of
from aggportal.pki.issuing import plan_authority, plan_certificate, sign_certificate
from aggportal.pki.keys import generate_key
from aggportal.pki.presets import PRESETS
from aggportal.pki.requests import dump_request_spec, load_request_spec
from aggportal.pki.subtrees import NameConstraints
from tests.pki.certificates_made import NOW

P256 = {"algo": "ecdsa", "size": 256}
SERVING = PRESETS["extension-serving"]


def ca(cn, **section):
    section.setdefault("expiry", "87600h")
    return load_request_spec({"CN": cn, "key": P256, "ca": section})


def root(**section):
    spec, key = ca("root", **section), generate_key(ca("root").key)
    plan = plan_authority(spec, now=NOW)
    return sign_certificate(plan, public_key=key.public_key(), issuer_key=key), key


def below(certificate, key, *above, cn="ca", **section):
    section.setdefault("expiry", "8760h")
    issuer = issuer_of(certificate, above)
    plan = plan_intermediate(ca(cn, **section), issuer=issuer, now=NOW)
    own = generate_key(ca(cn).key)
    return sign_certificate(plan, public_key=own.public_key(), issuer_key=key), own


def leaf_plan(certificate, *above, hosts=("api.wardle.svc",), compat=False, **more):
    spec = load_request_spec({"CN": "leaf", "hosts": list(hosts), "key": P256, **more})
    return plan_certificate(
        spec,
        profile=SERVING,
        issuer=issuer_of(certificate, above),
        now=NOW,
        compat=compat,
        end_with_issuer=not compat,
    )


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("DNS:SVC", "DNS:svc"),
        ("dns: wardle.svc", "DNS:wardle.svc"),
        ("IP:2001:DB8::/32", "IP:2001:db8::/32"),
        ("IP:10.1.2.3/32", "IP:10.1.2.3/32"),
        ("email:a@Example.com", "email:a@example.com"),
        ("email:.example.com", "email:.example.com"),
        ("URI:.example.com", "URI:.example.com"),
        ("DN:C=CN, O=k8s", "DN:C=CN, O=k8s"),
        ("DN:C=CN,O=a\\, b", "DN:C=CN, O=a\\, b"),
    ],
)
def test_a_constraint_becomes_canonical_and_stays_so(text, canonical):
    read = parse_constraint(text, field="x")
    assert str(read) == canonical
    assert parse_constraint(canonical, field="x") == read


@pytest.mark.parametrize(
    "text",
    [
        "svc",
        "host:svc",
        "DNS:",
        "DNS:.svc",
        "DNS:*.svc",
        "DNS:a b",
        "IP:10.0.0.1/8",
        "IP:10.0.0.0/33",
        "IP:x",
        "email:@",
        "URI:https://example.com",
        "DN:",
        "DN:svc",
        "DNS:a\u202eb",
        "DNS:" + "a." * 400,
    ],
)
def test_what_is_no_constraint_is_refused_on_its_field(text):
    with pytest.raises(InvalidField) as refused:
        parse_constraint(text, field="ca.name_constraints.permitted[0]")
    assert refused.value.field == "ca.name_constraints.permitted[0]"


def test_the_extension_reads_back_as_it_was_written():
    permitted = ("DNS:svc", "IP:10.0.0.0/8", "email:example.com", "URI:.x.org", "DN:C=CN, O=k8s")
    wanted, problems = load_constraints(permitted, ("DNS:bad.svc",), field="")
    assert not problems
    certificate, _key = root(
        name_constraints={"permitted": list(permitted), "excluded": ["DNS:bad.svc"]}
    )
    assert constraints_of(certificate) == wanted
    extension = certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert extension.critical
    assert extension.value == constraints_extension(wanted)


def test_a_request_spec_keeps_its_constraints_and_names_the_wrong_one():
    limits = {"permitted": ["DNS:svc"], "excluded": ["IP:10.0.0.0/8"]}
    spec = ca("root", name_constraints=limits)
    assert dump_request_spec(spec)["ca"]["name_constraints"] == limits
    assert spec.unknown == ()
    with pytest.raises(InvalidFields) as refused:
        ca("root", name_constraints={"permitted": ["DNS:svc", "nonsense"], "more": 1})
    assert [p.field for p in refused.value.problems] == ["ca.name_constraints.permitted[1]"]


def test_without_constraints_nothing_is_written():
    certificate, _key = root()
    assert constraints_of(certificate) == NameConstraints()
    assert "name_constraints" not in dump_request_spec(ca("root"))["ca"]


def test_names_outside_are_refused_in_strict_and_pass_in_compat():
    certificate, _key = root(name_constraints={"permitted": ["DNS:svc"]})
    assert leaf_plan(certificate)
    with pytest.raises(InvalidFields) as refused:
        leaf_plan(certificate, hosts=("api.wardle.svc", "example.com"))
    (problem,) = refused.value.problems
    assert (problem.code, problem.field) == ("name-constrained", "hosts")
    assert "DNS:example.com" in str(problem)
    assert leaf_plan(certificate, hosts=("example.com",), compat=True)


def test_the_constraints_of_the_whole_chain_bind():
    top, key = root(name_constraints={"excluded": ["DNS:bad.svc"]})
    middle, _own = below(top, key)
    assert leaf_plan(middle, top)
    with pytest.raises(InvalidFields):
        leaf_plan(middle, top, hosts=("x.bad.svc",))
    with pytest.raises(InvalidFields):
        leaf_plan(middle, top, hosts=("*.svc",))  # could stand for bad.svc


def test_a_subject_outside_is_refused_on_its_field():
    top, _key = root(name_constraints={"permitted": ["DN:O=k8s"]})
    assert leaf_plan(top, names=[{"O": "K8S"}])
    with pytest.raises(InvalidFields) as refused:
        leaf_plan(top, names=[{"O": "other"}])
    assert refused.value.problems[0].field == "CN"


def test_the_path_length_of_the_whole_chain_binds():
    top, key = root(pathlen=1)
    middle, own = below(top, key, pathlenzero=True)
    assert issuer_of(middle, [top]).path_length == 0
    with pytest.raises(PathLengthExceeded) as refused:
        plan_intermediate(ca("deep", expiry="1h"), issuer=issuer_of(middle, [top]), now=NOW)
    assert refused.value.field == "ca.pathlen"
    loose = plan_intermediate(
        ca("loose", expiry="8760h"), issuer=issuer_of(top), now=NOW, compat=True
    )
    wide = sign_certificate(loose, public_key=own.public_key(), issuer_key=key)
    assert issuer_of(wide, [top]).path_length == 0


def test_an_issuer_that_stands_too_deep_issues_nothing():
    top, key = root(pathlenzero=True)
    loose = plan_intermediate(
        ca("loose", expiry="8760h"), issuer=issuer_of(top), now=NOW, compat=True
    )
    own = generate_key(ca("x").key)
    deep = sign_certificate(loose, public_key=own.public_key(), issuer_key=key)
    assert issuer_of(deep, [top]).path_length == -1
    with pytest.raises(PathLengthExceeded):
        leaf_plan(deep, top)


def test_an_intermediate_needs_a_subject_of_its_own_and_ends_with_its_issuer():
    top, _key = root(expiry="100h")
    with pytest.raises(InvalidField) as refused:
        plan_intermediate(ca("root", expiry="1h"), issuer=issuer_of(top), now=NOW)
    assert refused.value.field == "CN"
    with pytest.raises(Exception) as outlives:  # noqa: PT011  # its field is looked at
        plan_intermediate(ca("ca", expiry="1000h"), issuer=issuer_of(top), now=NOW)
    assert outlives.value.field == "ca.expiry"


def test_a_cross_signed_certificate_keeps_subject_key_identifier_and_limits():
    top, key = root()
    other, _own = root(pathlen=1, name_constraints={"permitted": ["DNS:svc"]})
    other_named, own = below(top, key, cn="other", pathlenzero=True)
    new_root, new_key = root()
    issuer = issuer_of(new_root)
    with pytest.raises(Exception, match="cannot cross-sign itself"):
        plan_cross(new_root, issuer=issuer, expiry="", now=NOW)
    plan = plan_cross(other_named, issuer=issuer, expiry="", now=NOW)
    crossed = sign_certificate(plan, public_key=own.public_key(), issuer_key=new_key)
    for kind in (x509.SubjectKeyIdentifier, x509.BasicConstraints):
        assert (
            crossed.extensions.get_extension_for_class(kind).value
            == other_named.extensions.get_extension_for_class(kind).value
        )
    assert crossed.subject == other_named.subject
    assert crossed.not_valid_after_utc <= other_named.not_valid_after_utc
    limited = plan_cross(other, issuer=issuer, expiry="8760h", now=NOW)
    assert limited.name_constraints == constraints_of(other)
    assert limited.validity.not_after - NOW <= dt.timedelta(days=366)
