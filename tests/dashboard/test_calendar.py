"""The calendar: what stops working when, in words, across clusters, soonest first."""

from __future__ import annotations

import datetime as dt
import html

import pytest
from django.utils import timezone

from aggportal.certs.models import Authority, Certificate, Lane
from aggportal.clusters.models import Place
from tests.certs.makers import make_authority, make_certificate
from tests.dashboard.calendar_made import DAY, make_bundle, make_cluster, make_scaled, make_seen

URL = "/calendar/"


@pytest.fixture
def calendar(viewer, client_of, db):
    """Ask for the page; its text, and the ends that it shows."""
    client = client_of(viewer)

    def ask(**query):
        answer = client.get(URL, {"within": "all", **query})
        assert answer.status_code == 200
        page = answer.context["page"]
        found = [ending for month in page.months for ending in month.endings]
        return page, found, html.unescape(answer.content.decode())

    return ask


@pytest.fixture
def now():
    return timezone.now()


def test_an_empty_calendar_says_so(calendar):
    _, found, text = calendar()
    assert found == []
    assert "Nothing is known that ends" in text
    assert "twelve months" not in text


def test_a_bundle_says_what_stops(calendar, now):
    make_bundle(make_cluster(), ends=now + 30 * DAY)
    _, found, text = calendar()
    assert found[0].what == "The caBundle of v1beta1.metrics.k8s.io in cluster lab"
    assert "kubectl top" in found[0].effect
    assert "twelve months" in text


def test_it_says_in_how_many_namespaces_autoscalers_stop(calendar, now):
    lab = make_cluster()
    make_bundle(lab, ends=now + 30 * DAY)
    make_seen(lab, ends=now + 40 * DAY)
    make_scaled(lab, "metrics.k8s.io", namespaces=4)
    _, found, _ = calendar()
    assert found[0].effect == "kubectl top and HorizontalPodAutoscalers in 4 namespaces stop."
    assert found[1].effect.endswith("HorizontalPodAutoscalers in 4 namespaces get no metrics then.")


def test_soonest_first_grouped_by_month_and_what_is_over_by_itself(calendar, now):
    lab = make_cluster()
    make_seen(lab, ends=now + 100 * DAY)
    make_bundle(lab, "v1.a.example.com", ends=now - DAY)
    make_bundle(lab, "v1.b.example.com", ends=now + 40 * DAY)
    page, found, text = calendar()
    assert [ending.when for ending in found] == sorted(ending.when for ending in found)
    assert page.months[0].first is None
    assert [month.first for month in page.months[1:]] == [
        (now + days * DAY).date().replace(day=1) for days in (40, 100)
    ]
    assert "has ended" in text


def test_a_proxy_certificate_names_the_cluster_that_it_serves(calendar):
    front = make_authority(lane=Lane.FRONT_PROXY)
    make_cluster(front=front)
    make_certificate(front)
    _, found, _ = calendar()
    certificate, authority = found
    assert certificate.what == "The proxy certificate front-proxy-client of cluster lab"
    assert authority.what == "The front-proxy authority front-proxy-ca of cluster lab"
    assert "every aggregated API" in certificate.effect


def test_a_serving_certificate_is_known_by_its_name_and_its_authority(calendar, now):
    serving = make_authority("serving-ca", lane=Lane.SERVING)
    host = "metrics-server.kube-system.svc"
    make_certificate(serving, host, profile="extension-serving", hosts=[host])
    make_bundle(make_cluster(), ends=None, subject=serving.subject)
    _, found, _ = calendar()
    assert "of v1beta1.metrics.k8s.io in cluster lab" in found[0].what
    other = make_authority("other-ca", lane=Lane.SERVING)
    make_certificate(other, host, profile="extension-serving", hosts=[host])
    _, found, _ = calendar()
    assert [ending.what for ending in found if "serving certificate" in ending.what] == [
        found[0].what
    ]


def test_what_is_renewed_revoked_or_retired_does_not_count(calendar, now):
    authority = make_authority()
    first, second, third = (make_certificate(authority, name) for name in ("a", "b", "c"))
    Certificate.objects.filter(pk=second.pk).update(predecessor=first)
    Certificate.objects.filter(pk=third.pk).update(
        revoked_at=now, revocation_reason="keyCompromise"
    )
    old = make_authority("old-ca")
    Authority.objects.filter(pk=old.pk).update(retired_at=now)
    _, found, _ = calendar()
    assert [ending.what for ending in found] == [
        "The certificate b",
        "The authority front-proxy-ca",
    ]


def test_a_ca_of_a_cluster_that_is_ours_stands_once(calendar, now):
    front = make_authority(lane=Lane.FRONT_PROXY)
    lab = make_cluster(front=front)
    make_seen(lab, ends=front.not_after, sha256=front.fingerprint_sha256)
    make_seen(lab, ends=now + DAY, place=Place.CLIENT)
    _, found, _ = calendar()
    assert [ending.what for ending in found] == [
        "The client CA CN=kubernetes-front-proxy-ca of cluster lab",
        "The front-proxy authority front-proxy-ca of cluster lab",
    ]


def test_one_cluster_alone_shows_what_works_there(calendar, now):
    front = make_authority(lane=Lane.FRONT_PROXY)
    lab, far = make_cluster(front=front), make_cluster("far")
    make_certificate(front)
    make_authority("elsewhere")
    make_bundle(far, ends=now + DAY)
    _, found, _ = calendar(cluster="lab")
    assert [ending.what for ending in found] == [
        "The proxy certificate front-proxy-client of cluster lab",
        "The front-proxy authority front-proxy-ca of cluster lab",
    ]
    _, found, _ = calendar(cluster=far.slug)
    assert len(found) == 1
    assert lab.name not in found[0].what


@pytest.mark.parametrize(("within", "count"), [("30d", 1), ("90d", 2), ("1y", 3), ("all", 4)])
def test_only_what_ends_within_a_time(calendar, now, within, count):
    lab = make_cluster()
    for days in (10, 60, 200, 900):
        make_bundle(lab, f"v{days}.example.com", ends=now + days * DAY)
    _, found, _ = calendar(within=within)
    assert len(found) == count


def test_a_cluster_that_there_is_not_finds_nothing(calendar, now):
    make_bundle(make_cluster(), ends=now + DAY)
    _, found, text = calendar(cluster="none\x00")
    assert found == []
    assert "Nothing ends in this time" in text


def test_pages_follow_each_other_without_loss_though_all_end_at_once(calendar, now):
    ends = (now + 20 * DAY).replace(microsecond=0)
    lab = make_cluster()
    for number in range(70):
        make_bundle(lab, f"v{number}.example.com", ends=ends)
    for number in range(55):
        make_seen(lab, ends=ends if number % 2 else ends + DAY, sha256=f"{number:064x}")
    seen, after, pages = [], "", []
    while True:
        page, found, _ = calendar(after=after)
        seen += [(ending.when, ending.what, ending.url) for ending in found]
        pages.append(page)
        after = page.later
        if not after:
            break
    assert len(seen) == 125
    assert [when for when, *_ in seen] == sorted(when for when, *_ in seen)
    back, _, _ = calendar(before=pages[-1].sooner)
    assert (back.months, back.sooner) == (pages[1].months, pages[1].sooner)
    first, _, _ = calendar(before=pages[1].sooner)
    assert (first.months, first.sooner) == (pages[0].months, "")


@pytest.mark.parametrize(
    "query",
    [
        {"within": "forever"},
        {"after": "x"},
        {"after": "1-9-1"},
        {"before": "9" * 30 + "-0-1"},
        {"after": f"1-0-{2**63}"},
        {"before": "١-0-1"},
    ],
)
def test_nonsense_in_the_address_counts_as_absent(calendar, now, query):
    make_bundle(make_cluster(), ends=now + DAY)
    _, found, _ = calendar(**query)
    assert len(found) == 1


@pytest.mark.parametrize("count", [1, 40])
def test_queries_do_not_grow_with_what_ends(
    viewer, client_of, now, count, django_assert_max_num_queries
):
    front = make_authority(lane=Lane.FRONT_PROXY)
    make_certificate(front)
    for number in range(count):
        cluster = make_cluster(f"c{number}", front=front)
        make_bundle(cluster, ends=now + DAY)
        make_seen(cluster, ends=now + DAY)
    client = client_of(viewer)
    with django_assert_max_num_queries(18):
        client.get(URL)


def test_a_stranger_sees_nothing_and_nobody_posts(stranger, viewer, client_of, client):
    assert client_of(stranger).get(URL).status_code == 403
    assert client_of(viewer).post(URL).status_code == 405


def test_somebody_who_did_not_sign_in_is_asked_to(client, db):
    assert client.get(URL).status_code == 302


def test_names_from_a_cluster_cannot_turn_the_page_around(calendar, now):
    make_bundle(make_cluster(), "v1.\u202eexample.com", ends=now + dt.timedelta(days=3))
    _, _, text = calendar()
    assert "\u202e" not in text


def test_the_first_page_leads_to_it(viewer, client_of, db):
    assert b'href="/calendar/"' in client_of(viewer).get("/").content
