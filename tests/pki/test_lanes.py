"""What opens another lane's door is told, refused, and let pass with a reason only."""

from __future__ import annotations

import pytest

from aggportal.pki.config import load_profile
from aggportal.pki.errors import InvalidField, InvalidFields, LaneMixed, ReservedIdentity
from aggportal.pki.issuers import encode_name, issuer_of
from aggportal.pki.issuing import plan_authority, plan_certificate
from aggportal.pki.lanes import (
    Neighbour,
    authority_dangers,
    below_dangers,
    lane_dangers,
    require_lane_kept,
)
from aggportal.pki.presets import PRESETS
from aggportal.pki.requests import load_request_spec
from tests.pki.certificates_made import NOW, authority

CA = authority()
SERVER = {"usages": ["signing", "server auth"]}
CLIENT = {"usages": ["signing", "client auth"]}
BOTH = {"usages": ["signing", "server auth", "client auth"]}
OPEN = {"usages": ["signing"]}
ANY = {"usages": ["signing", "any"]}
CODE = {"usages": ["signing", "code signing"]}
BELOW = {"usages": ["cert sign"], "ca_constraint": {"is_ca": True}}
PROXY = Neighbour(label="proxy", lane="front-proxy", proxy_names=("aggregator",))


def plan(profile, cn="x", **document):
    spec = load_request_spec({"CN": cn, **document}, strict=False)
    chosen = load_profile("own", {"expiry": "1h", **profile})
    return plan_certificate(spec, profile=chosen, issuer=issuer_of(CA.certificate), now=NOW)


def codes(lane, profile, *, others=(), **document):
    return [danger.code for danger in lane_dangers(lane, plan(profile, **document), others=others)]


@pytest.mark.parametrize(
    ("lane", "profile", "expected"),
    [
        ("front-proxy", CLIENT, []),
        ("front-proxy", SERVER, ["server-from-front-proxy"]),
        ("front-proxy", BOTH, ["both-usages"]),
        ("front-proxy", OPEN, ["both-usages"]),
        ("front-proxy", ANY, ["both-usages"]),
        ("front-proxy", CODE, []),
        ("front-proxy", BELOW, []),
        ("serving", SERVER, []),
        ("serving", CLIENT, ["client-from-serving"]),
        ("serving", BOTH, ["client-from-serving"]),
        ("serving", ANY, ["client-from-serving"]),
        ("client", CLIENT, []),
        ("client", SERVER, ["server-from-client"]),
        ("client", BOTH, ["server-from-client"]),
        ("client", OPEN, ["server-from-client"]),
        ("general", BOTH, []),
        ("general", OPEN, []),
    ],
)
def test_a_usage_of_another_lane_is_a_danger(lane, profile, expected):
    assert codes(lane, profile) == expected


@pytest.mark.parametrize(
    ("name", "lane"),
    [
        ("front-proxy-client", "front-proxy"),
        ("extension-serving", "serving"),
        ("www", "serving"),
        ("client", "client"),
        ("user", "client"),
        ("aggregator", "general"),
    ],
)
def test_the_presets_keep_to_their_lanes(name, lane):
    spec = load_request_spec({"CN": "x"})
    made = plan_certificate(
        spec, profile=PRESETS[name], issuer=issuer_of(CA.certificate), now=NOW, end_with_issuer=True
    )
    assert lane_dangers(lane, made) == ()


def test_the_name_of_the_front_proxy_is_a_danger_in_another_lane_for_whom_may_speak():
    assert codes("client", CLIENT, cn="aggregator", others=[PROXY]) == ["cn-of-front-proxy"]
    assert codes("general", BOTH, cn="aggregator", others=[PROXY]) == ["cn-of-front-proxy"]
    assert codes("serving", SERVER, cn="aggregator", others=[PROXY]) == []
    assert codes("front-proxy", CLIENT, cn="aggregator", others=[PROXY]) == []
    assert codes("client", CLIENT, cn="jane", others=[PROXY]) == []


@pytest.mark.parametrize("group", ["system:masters", "kubeadm:cluster-admins", "Ѕystem:mаsters"])
def test_the_administrators_groups_are_a_danger_in_every_lane(group):
    for lane in ("front-proxy", "serving", "client", "general"):
        assert "reserved-administrators" in codes(lane, CLIENT, names=[{"O": group}])
    assert codes("client", CLIENT, cn="system:node:a") == ["reserved-identity"]


def subject(cn="front-proxy-ca"):
    return plan_authority(load_request_spec({"CN": cn}), now=NOW).subject


def test_an_authority_with_key_or_name_of_another_lane_is_a_danger():
    same_key = Neighbour(label="k8s", lane="client", spki_sha256="ab")
    same_name = Neighbour(label="k8s", lane="client", subject=encode_name(subject()))
    told = authority_dangers("front-proxy", subject(), spki_sha256="ab", others=[same_key])
    assert [danger.code for danger in told] == ["key-in-other-lane"]
    assert "k8s" in str(told[0])
    told = authority_dangers("front-proxy", subject(), others=[same_name])
    assert [danger.code for danger in told] == ["subject-in-other-lane"]
    assert authority_dangers("client", subject(), spki_sha256="ab", others=[same_key]) == ()
    assert authority_dangers("front-proxy", subject("other"), others=[same_key, same_name]) == ()
    masters = subject("system:masters")
    assert [d.code for d in authority_dangers("client", masters)] == ["reserved-administrators"]


def test_an_authority_stays_in_the_lane_of_the_one_above():
    assert [d.code for d in below_dangers("front-proxy", "serving")] == ["lane-below-other"]
    assert [d.code for d in below_dangers("serving", "general")] == ["lane-below-other"]
    assert below_dangers("serving", "serving") == below_dangers("general", "client") == ()


def test_dangers_are_refused_beside_their_fields_unless_there_is_a_reason():
    mixed = lane_dangers("front-proxy", plan(SERVER))
    with pytest.raises(LaneMixed, match="keep servers out") as refused:
        require_lane_kept(mixed)
    assert refused.value.field == "profile"
    reserved = lane_dangers("client", plan(CLIENT, cn="system:node:a"))
    with pytest.raises(ReservedIdentity):
        require_lane_kept(reserved)
    with pytest.raises(InvalidFields) as several:
        require_lane_kept((*mixed, *reserved))
    assert [problem.field for problem in several.value.problems] == ["profile", "CN"]
    assert require_lane_kept(mixed, override_reason=" as agreed\n in review ") == (
        "as agreed in review"
    )


def test_a_reason_counts_where_there_is_a_danger_only():
    assert require_lane_kept((), override_reason="not needed here") == ""


@pytest.mark.parametrize("reason", ["because", "x" * 501, "right\u202eleft to go"])
def test_a_reason_that_tells_nothing_is_refused(reason):
    with pytest.raises(InvalidField) as refused:
        require_lane_kept(lane_dangers("front-proxy", plan(SERVER)), override_reason=reason)
    assert refused.value.field == "override_reason"
