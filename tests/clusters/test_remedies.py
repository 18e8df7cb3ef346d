"""Whatever the doctor finds can be acted on: there is a link to follow or a command to copy."""

from __future__ import annotations

import pytest

from aggportal.clusters.models import Cluster, Finding, WatchedAPIService
from aggportal.clusters.remedies import Surroundings, command_for, links_for
from aggportal.doctor.examining import CHECKS
from aggportal.doctor.findings import Deed
from aggportal.doctor.registry import run_checks
from tests.doctor.cases import CASES, FOUND
from tests.doctor.evidence_made import NAME, healthy

FAILING = [(check, change) for check, verdict, change in CASES if verdict == FOUND]


def mends_of(result):
    """The links and the command that the page shows for a finding."""
    cluster = Cluster(name="Lab", slug="lab")
    row = WatchedAPIService(
        cluster=cluster, name=NAME, service_namespace="clinic", service_name="api"
    )
    around = Surroundings(cluster=cluster, front_proxy=None, serving=None, services={NAME: row})
    remedy = result.remedy
    finding = Finding(
        cluster=cluster,
        code=result.check,
        subject=result.subject,
        deed=remedy.deed or "",
        command=remedy.command,
    )
    return [each.url for each in links_for(finding, around)], command_for(finding)


@pytest.mark.parametrize(
    ("check", "change"), FAILING, ids=[f"{c}-{n}" for n, (c, _) in enumerate(FAILING)]
)
def test_what_fails_can_be_mended_here_or_by_a_command(check, change):
    report = run_checks(change(healthy()))
    (result,) = [each for each in report.findings if each.check == check]
    links, command = mends_of(result)
    assert links or command, result


def test_no_check_of_the_list_is_left_out():
    assert {check for check, _ in FAILING} == set(CHECKS)


def test_a_retired_ca_leads_to_the_rotation():
    for check, change in FAILING:
        for result in run_checks(change(healthy())).findings:
            if result.remedy and result.remedy.deed == Deed.FINISH_ROTATION:
                assert check == "T07"
                assert mends_of(result)[0] == ["/clusters/lab/rotations/"]
                return
    pytest.fail("no retired CA among the cases")
