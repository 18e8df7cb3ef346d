"""Notices through the portal's real processes: an Event in a real cluster, a calendar over HTTP."""

from __future__ import annotations

import json
import re
import time

import pytest
from icalendar import Calendar

from aggportal.notices.kubernetes_events import CONTROLLER, events_path
from tests.e2e import cluster_deeds, deeds
from tests.e2e.cluster_side import apply_documents, token_for, wait_until

pytestmark = pytest.mark.e2e

NAMESPACE = "watch"
# The portal is shared with other modules: it knows their clusters, too.
CLUSTER = "watch-lab"
KEY = {"algo": "ecdsa", "size": 256}
# A new certificate is within no threshold, so its life is moved back, as time would.
END_SOON = """
import datetime as dt
from aggportal.certs.models import Certificate
[row] = Certificate.objects.filter(common_name="ends-soon")
back = row.not_after - dt.datetime.now(dt.UTC) - dt.timedelta(days=5)
row.not_before, row.not_after = row.not_before - back, row.not_after - back
row.save()
"""


@pytest.fixture(scope="module")
def certificate(administrator):
    authority = deeds.make_authority(
        administrator,
        label="Watched",
        lane="front-proxy",
        request=json.dumps({"CN": "watched-ca", "key": KEY, "ca": {"expiry": "87600h"}}),
    )
    return deeds.issue(
        administrator,
        authority=authority,
        profile="front-proxy-client",
        request=json.dumps({"CN": "ends-soon", "key": KEY}),
    )


@pytest.fixture(scope="module")
def channel(administrator, control_plane):
    """A channel of Events, its account allowed what the portal prints and nothing else."""
    control_plane.ensure_namespace(NAMESPACE)
    apply_documents(control_plane, cluster_deeds.printed_access(administrator))
    cluster_deeds.connect_by_token(
        administrator,
        name=CLUSTER,
        server=control_plane.url,
        ca=control_plane.connection().ca_pem or "",
        token=token_for(control_plane, namespace="aggportal", name="aggportal"),
    )
    at = administrator.open("/notices/channels/new/event/")
    form = at.page.form_with("namespace")
    return administrator.send(at, form, name="watch events", cluster=CLUSTER, namespace=NAMESPACE)


def events(control_plane):
    found = control_plane.client().list_pages(events_path(NAMESPACE)).items
    return [each for each in found if each.get("reportingController") == CONTROLLER]


def send_test(administrator, channel):
    at = administrator.open(channel.path)
    return administrator.send(at, at.page.form("/test/")).page.text


def test_the_printed_role_is_what_events_need(administrator, control_plane, channel):
    assert "The test did not leave" in send_test(administrator, channel)
    apply_documents(control_plane, channel.page.element("notice-role").text)
    # The authorizer learns of a role within moments.
    ends = time.monotonic() + 10
    while "The test was taken" not in send_test(administrator, channel):
        assert time.monotonic() < ends
        time.sleep(0.2)
    assert "AggPortalTest" in {event["reason"] for event in events(control_plane)}


def test_what_ends_becomes_one_event_while_several_look(
    administrator, portal, control_plane, channel, certificate
):
    portal.manage("shell", "-c", END_SOON)
    for _ in range(2):  # beside the worker that runs
        portal.manage("notices", "--once")
    ends = time.monotonic() + 60
    while not (found := [e for e in events(control_plane) if e["reason"] == "CertificateEnds"]):
        assert time.monotonic() < ends
        time.sleep(0.5)
    [event] = found
    assert event["type"] == "Warning"
    assert "The certificate ends-soon ends in" in event["note"]
    assert event["regarding"]["name"] == "watched"
    page = administrator.open("/notices/").page.text
    assert "The certificate ends-soon ends in" in page


def test_a_calendar_reads_the_feed_and_no_log_tells_its_address(administrator, portal, certificate):
    at = administrator.open("/notices/calendar/")
    made = administrator.send(at, at.page.form("/calendar/make/"))
    address = made.page.element("calendar-address").text
    token = re.fullmatch(r".*/notices/calendar/([\w-]+)\.ics", address.strip())
    assert token
    answer = administrator.get(f"/notices/calendar/{token[1]}.ics")
    summaries = [event["summary"] for event in Calendar.from_ical(answer.body).events]
    assert "Certificate ends-soon ends" in summaries
    at = administrator.open("/notices/calendar/")
    administrator.send(at, at.page.form("/calendar/end/"))
    assert administrator.get(f"/notices/calendar/{token[1]}.ics").status == 404
    # The line goes through honcho into the file, after the answer went out.
    wait_until(lambda: "/notices/calendar/[hidden].ics" in portal.log.read_text(), 60)
    assert token[1] not in portal.log.read_text()
