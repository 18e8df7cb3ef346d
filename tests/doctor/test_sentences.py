"""What findings say: since when, because of what, with which mend."""

from __future__ import annotations

import pytest

from aggportal.doctor.commands import of_service
from aggportal.doctor.findings import Deed
from tests.doctor import evidence_made as m
from tests.doctor.cases import (
    BETWEEN,
    BLIND,
    DAY,
    FAILED,
    OTHER,
    PASSED,
    RETIRED,
    STUCK,
    cas,
    managed,
    writer,
)
from tests.doctor.evidence_made import NAME, having, healthy, known
from tests.doctor.test_checks import results_of
from tests.pki.certificates_made import NOW, proxy_client


def said(check, change):
    return str(results_of(change(healthy()))[check].sentence)


def test_a_retired_ca_is_told_with_its_fingerprint_and_the_step_that_takes_it_out():
    result = results_of(m.both(cas(m.FRONT_PROXY, OTHER), having(managed=RETIRED))(healthy()))[
        "T07"
    ]
    assert OTHER.facts.sha256[:16] in str(result.sentence)
    assert "Take the old CA out" in str(result.remedy.sentence)
    assert result.remedy.deed == Deed.FINISH_ROTATION


def test_an_intermediate_between_ca_and_proxy_certificate_is_no_fault():
    leaf = proxy_client(BETWEEN)
    change = managed(leaf, above=(BETWEEN,))
    assert results_of(change(healthy()))["T09"].verdict == PASSED
    assert "signed by" in said("T09", managed(leaf))


def test_the_group_version_that_holds_something_up_is_named():
    stuck = STUCK | {"message": "1 failing: clinic.example.com/v1: the server is unable"}
    spaces = known(({"metadata": {"name": "doomed"}, "status": {"conditions": [stuck]}},))
    assert "doomed" in said("I01", having(namespaces=spaces))
    assert "clinic.example.com/v1" in said("I01", having(namespaces=spaces))
    scalers = known(({"status": {"conditions": [BLIND]}},))
    assert "metrics.k8s.io" in said("I02", having(autoscalers=scalers))


def test_stale_discovery_says_since_when():
    stale = having(freshness=known({"clinic.example.com/v1": "Stale"}))
    earlier = having(stale_since={NAME: NOW - 2 * DAY})
    assert f"{NOW:%Y-%m-%d %H:%M}" in said("A20", stale)
    assert f"{NOW - 2 * DAY:%Y-%m-%d %H:%M}" in said("A20", m.both(stale, earlier))


def test_a_right_to_some_apiservices_is_told_with_their_names():
    result = results_of(writer("patch", names=["v1beta1.metrics.k8s.io"])(healthy()))["I04"]
    assert "only v1beta1.metrics.k8s.io" in str(result.evidence[0])


@pytest.mark.parametrize(
    ("body", "deed"),
    [
        ("x509: certificate signed by unknown authority", Deed.PATCH_BUNDLE),
        ("x509: certificate is valid for a, not b", Deed.ISSUE_SERVING),
        ("x509: certificate has expired or is not yet valid", Deed.ISSUE_SERVING),
        ("x509: cannot verify signature: insecure algorithm SHA1", Deed.ISSUE_SERVING),
        ("bad status from https://10.0.0.1: 401", Deed.ISSUE_PROXY),
        ("dial tcp: i/o timeout", Deed.FLAGS),
    ],
)
def test_what_mends_an_answer_goes_by_its_cause(body, deed):
    assert results_of(m.answering(503, body)(healthy()))["A09"].remedy.deed == deed
    failed = m.registered({**FAILED, "message": body})
    assert results_of(failed(healthy()))["A01"].remedy.deed == deed


def test_names_from_a_cluster_are_quoted_in_commands():
    service = {"namespace": "a; rm -rf /", "name": "$(x)\n", "port": 443}
    (each,) = m.registered(FAILED, service=service)(healthy()).apiservices
    assert of_service(each) == (
        "kubectl --namespace 'a; rm -rf /' get service,endpoints '…' --output wide"
    )
