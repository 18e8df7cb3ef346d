"""See why, at once: the doctor's words on an APIService's page and in its row; trust settings."""

from __future__ import annotations

import html
import re

import pytest
from django.utils import timezone

from aggportal.certs.models import Lane
from aggportal.clusters.models import Examination, Finding
from aggportal.clusters.services.managing import managed_by, recognise
from aggportal.clusters.services.snapshots import write_snapshot
from aggportal.doctor.authconfig import AuthConfig
from aggportal.doctor.evidence import Discovery
from aggportal.doctor.findings import CLUSTER, Severity
from aggportal.kube.watching import Snapshot
from aggportal.ledger.models import Entry
from aggportal.pki.reading import read_certificate
from tests.certs.makers import make_authority, make_certificate
from tests.clusters.fake_cluster import raw_apiservice
from tests.clusters.findings_made import METRICS, MINUTE, examined, found, passed

PAGE, BOARD = f"/clusters/lab/apiservices/{METRICS}/", "/clusters/lab/"
BLIND = "web/api: unable to fetch metrics (get pods.metrics.k8s.io)"
BODY = "error trying to reach service: x509: certificate signed by unknown authority"


@pytest.fixture
def guest(viewer, client_of):
    return client_of(viewer)


@pytest.fixture
def admin(administrator, client_of):
    return client_of(administrator)


@pytest.fixture
def now():
    return timezone.now()


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
    plain = re.sub(r"<[^>]*>", " ", response.content.decode())
    return html.unescape(re.sub(r"\s+", " ", plain))


def suffer(cluster, *more, at):
    blind = found("I02", CLUSTER, severity=Severity.WARNING, sentence="HPAs blind.", evidence=BLIND)
    path = "/apis/metrics.k8s.io/v1beta1"
    answer = Discovery(path=path, milliseconds=12, status=503, body=BODY)
    examined(cluster, found(), blind, *more, at=at, answers={METRICS: answer})


def test_its_page_says_what_was_found_who_suffers_and_what_came_through(cluster, see, guest, now):
    see(raw_apiservice(METRICS, status="False", reason="FailedDiscoveryCheck"))
    suffer(cluster, at=now)
    text = text_of(guest.get(PAGE))
    for words in ("Requests do not arrive.", "HPAs blind.", BLIND, "HTTP 503", BODY, "12 ms"):
        assert words in text


def test_whoever_waits_for_its_slow_discovery_suffers(cluster, see, guest, now):
    see(raw_apiservice(METRICS))
    slow = found("A10", sentence="Its discovery takes 6000 ms. kubectl asks and waits.")
    examined(cluster, slow, at=now)
    text = text_of(guest.get(PAGE))
    assert text.index("Who suffers") < text.index("kubectl asks and waits.")
    assert text.count("kubectl asks and waits.") == 1


def test_who_suffers_from_another_group_is_not_told(cluster, see, guest, now):
    other = "v1.other.example.com"
    see(raw_apiservice(METRICS), raw_apiservice(other))
    suffer(cluster, at=now)
    assert "HPAs blind." not in text_of(guest.get(PAGE.replace(METRICS, other)))


def test_its_row_says_the_same_in_short(cluster, see, guest, now):
    see(raw_apiservice(METRICS, status="False", reason="FailedDiscoveryCheck"))
    suffer(cluster, at=now)
    text = text_of(guest.get(BOARD))
    for words in ("Requests do not arrive.", "HPAs blind.", f"HTTP 503 after 12 ms: {BODY}"):
        assert words in text


def test_one_that_counts_as_available_and_fails_nevertheless_is_opened_too(
    cluster, see, guest, now
):
    see(raw_apiservice(METRICS))
    suffer(cluster, at=now)
    assert BODY in text_of(guest.get(BOARD))
    examined(cluster, found(severity=Severity.WARNING), at=now + MINUTE)
    text = text_of(guest.get(BOARD))
    assert "warning : Requests do not arrive." in text
    assert BODY not in text


def test_what_is_muted_marks_no_row_and_no_cluster(cluster, see, guest, now):
    see(raw_apiservice(METRICS))
    examined(cluster, found(), at=now)
    for address in ("/clusters/", "/"):
        assert "1 finding" in text_of(guest.get(address))
    Finding.objects.update(muted_until=now + 9 * MINUTE)
    assert "1 finding" not in text_of(guest.get(BOARD))
    for address in ("/clusters/", "/"):
        assert "nothing found" in text_of(guest.get(address))


def test_an_open_table_and_an_open_page_follow_the_doctor(cluster, see, guest, now):
    see(raw_apiservice(METRICS))
    pages = [guest.get(BOARD), guest.get(PAGE)]
    polls = [
        html.unescape(re.findall(rf'hx-get="([^"]+/{part}/\?[^"]*)"', page.content.decode())[0])
        for page, part in zip(pages, ("table", "news"), strict=True)
    ]
    assert [guest.get(poll).status_code for poll in polls] == [204, 204]
    examined(cluster, found(), at=now)
    assert [guest.get(poll).status_code for poll in polls] == [200, 200]


def test_hostile_words_are_text_on_its_page(cluster, see, guest, now):
    see(raw_apiservice(METRICS, status="False", reason="x"))
    hostile = "<script>x</script>\u202e metrics.k8s.io"
    answer = Discovery(path=hostile, milliseconds=1, status=500, body=hostile)
    evil = found("I01", CLUSTER, sentence=hostile, evidence=hostile)
    examined(cluster, evil, found(sentence=hostile), at=now, answers={METRICS: answer})
    for address in (PAGE, BOARD):
        page = guest.get(address).content.decode()
        assert "<script>x" not in page
        assert "\u202e" not in page


def test_an_administrator_says_whose_trust_it_is(cluster, admin, guest):
    authority = make_authority(lane=Lane.FRONT_PROXY)
    url, data = "/clusters/lab/trust/", {"front_proxy": authority.pk, "serving_authorities": []}
    assert guest.post(url, data).status_code == 403
    assert admin.get(url).status_code == 405
    Examination.objects.create(cluster=cluster)
    for _ in range(2):
        assert admin.post(url, data).url == "/clusters/lab/settings/"
    cluster.refresh_from_db()
    assert cluster.front_proxy == authority
    entry = Entry.objects.get(action="cluster.trust_chosen")
    assert entry.detail["front_proxy"] == authority.slug
    assert Examination.objects.get().is_awaited
    admin.post(url, data | {"handshakes": "direct"})
    cluster.refresh_from_db()
    assert cluster.shakes_hands
    told = Entry.objects.filter(action="cluster.trust_chosen").order_by("seq")
    assert [each.detail["shakes_hands"] for each in told] == ["no", "yes"]


@pytest.mark.parametrize("lane", [Lane.SERVING, Lane.CLIENT])
def test_no_authority_of_another_lane_is_a_front_proxy(cluster, admin, lane):
    authority = make_authority(lane=lane)
    for pk in (authority.pk, "x", 10**30):
        response = admin.post("/clusters/lab/trust/", {"front_proxy": pk})
        assert response.status_code == 422
    assert admin.post("/clusters/other/trust/").status_code == 404


def test_an_authority_is_recognised_by_its_key(db):
    authority = make_authority(lane=Lane.FRONT_PROXY)
    make_authority("another")
    facts = read_certificate(authority.certificate_pem)
    assert recognise(AuthConfig(requestheader_cas=(facts,))) == authority
    assert recognise(AuthConfig()) is None


def test_of_what_an_authority_issued_the_newest_with_an_allowed_name_counts(db, now):
    authority = make_authority()
    for name in ("aggregator", "api.demo.svc"):
        make_certificate(authority, name, profile="aggregator")
    make_certificate(authority, "only-serving", profile="extension-serving", hosts=["a.b.svc"])
    managed = managed_by(authority, AuthConfig(allowed_names=("aggregator",)), now=now)
    assert [each.label for each in managed.proxy_clients] == ["aggregator"]
    everything = managed_by(authority, AuthConfig(), now=now).proxy_clients
    assert {each.label for each in everything} == {"aggregator", "api.demo.svc"}
    assert len(managed.front_proxy_cas) == 1


def test_a_check_that_passes_leaves_the_page_quiet(cluster, see, guest, now):
    see(raw_apiservice(METRICS))
    fine = Discovery(path="/apis/metrics.k8s.io/v1beta1", milliseconds=3, status=200, body="{}")
    examined(cluster, passed(), at=now, answers={METRICS: fine})
    text = text_of(guest.get(PAGE))
    assert "Nothing of its own, as far as it was checked." in text
    assert "HTTP 200" in text


def test_an_open_page_is_left_alone_while_the_doctor_says_the_same(cluster, see, guest, now):
    see(raw_apiservice(METRICS))
    examined(cluster, found(), at=now)
    page = guest.get(PAGE).content.decode()
    poll = html.unescape(re.findall(r'hx-get="([^"]+/news/\?[^"]*)"', page)[0])
    examined(cluster, found(), found("A10", "v1.other"), at=now + MINUTE)
    assert guest.get(poll).status_code == 204
    examined(cluster, found(sentence="Worse."), at=now + 2 * MINUTE)
    assert guest.get(poll).status_code == 200
