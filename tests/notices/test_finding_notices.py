"""What the doctor finds is told once, when it appears, through the channels that carry it."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.utils import timezone

from aggportal.clusters.models import Finding
from aggportal.doctor.findings import CLUSTER, Severity
from aggportal.notices.kubernetes_events import events_of
from aggportal.notices.models import Channel, Item, Notice
from aggportal.notices.services.delivering import bundle_waiting, message_of
from aggportal.notices.services.finding_notices import notice_findings
from aggportal.notices.services.noticing import forget_old_notices
from aggportal.notices.services.standing import lines_of
from aggportal.notices.webhooks import body_of
from aggportal.notices.wording import compose
from tests.clusters.conftest import (  # noqa: F401 - fixtures
    api_server,
    authority,
    cluster,
    connection,
    fake_cluster,
    serve,
)
from tests.clusters.findings_made import METRICS, MINUTE, NOW, examined, found, passed
from tests.notices.makers import mail_channel

DAY = dt.timedelta(days=1)


def said(now=NOW):
    return [line.said for line in lines_of(list(Notice.objects.order_by("pk")), now=now)]


def test_a_grave_finding_is_told_once(cluster):  # noqa: F811
    channel = mail_channel()
    small = found("A10", severity=Severity.WARNING)
    examined(cluster, found(), small, found("T01", CLUSTER, severity=Severity.CRITICAL))
    assert len(notice_findings(now=NOW)) == 2
    assert notice_findings(now=NOW + DAY) == []
    assert said() == [
        "Critical in lab, the whole cluster: Requests do not arrive.",
        f"Error in lab, {METRICS}: Requests do not arrive.",
    ]
    assert Item.objects.filter(channel=channel).count() == 2


def test_it_is_told_again_when_it_becomes_worse_and_not_when_better(cluster):  # noqa: F811
    examined(cluster, found())
    notice_findings(now=NOW)
    examined(cluster, found(severity=Severity.CRITICAL), at=NOW + MINUTE)
    assert len(notice_findings(now=NOW + 2 * DAY)) == 1
    examined(cluster, found(), at=NOW + 3 * DAY)
    assert notice_findings(now=NOW + 4 * DAY) == []


def test_what_comes_and_goes_is_told_once_an_hour(cluster):  # noqa: F811
    examined(cluster, found())
    notice_findings(now=NOW)
    examined(cluster, passed(), at=NOW + MINUTE)
    examined(cluster, found(), at=NOW + 2 * MINUTE)
    assert notice_findings(now=NOW + 3 * MINUTE) == []
    assert len(notice_findings(now=NOW + 61 * MINUTE)) == 1


def test_what_is_muted_is_not_told(cluster):  # noqa: F811
    examined(cluster, found())
    Finding.objects.update(muted_until=NOW + DAY)
    assert notice_findings(now=NOW) == []
    assert len(notice_findings(now=NOW + 2 * DAY)) == 1


def test_a_channel_may_be_spared(cluster):  # noqa: F811
    mail_channel(findings=False)
    examined(cluster, found())
    notice_findings(now=NOW)
    assert not Item.objects.exists()


def test_what_became_of_it_is_said(cluster):  # noqa: F811
    examined(cluster, found())
    notice_findings(now=NOW)
    examined(cluster, passed(), at=NOW + MINUTE)
    (line,) = lines_of(list(Notice.objects.all()), now=NOW + MINUTE)
    assert line.standing.startswith("It is over since")
    assert line.path.startswith("/clusters/lab/doctor/#finding-")


def test_it_is_not_forgotten_while_it_is_open(cluster):  # noqa: F811
    examined(cluster, found())
    notice_findings(now=NOW)
    forget_old_notices(now=NOW + 400 * DAY)
    assert Notice.objects.exists()
    examined(cluster, passed(), at=NOW + 300 * DAY)
    forget_old_notices(now=NOW + 400 * DAY)
    assert not Notice.objects.exists()


def test_every_kind_of_channel_can_carry_it(cluster):  # noqa: F811
    channel = mail_channel()
    examined(cluster, found(sentence="<b>\u202e\x00\nBcc: x"))
    notice_findings(now=NOW)
    assert bundle_waiting(now=NOW) == 1
    delivery = channel.deliveries.get()
    message = message_of(delivery, now=NOW)
    assert "\n" not in message.subject
    assert "\u202e" not in message.text
    assert "Cluster lab" in message.text
    body = json.loads(body_of(message, delivery, now=NOW))
    (told,) = body["notices"]
    assert (told["kind"], told["severity"], told["cluster"]) == ("finding", "error", "lab")
    (event,) = events_of(message, uid="u", namespace="default", reporter="p", now=NOW)
    assert event["reason"] == "ClusterFinding"
    assert event["regarding"]["name"] == "cluster-lab"


def test_notices_of_clusters_and_of_certificates_stand_apart(cluster):  # noqa: F811
    examined(cluster, found(), found("A13"))
    notice_findings(now=NOW)
    message = compose(lines_of(list(Notice.objects.all()), now=NOW), digest=False)
    assert [len(group.lines) for group in message.groups] == [2]


def test_the_page_shows_it(cluster, viewer, client_of):  # noqa: F811
    examined(cluster, found(), at=timezone.now())
    notice_findings(now=timezone.now())
    assert "Requests do not arrive." in client_of(viewer).get("/notices/").content.decode()


@pytest.mark.parametrize("chosen", [True, False])
def test_an_administrator_chooses_for_each_channel(administrator, client_of, chosen):
    data = {"name": "ops", "rhythm": "at-once", "hour": 7, "weekday": 0, "enabled": "on"}
    data |= {"recipients": "ops@example.com"} | ({"findings": "on"} if chosen else {})
    client = client_of(administrator)
    assert client.post("/notices/channels/new/email/", data).status_code == 302
    assert Channel.objects.get().findings is chosen
