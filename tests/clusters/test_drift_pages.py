"""The page Drift: what it says, to whom, and what it lets whom do."""

from __future__ import annotations

import datetime as dt
import html
import re

import pytest
from django.utils import timezone

from aggportal.certs.models import Lane
from aggportal.clusters.models import Drift
from aggportal.doctor.drift import SECRET_RULE, Comparison, Kind, Row, Stand
from aggportal.doctor.findings import Deed, Remedy
from aggportal.kube.permissions import AccessRule
from aggportal.ledger.models import Entry
from tests.certs.makers import make_authority, make_certificate
from tests.clusters.findings_made import METRICS, examined, say

DRIFT = "/clusters/lab/drift/"
PAGES = (DRIFT, f"{DRIFT}board/")
DAY = dt.timedelta(days=1)
HOSTILE = "<script>x</script>\u202egnp\x00"


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def guest(viewer, client_of):
    return client_of(viewer)


def row(stand=Stand.DIFFERS, kind=Kind.BUNDLE, place=METRICS, *, said="It differs.", **rest):
    """One comparison."""
    usual = {"ours": (say("ours"),), "live": (say("theirs"),), "subject": METRICS}
    values = {"what": say("caBundle"), "said": (say("%(what)s", what=said),), **usual, **rest}
    return Row(kind=kind, stand=stand, place=place, **values)


def same(place=METRICS, **rest):
    return row(Stand.SAME, place=place, **rest)


def compared(cluster, *rows, at, secrets=()):
    examined(cluster, at=at, drift=Comparison(rows=rows, secrets=secrets))


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html.unescape(response.content.decode())))


@pytest.mark.parametrize("address", PAGES)
def test_nobody_without_a_role_sees_it(cluster, stranger, client_of, client, address):
    assert client_of(stranger).get(address).status_code == 403
    assert client.get(address).status_code == 302


@pytest.mark.parametrize("address", PAGES)
def test_it_is_not_posted_to_and_not_there_for_another_cluster(cluster, guest, address):
    assert guest.post(address).status_code == 405
    assert guest.get(address.replace("lab", "other")).status_code == 404


def test_before_the_first_look_nothing_was_compared(cluster, guest):
    text = text_of(guest.get(DRIFT))
    assert "Nothing was compared yet" in text
    assert "no drift" not in text


def test_what_is_the_same_is_green_and_told_together(cluster, guest, now):
    compared(cluster, *(same(f"v1.g{n}.example.com") for n in range(20)), at=now)
    page = guest.get(DRIFT)
    assert "no drift" in text_of(page)
    (line,) = page.context["page"].sections[0].same
    assert (line.row.count, line.row.more) == (20, 8)


def test_what_could_not_be_compared_is_never_green(cluster, guest, now):
    rule = AccessRule(verb="list", resource="pods")
    compared(cluster, same(), row(Stand.UNKNOWN, said="May not.", rule=rule), at=now)
    page = guest.get(DRIFT)
    text = text_of(page)
    assert page.context["page"].sections[0].tone == "warn"
    assert "no difference seen" in text
    assert "no drift" not in text
    assert 'resources: ["pods"]' in text


def test_what_differs_stands_beside_ours_and_on_the_page_of_the_cluster(cluster, guest, now):
    compared(cluster, row(), row(Stand.UNMANAGED, said="None."), same("x"), at=now)
    text = text_of(guest.get(DRIFT))
    assert "1 difference" in text
    assert "It differs." in text
    assert "theirs" in text
    assert "1 difference" in text_of(guest.get("/clusters/lab/"))
    assert "1 difference" in text_of(guest.get("/clusters/lab/table/"))


def test_the_mend_is_a_command_and_links_for_those_who_may(
    cluster, administrator, viewer, client_of, now
):
    authority = make_authority(lane=Lane.FRONT_PROXY)
    certificate = make_certificate(authority)
    cluster.front_proxy = authority
    cluster.save()
    remedy = Remedy(sentence=say("Rotate."), command="kubectl x", deed=Deed.ROTATE)
    compared(cluster, row(remedy=remedy, certificate=str(certificate.pk)), at=now)
    links = {}
    for user in (viewer, administrator):
        page = client_of(user).get(DRIFT)
        assert "kubectl x" in text_of(page)
        links[user] = [link.url for link in page.context["page"].sections[0].differs[0].links]
    assert links[viewer] == ["/clusters/lab/rotations/", certificate.get_absolute_url()]
    assert len(links[administrator]) == 3
    for url in links[administrator]:
        assert client_of(administrator).get(url).status_code == 200


def test_a_role_for_just_the_mounted_secrets_is_printed(cluster, guest, now):
    unread = row(Stand.UNKNOWN, Kind.SERVING, rule=SECRET_RULE, said="May not.")
    compared(cluster, unread, at=now, secrets=(("demo", "tls"), ("demo", "other")))
    page = guest.get(DRIFT)
    yaml = page.context["page"].secret_access
    assert yaml.count("\nkind: Role\n") == 1
    assert re.search(r"resourceNames:\s+- other\s+- tls", yaml)
    assert page.context["page"].rules == ""
    assert "Certificates in Secrets are not read" in text_of(page)


def test_words_of_the_cluster_are_text(cluster, guest, now):
    rule = AccessRule(verb=HOSTILE, resource=HOSTILE)
    remedy = Remedy(sentence=say("%(x)s", x=HOSTILE), command=HOSTILE)
    hostile = {"said": HOSTILE, "rule": rule, "remedy": remedy, "subject": HOSTILE}
    told = (say("%(x)s", x=HOSTILE),)
    rows = [row(stand, place=HOSTILE, ours=told, live=told, **hostile) for stand in Stand]
    compared(cluster, *rows, at=now)
    for address in (*PAGES, "/clusters/lab/"):
        page = guest.get(address).content.decode()
        assert "<script>x" not in page
        assert "\u202e" not in page


def test_nothing_newer_is_answered_with_204(cluster, leadership, guest, now):
    compared(cluster, row(), at=now)
    polls = re.findall(r'hx-get="([^"]+/board/[^"]*)"', guest.get(DRIFT).content.decode())
    board = html.unescape(polls[0])
    assert guest.get(board).status_code == 204
    compared(cluster, same(), at=now + DAY)
    answer = guest.get(board)
    assert b"<html" not in answer.content
    assert "no drift" in text_of(answer)


def test_of_very_many_differences_the_first_are_kept(cluster, guest, now):
    compared(cluster, *(row(place=f"a{n}") for n in range(350)), at=now)
    assert Drift.objects.get().differs == 350
    assert "further differences are not shown" in text_of(guest.get(DRIFT))


def test_comparing_now_asks_the_doctor_and_comes_back(cluster, operator, client_of, guest, now):
    answer = client_of(operator).post("/clusters/lab/doctor/ask/", {"back": "drift"})
    assert answer.url == DRIFT
    assert "the doctor is about to look" in text_of(guest.get(DRIFT))
    assert "Compare now" not in text_of(guest.get(DRIFT))


def test_an_administrator_lets_secrets_be_read_and_the_ledger_has_it(
    cluster, administrator, issuer, client_of
):
    assert cluster.reads_secrets is False
    trust = "/clusters/lab/trust/"
    assert client_of(issuer).post(trust, {"reads_secrets": "on"}).status_code == 403
    assert client_of(administrator).post(trust, {"reads_secrets": "on"}).status_code == 302
    cluster.refresh_from_db()
    assert cluster.reads_secrets
    entry = Entry.objects.filter(action="cluster.trust_chosen").get()
    assert entry.detail["reads_secrets"] == "yes"
