"""The doctor's page: what it says, to whom, and what it lets whom do."""

from __future__ import annotations

import datetime as dt
import html
import re

import pytest
from django.utils import timezone

from aggportal.certs.models import Lane
from aggportal.clusters.models import Examination, Finding, Lease
from aggportal.clusters.services.findings import write_failure
from aggportal.clusters.services.snapshots import write_snapshot
from aggportal.doctor.findings import CLUSTER, Deed, Severity
from aggportal.kube.errors import Unreachable
from aggportal.kube.permissions import AccessRule
from aggportal.kube.watching import Snapshot
from aggportal.ledger.models import Entry
from tests.certs.makers import make_authority, make_certificate
from tests.clusters.fake_cluster import raw_apiservice
from tests.clusters.findings_made import METRICS, examined, found, passed, unchecked

DOCTOR = "/clusters/lab/doctor/"
PAGES = (DOCTOR, f"{DOCTOR}board/", f"{DOCTOR}history/")
DAY = dt.timedelta(days=1)
HOSTILE = "<script>x</script>\u202egnp\x00"


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def guest(viewer, client_of):
    return client_of(viewer)


@pytest.fixture
def carer(operator, client_of):
    return client_of(operator)


@pytest.fixture
def see(cluster, leadership, now):
    """The worker has seen these APIServices."""

    def write(*raws):
        items = {raw["metadata"]["name"]: raw for raw in raws}
        snapshot = Snapshot(
            items=items,
            synced_at=now,
            changed=frozenset(items),
            resource_version="1",
            relisted=True,
        )
        write_snapshot(cluster, snapshot, leadership=leadership, now=now)

    return write


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", response.content.decode()))


def mute_url():
    return f"{DOCTOR}{Finding.objects.get().pk}/mute/"


def in_days(days):
    return f"{timezone.now() + days * DAY:%Y-%m-%d}"


@pytest.mark.parametrize("address", PAGES)
def test_nobody_without_a_role_sees_it(cluster, stranger, client_of, client, address):
    assert client_of(stranger).get(address).status_code == 403
    assert client.get(address).status_code == 302


@pytest.mark.parametrize("address", PAGES)
def test_a_page_is_not_posted_to(cluster, guest, address):
    assert guest.post(address).status_code == 405


@pytest.mark.parametrize("address", [DOCTOR, f"{DOCTOR}history/"])
def test_of_a_cluster_that_is_not_there_is_no_page(guest, address):
    assert guest.get(address.replace("lab", "other")).status_code == 404


def test_before_the_first_look_it_says_so(cluster, guest):
    text = text_of(guest.get(DOCTOR))
    assert "has not looked at this cluster yet" in text
    assert "checks passed" not in text


def test_the_worst_comes_first_by_what_it_hurts(cluster, guest, now):
    trust = found("T01", CLUSTER, severity=Severity.CRITICAL, sentence="No trust.")
    stuck = found("I01", CLUSTER, severity=Severity.WARNING, sentence="Stuck.")
    examined(cluster, stuck, found(), trust, passed("A10"), at=now)
    page = guest.get(DOCTOR)
    groups = [group.title for group in page.context["page"].groups]
    assert groups[0].startswith("Every aggregated API")
    assert groups[1:] == [METRICS, "Those who use the cluster"]
    assert "HTTP 503: service unavailable" in text_of(page)


def test_what_was_not_checked_says_why_and_which_rule_would_allow_it(cluster, guest, now):
    rule = AccessRule(verb="list", group="autoscaling", resource="horizontalpodautoscalers")
    examined(cluster, unchecked("I02", CLUSTER, rule=rule), passed(), at=now)
    page = guest.get(DOCTOR)
    text = html.unescape(text_of(page))
    assert "Not checked" in text
    assert "This account may not read it." in text
    assert 'resources: ["horizontalpodautoscalers"]' in text
    assert [each.code for each in page.context["page"].passed] == ["A09"]


def test_for_the_one_config_map_it_asks_for_no_right_to_all(cluster, guest, now):
    rule = AccessRule(verb="get", resource="configmaps")
    examined(cluster, unchecked("T01", CLUSTER, rule=rule), at=now)
    text = html.unescape(text_of(guest.get(DOCTOR)))
    assert "--role extension-apiserver-authentication-reader" in text
    assert 'resources: ["configmaps"]' not in text


def test_the_whole_account_can_be_taken_away(cluster, guest):
    text = guest.get("/clusters/lab/role/?doctor=yes").content.decode()
    assert "horizontalpodautoscalers" in text
    assert "extension-apiserver-authentication-reader" in text
    assert '"create"' not in text


def test_a_finding_leads_to_where_it_can_be_mended_for_those_who_may(
    cluster, see, viewer, issuer, administrator, client_of, now
):
    see(raw_apiservice(METRICS, service="kube-system/metrics-server:443"))
    deeds = (Deed.ISSUE_SERVING, Deed.ISSUE_PROXY, Deed.FLAGS, Deed.DELETE_APISERVICE)
    examined(cluster, *(found(f"A{n}", deed=deed) for n, deed in enumerate(deeds)), at=now)
    links = {
        user: re.findall(
            r'class="btn btn-(?:primary|quiet)" href="([^"]*)">(?:Issue|Render|Delete)', page
        )
        for user in (viewer, issuer, administrator)
        if (page := client_of(user).get(DOCTOR).content.decode())
    }
    assert links[viewer] == ["/flags/"]
    assert len(links[issuer]) == 3
    assert "hosts=metrics-server.kube-system.svc%2C" in links[issuer][0]
    assert f"/clusters/lab/apiservices/{METRICS}/delete/" in links[administrator]


def test_every_link_leads_to_a_page(cluster, see, administrator, client_of, now):
    see(raw_apiservice(METRICS))
    authority = make_authority(lane=Lane.FRONT_PROXY)
    make_certificate(authority)
    cluster.front_proxy = authority
    cluster.save()
    cluster.serving_authorities.add(authority)
    examined(cluster, *(found(f"A{n}", deed=deed) for n, deed in enumerate(Deed)), at=now)
    client = client_of(administrator)
    page = client.get(DOCTOR)
    links = [card.link for group in page.context["page"].groups for card in group.cards]
    assert sum(link is not None for link in links) == len(Deed)
    for link in filter(None, links):
        assert client.get(link.url).status_code == 200, link
    assert "kubectl patch apiservice v1beta1.metrics.k8s.io" in page.content.decode()


def test_words_of_the_cluster_are_text(cluster, see, guest, now):
    hostile = found(sentence=HOSTILE, evidence=HOSTILE, command=HOSTILE)
    rule = AccessRule(verb=HOSTILE, resource=HOSTILE)
    examined(cluster, hostile, unchecked("A10", HOSTILE, rule=rule), found("A11", HOSTILE), at=now)
    examined(cluster, hostile, at=now + DAY)
    for address in (DOCTOR, f"{DOCTOR}history/", "/clusters/lab/", "/clusters/", "/"):
        page = guest.get(address).content.decode()
        assert "<script>x" not in page
        assert "\u202e" not in page


def test_nothing_newer_is_answered_with_204(cluster, leadership, guest, now):
    examined(cluster, found(), at=now)
    polls = re.findall(r'hx-get="([^"]+/board/[^"]*)"', guest.get(DOCTOR).content.decode())
    board = html.unescape(polls[0])
    assert guest.get(board).status_code == 204
    examined(cluster, passed(), at=now + DAY)
    answer = guest.get(board)
    assert answer.status_code == 200
    assert b"<html" not in answer.content
    assert "Nothing is wrong, as far as it was checked" in text_of(answer)


def test_a_worker_that_is_silent_reaches_the_page(cluster, leadership, guest, now):
    examined(cluster, found(), at=now)
    mark = guest.get(DOCTOR).context["page"].mark
    Lease.objects.update(holder="")
    answer = guest.get(f"{DOCTOR}board/", {"was": mark})
    assert "worker does not run" in text_of(answer)


def test_a_board_whose_cluster_is_forgotten_is_loaded_anew(guest):
    answer = guest.get(f"{DOCTOR}board/")
    assert (answer.status_code, answer.headers["HX-Refresh"]) == (404, "true")


def test_a_failed_try_says_why_and_keeps_what_was_found(cluster, guest, now):
    examined(cluster, found(), at=now)
    error = Unreachable("%(host)s refuses the connection.", reason="refused", host="lab:6443")
    write_failure(cluster, error, at=now + DAY, now=now + DAY)
    text = text_of(guest.get(DOCTOR))
    assert "lab:6443 refuses the connection." in text
    assert "Requests do not arrive." in text


def test_an_operator_asks_and_the_ledger_has_it_once(cluster, carer, guest):
    assert guest.post(f"{DOCTOR}ask/").status_code == 403
    assert carer.get(f"{DOCTOR}ask/").status_code == 405
    for _ in range(2):
        assert carer.post(f"{DOCTOR}ask/").url == DOCTOR
    assert Examination.objects.get().is_awaited
    assert Entry.objects.filter(action="cluster.examined").count() == 1
    assert "otto asked; the doctor is about to look." in text_of(carer.get(DOCTOR))
    assert carer.post("/clusters/other/doctor/ask/").status_code == 404


def test_an_operator_mutes_with_a_reason_and_lets_it_count_again(cluster, carer, now):
    examined(cluster, found(), at=now)
    assert carer.get(mute_url()).status_code == 200
    data = {"until": in_days(7), "reason": "planned for Monday"}
    assert carer.post(mute_url(), data).url == DOCTOR
    text = text_of(carer.get(DOCTOR))
    assert "otto muted it: planned for Monday" in text
    assert "1 muted finding" in text
    assert carer.get(DOCTOR).context["page"].worst is None
    unmute = mute_url().replace("/mute/", "/unmute/")
    assert carer.post(unmute).url == DOCTOR
    assert carer.post(unmute).status_code == 409
    assert carer.get(DOCTOR).context["page"].worst.total == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"until": "", "reason": "x"}, "required"),
        ({"until": "tomorrow", "reason": "x"}, "valid date"),
        ({"until": "2001-01-01", "reason": "x"}, "This day is over"),
        ({"until": "9999-12-31", "reason": "x"}, "within a year"),
        ({"until": "later", "reason": "x" * 301}, "at most 300"),
        ({"until": "2001-01-01", "reason": ""}, "required"),
    ],
)
def test_a_muting_that_says_too_little_or_too_much_is_refused(cluster, carer, now, data, words):
    examined(cluster, found(), at=now)
    response = carer.post(mute_url(), data)
    assert response.status_code == 422
    assert words in text_of(response)
    assert Finding.objects.get().muted_until is None


def test_a_viewer_mutes_nothing(cluster, guest, now):
    examined(cluster, found(), at=now)
    for address in (mute_url(), mute_url().replace("/mute/", "/unmute/")):
        assert guest.post(address, {"until": in_days(1), "reason": "x"}).status_code == 403
    assert "Mute…" not in text_of(guest.get(DOCTOR))


def test_what_is_over_or_of_another_cluster_cannot_be_muted(cluster, carer, now):
    examined(cluster, found(), at=now)
    examined(cluster, passed(), at=now + DAY)
    data = {"until": in_days(1), "reason": "x"}
    assert carer.post(mute_url(), data).status_code == 409
    assert carer.post(mute_url().replace("lab", "other"), data).status_code == 404
    assert carer.post(f"{DOCTOR}{10**30}/mute/", data).status_code == 404


def test_what_is_over_is_listed_newest_first_in_pages(cluster, guest, now):
    examined(cluster, *(found(f"A{number}") for number in range(60)), at=now)
    assert "Nothing is over yet" in text_of(guest.get(f"{DOCTOR}history/"))
    examined(cluster, at=now + DAY)
    page = guest.get(f"{DOCTOR}history/")
    assert len(page.context["page"].rows) == 50
    older = guest.get(f"{DOCTOR}history/", {"before": page.context["page"].older})
    assert len(older.context["page"].rows) == 10
