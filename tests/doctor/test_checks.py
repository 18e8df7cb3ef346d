"""Every check over made evidence: found, unchecked and inapplicable by one change, else passed."""

from __future__ import annotations

import pytest

from aggportal.doctor.examining import CHECKS
from aggportal.doctor.findings import Severity, Verdict
from aggportal.doctor.registry import run_checks
from tests.doctor import evidence_made as m
from tests.doctor.cases import CASES, FOUND, OTHER, PASSED, UNREAD_TRUST, bundle, cas
from tests.doctor.evidence_made import UNREAD, having, healthy, known


def results_of(evidence):
    return {each.check: each for each in run_checks(evidence).results}


@pytest.mark.parametrize(
    ("check", "verdict", "change"), CASES, ids=[f"{c}-{v}-{n}" for n, (c, v, _) in enumerate(CASES)]
)
def test_one_change_makes_the_check_say_so(check, verdict, change):
    assert results_of(healthy())[check].verdict == Verdict.PASSED if check != "A28" else True
    result = results_of(change(healthy()))[check]
    assert result.verdict == verdict, result
    assert (verdict == PASSED) is (result.sentence is None)
    assert str(result.sentence)
    if verdict == FOUND:
        assert result.remedy is not None
        assert all(str(each) for each in result.evidence)


def test_a_healthy_cluster_passes_every_check():
    others = {code for code, each in results_of(healthy()).items() if each.verdict != "passed"}
    assert others == set()
    assert set(CHECKS) - set(results_of(healthy())) == {"A28"}


def test_every_check_of_the_list_is_there_and_is_seen_to_find():
    trust = [f"T{n:02d}" for n in range(1, 15)]
    services = [f"A{n:02d}" for n in range(1, 29)]
    wanted = {*trust, *services, *(f"I{n:02d}" for n in range(1, 5))}
    assert set(CHECKS) == wanted == {check for check, verdict, _ in CASES if verdict == FOUND}


def test_what_is_not_permitted_carries_the_rule_that_would_allow_it():
    for check, change in (
        ("T01", UNREAD_TRUST),
        ("I01", having(namespaces=UNREAD)),
        ("A11", m.listing(403, "ada", may_ask=False)),
    ):
        assert results_of(change(healthy()))[check].rule == m.RULE


def test_the_issuer_and_what_the_bundle_holds_stand_beside_the_answer():
    refused = m.answering(503, "x509: certificate signed by unknown authority")
    result = results_of(m.both(bundle(OTHER), refused)(healthy()))["A09"]
    told = str(result.evidence[0])
    assert "issued by CN=serving-ca, caBundle holds CN=other-ca" in told


def test_an_overlap_of_cas_is_critical_only_where_no_name_is_required():
    overlap = cas(m.FRONT_PROXY, m.CLIENT_CA)(healthy())
    assert results_of(overlap)["T02"].severity == Severity.WARNING
    data = dict(overlap.trust.value["data"]) | {"requestheader-allowed-names": "[]"}
    assert results_of(having(trust=known({"data": data}))(overlap))["T02"].severity == "critical"
