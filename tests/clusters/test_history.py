"""History: stretches fill the time, uptime is a per cent of what is known, silences count as
neither.
"""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from aggportal.clusters.history import RANGES, Span, Turn, Uptime, stretches, uptime
from aggportal.clusters.models import Silence, Transition, WatchedAPIService
from aggportal.clusters.services.snapshots import write_heard, write_snapshot
from aggportal.clusters.silences import silences_of
from aggportal.kube.watching import Snapshot
from tests.clusters.fake_cluster import raw_apiservice

NAME = "v1.demo.example.com"
URL = f"/clusters/lab/apiservices/{NAME}/"
END = dt.datetime(2026, 5, 31, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
STATES = ["True", "False", "Unknown", ""]
MINUTES = st.integers(min_value=0, max_value=40 * 24 * 60)


def ago(minutes: int) -> dt.datetime:
    return END - dt.timedelta(minutes=minutes)


@st.composite
def turns(draw) -> list[Turn]:
    times = sorted(draw(st.lists(MINUTES, max_size=30)), reverse=True)
    held = [draw(st.sampled_from(STATES)) for _ in range(len(times) + 1)]
    return [Turn(ago(at), held[n], held[n + 1]) for n, at in enumerate(times)]


@st.composite
def silences(draw) -> list[Span]:
    pairs = draw(st.lists(st.tuples(MINUTES, st.integers(0, 3000)), max_size=10))
    spans = [Span(start=ago(at), end=ago(at) + dt.timedelta(minutes=lasts)) for at, lasts in pairs]
    return sorted(spans, key=lambda span: span.start)


def in_range(length: dt.timedelta, found: list[Turn], quiet: list[Span]) -> Uptime:
    span = Span(start=END - length, end=END)
    present = found[-1].went_to if found else "True"
    return uptime(stretches(found, status=present, span=span, silences=quiet))


@given(turns(), silences())
def test_stretches_fill_the_time_without_gaps(found, quiet):
    span = Span(start=END - RANGES["30d"], end=END)
    parts = stretches(found, status="True", span=span, silences=quiet)
    edges = [span.start, *(part.end for part in parts)]
    assert [part.start for part in parts] == edges[:-1]
    assert edges[-1] == span.end


@given(turns(), silences())
def test_uptime_is_between_0_and_100_and_the_time_adds_up(found, quiet):
    for length in RANGES.values():
        time = in_range(length, found, quiet)
        assert time.percent is None or 0 <= time.percent <= 100
        assert time.up + time.down + time.unknown == length


@given(turns(), silences())
def test_ranges_nest(found, quiet):
    day, week, month = (in_range(length, found, quiet) for length in RANGES.values())
    for smaller, larger in ((day, week), (week, month)):
        assert smaller.up <= larger.up
        assert smaller.down <= larger.down
        assert smaller.unknown <= larger.unknown


@given(turns(), silences())
def test_a_silence_makes_nothing_go_up_or_down(found, quiet):
    told, untold = in_range(RANGES["7d"], found, []), in_range(RANGES["7d"], found, quiet)
    assert untold.up <= told.up
    assert untold.down <= told.down


def test_a_silence_while_it_was_down_does_not_count_as_down():
    found = [Turn(END - 4 * HOUR, "True", "False"), Turn(END - 2 * HOUR, "False", "True")]
    quiet = [Span(start=END - 3 * HOUR, end=END - 2 * HOUR)]
    time = in_range(RANGES["24h"], found, quiet)
    assert (time.up, time.down, time.unknown) == (22 * HOUR, HOUR, HOUR)


@pytest.mark.parametrize(
    ("up", "down", "text"),
    [(10, 0, "100 %"), (99_999, 1, "99.99 %"), (0, 5, "0.00 %"), (0, 0, "–"), (1, 2, "33.33 %")],
)
def test_it_is_said_without_promising_more_than_was(up, down, text):
    time = Uptime(up=up * HOUR, down=down * HOUR, unknown=HOUR)
    assert time.text == text


@pytest.fixture
def see(cluster, leadership):
    """The worker saw these at a moment."""

    def write(*raws, at):
        kept = {raw["metadata"]["name"]: raw for raw in raws}
        snapshot = Snapshot(
            items=kept,
            synced_at=at,
            changed=frozenset(kept),
            resource_version="1",
            relisted=True,
        )
        write_snapshot(cluster, snapshot, leadership=leadership, now=at)

    return write


def test_a_gap_between_signs_of_life_is_kept_as_a_silence(see, cluster):
    now = timezone.now()
    see(raw_apiservice(NAME), at=now - 3 * HOUR)
    write_heard([(cluster.pk, now - 3 * HOUR + dt.timedelta(seconds=5))])
    assert Silence.objects.count() == 0
    see(raw_apiservice(NAME), at=now - HOUR)
    kept = Silence.objects.get()
    assert (kept.began, kept.ended) == (now - 3 * HOUR + dt.timedelta(seconds=5), now - HOUR)
    write_heard([(cluster.pk, now)])
    assert Silence.objects.count() == 2


def test_a_silence_that_lasts_still_counts(see, cluster):
    now = timezone.now()
    see(raw_apiservice(NAME), at=now - HOUR)
    cluster.refresh_from_db()
    assert silences_of(cluster, Span(start=now - 24 * HOUR, end=now)) == [
        Span(start=now - HOUR, end=now)
    ]


@pytest.fixture
def watched(see, cluster):
    now = timezone.now()
    see(raw_apiservice(NAME), at=now)
    Transition.objects.all().delete()
    return WatchedAPIService.objects.get(name=NAME)


def turned(cluster, *, minutes, count=1):
    now = timezone.now()
    Transition.objects.bulk_create(
        Transition(
            cluster=cluster,
            name=NAME,
            at=now - dt.timedelta(minutes=minutes * number),
            came_from="False" if number % 2 else "True",
            went_to="True" if number % 2 else "False",
            reason="FailedDiscoveryCheck",
        )
        for number in range(count, 0, -1)
    )


def test_the_page_tells_each_range_and_shows_the_chosen_one(viewer, client_of, watched, cluster):
    turned(cluster, minutes=600, count=3)
    client = client_of(viewer)
    for chosen in ("24h", "7d", "30d"):
        page = client.get(URL, {"range": chosen})
        history = page.context["page"].history
        assert history.chosen.value == chosen
        assert len(history.chosen.strip) >= 3
        assert all(choice.uptime.percent is not None for choice in history.choices)
    assert "counts neither as up nor as down" in page.content.decode()


@pytest.mark.parametrize("query", [{"range": "1y"}, {"before": "x"}, {"after": "9" * 40}])
def test_nonsense_in_the_address_counts_as_absent(viewer, client_of, watched, query):
    page = client_of(viewer).get(URL, query)
    assert (page.status_code, page.context["page"].history.chosen.value) == (200, "7d")


def test_transitions_are_paged(viewer, client_of, watched, cluster):
    turned(cluster, minutes=5, count=60)
    client = client_of(viewer)
    first = client.get(URL).context["page"].history
    second = client.get(URL, {"before": first.page.older}).context["page"].history
    seen = [each.transition.pk for each in (*first.events, *second.events)]
    assert len(set(seen)) == 50
    assert second.page.newer


def test_no_more_is_counted_than_is_kept(viewer, client_of, watched, settings):
    settings.HISTORY_DAYS = 2
    history = client_of(viewer).get(URL).context["page"].history
    totals = [c.uptime.up + c.uptime.down + c.uptime.unknown for c in history.choices]
    assert totals == [24 * HOUR, 48 * HOUR, 48 * HOUR]


@pytest.mark.parametrize("count", [2, 300])
def test_queries_do_not_grow_with_the_history(
    viewer, client_of, watched, cluster, count, django_assert_max_num_queries
):
    turned(cluster, minutes=2, count=count)
    client = client_of(viewer)
    with django_assert_max_num_queries(14):
        client.get(URL)
