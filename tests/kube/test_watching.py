"""The reflector against API servers that behave, fail, stop, lie and hang."""

from __future__ import annotations

import datetime as dt
import json
import threading
import time

import pytest

from aggportal.kube import watching
from aggportal.kube.errors import NotKubernetes, TimedOut, TooLarge, Unauthorized, Unreachable
from aggportal.kube.watching import Pace, Reflector
from tests.kube.servers import answer, chunked, drip, hang_up, status_object

QUICK = Pace(delays=(0.05, 0.1, 0.2), window=5, probe_every=0.3, probe_seconds=0.3, settled=0.5)


def item(name, version):
    return {"metadata": {"name": name, "resourceVersion": version}}


def event(kind, name, version):
    return json.dumps({"type": kind, "object": item(name, version)}).encode() + b"\n"


class Cluster:
    """A script: `items` are listed, `watch` handles each watch, `/version` is answered."""

    def __init__(self):
        self.items, self.version, self.hung = [item("a", "1")], "1", False
        self.unknown = False
        self.lists = self.watches = 0

    def __call__(self, conn, asked):
        while self.hung:
            time.sleep(0.1)
        if self.unknown:
            answer(conn, 401, status_object(401, "Unauthorized", "Unauthorized"))
        elif asked.path == "/version":
            answer(conn, 200, {"gitVersion": "v1"})
        elif "watch=1" in asked.target:
            self.watches += 1
            self.watch(conn, asked)
        else:
            self.lists += 1
            self.list(conn)

    def list(self, conn):
        answer(conn, 200, {"metadata": {"resourceVersion": self.version}, "items": self.items})

    def watch(self, conn, asked):
        chunked(conn)
        time.sleep(4)


@pytest.fixture
def cluster():
    return Cluster()


class Clock:
    """The present time, wrong by `ahead`."""

    ahead = dt.timedelta(0)

    def __call__(self):
        return dt.datetime.now(dt.UTC) + self.ahead


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def follow(serve, client_for, cluster, clock):
    """Start a server for the cluster and a reflector on it; stopped at the end, in time."""
    running = []

    def start():
        server = serve(cluster)
        reflector = Reflector(
            client=client_for(server.url),
            now=clock,
            on_snapshot=lambda snapshot: told.snapshots.append(snapshot),
            on_trouble=lambda error, since: told.take_trouble(error, since),
            on_alive=lambda at: told.alive.append(at),
            pace=QUICK,
        )
        told = Told(server)
        thread = threading.Thread(target=reflector.run, daemon=True)
        thread.start()
        running.append((reflector, thread))
        return told

    yield start
    cluster.hung = False
    for reflector, thread in running:
        reflector.stop.set()
        thread.join(30)
        assert not thread.is_alive()


class Told:
    """What the reflector said."""

    def __init__(self, server):
        self.server, self.snapshots, self.troubles, self.alive = server, [], [], []
        self.since = []

    def take_trouble(self, error, since):
        self.since.append(since)
        self.troubles.append(error)

    def wait(self, wanted, seconds=30):
        deadline = time.monotonic() + seconds
        while not wanted():
            assert time.monotonic() < deadline, (self.snapshots, self.troubles)
            time.sleep(0.01)

    def names(self):
        return set(self.snapshots[-1].items) if self.snapshots else None


def test_the_list_comes_first_and_changes_follow(cluster, follow):
    def watch(conn, asked):
        send = chunked(conn)
        send(event("ADDED", "b", "2") + event("BOOKMARK", "", "3") + event("DELETED", "a", "4"))
        time.sleep(3)

    cluster.watch = watch
    told = follow()
    told.wait(lambda: told.names() == {"b"})
    first, second = told.snapshots
    assert (set(first.items), first.relisted) == ({"a"}, True)
    assert (second.changed, second.resource_version) == ({"a", "b"}, "4")
    assert "resourceVersion=1&" in told.server.asked[-1].target
    assert told.troubles == []
    with pytest.raises(TypeError):
        second.items["c"] = {}


def test_an_event_in_pieces_is_put_together(cluster, follow):
    def watch(conn, asked):
        send = chunked(conn)
        line = event("ADDED", "b", "2")
        for index in range(0, len(line), 10):
            send(line[index : index + 10])
            time.sleep(0.005)
        time.sleep(3)

    cluster.watch = watch
    told = follow()
    told.wait(lambda: told.names() == {"a", "b"})


def test_an_open_watch_is_found_alive_again_and_again(follow):
    told = follow()
    told.wait(lambda: len(told.alive) >= 2)
    assert told.troubles == []


def test_a_window_that_ends_is_opened_again_from_the_last_version(cluster, follow):
    def watch(conn, asked):
        send = chunked(conn)
        if "resourceVersion=1&" in asked.target:
            send(event("ADDED", "b", "9"))
            send(b"")
        else:
            time.sleep(3)

    cluster.watch = watch
    told = follow()
    told.wait(lambda: cluster.watches == 2)
    assert "resourceVersion=9&" in told.server.asked[-1].target
    assert (cluster.lists, told.troubles) == (1, [])


@pytest.mark.parametrize("plain", [True, False], ids=["status 410", "event 410"])
def test_an_expired_version_leads_to_a_new_list(cluster, follow, plain):
    gone = status_object(410, "Expired", "too old resource version")

    def watch(conn, asked):
        if cluster.watches > 1:
            Cluster.watch(cluster, conn, asked)
        cluster.items, cluster.version = [item("c", "5")], "5"
        if plain:
            answer(conn, 410, gone)
        else:
            chunked(conn)(json.dumps({"type": "ERROR", "object": gone}).encode() + b"\n")
            time.sleep(3)

    cluster.watch = watch
    told = follow()
    told.wait(lambda: told.names() == {"c"})
    assert told.snapshots[-1].changed == {"a", "c"}
    assert told.troubles == []


def test_a_server_that_always_says_gone_is_not_stormed(cluster, follow):
    cluster.watch = lambda conn, asked: answer(conn, 410, status_object(410, "Expired", "old"))
    told = follow()
    time.sleep(1.5)
    assert 2 <= cluster.lists <= 14
    assert told.troubles


@pytest.mark.parametrize("status", [401, 500])
def test_a_server_that_fails_is_not_stormed(cluster, follow, status):
    cluster.list = lambda conn: answer(conn, status, status_object(status, "No", "no"))
    told = follow()
    time.sleep(1.5)
    assert 2 <= len(told.troubles) <= 14
    assert isinstance(told.troubles[0], Unauthorized) == (status == 401)


def test_watches_that_end_at_once_are_not_stormed(cluster, follow):
    cluster.watch = lambda conn, asked: chunked(conn)(b"")
    follow()
    time.sleep(1.5)
    assert 2 <= cluster.watches <= 14


def test_who_answers_watches_with_nothing_is_asked_for_a_list_before_being_called_alive(
    cluster, follow
):
    def list_once(conn):
        if cluster.lists == 1:
            Cluster.list(cluster, conn)
        else:
            answer(conn, 200, "<html>Please log in</html>")

    cluster.watch = lambda conn, asked: answer(conn, 200, "")
    cluster.list = list_once
    told = follow()
    told.wait(lambda: told.troubles)
    time.sleep(0.5)
    assert {type(each) for each in told.troubles} == {NotKubernetes}
    assert len(told.snapshots) == 1


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"garbage\n", NotKubernetes),
        (b"garbage", NotKubernetes),
        (b"<html>\n", NotKubernetes),
        (b"[]\n", NotKubernetes),
        (b'{"type":"ODD","object":{}}\n', NotKubernetes),
        (b'{"type":"ADDED","object":7}\n', NotKubernetes),
        (b"x" * 3_000_000, TooLarge),
    ],
    ids=["text", "text to the end", "html", "list", "kind", "object", "endless line"],
)
def test_garbage_in_a_watch_is_trouble_and_not_the_end(cluster, follow, line, error):
    def watch(conn, asked):
        send = chunked(conn)
        send(line if cluster.watches == 1 else event("ADDED", "b", "2"))
        if cluster.watches == 1:
            send(b"")
        time.sleep(3)

    cluster.watch = watch
    told = follow()
    told.wait(lambda: told.names() == {"a", "b"})
    assert isinstance(told.troubles[0], error)


def test_changes_that_come_while_the_last_ones_are_written_are_one_batch(serve, client_for):
    def watch(conn, asked):
        send = chunked(conn)
        for number in range(60):
            send(event("ADDED", f"n{number}", str(number + 2)))
        send(b"<html>\n")

    client = client_for(serve(watch).url)
    seen = []

    def take_slowly():
        with client.watch("/apis/x/v1/things", "1") as stream:
            for batch in stream:
                seen.append(len(batch))
                time.sleep(0.3)

    with pytest.raises(NotKubernetes):
        take_slowly()
    assert sum(seen) == 60
    assert len(seen) <= 4


def test_a_watch_that_is_left_leaves_no_thread_behind(serve, client_for):
    def watch(conn, asked):
        send = chunked(conn)
        while True:
            send(event("ADDED", "x" * 60_000, "2"))

    client = client_for(serve(watch).url)
    with client.watch("/apis/x/v1/things", "1") as stream:
        next(iter(stream))
        time.sleep(0.5)
    assert not [each for each in threading.enumerate() if each.name == "aggportal-watch"]


def test_a_cluster_that_never_stops_adding_fills_no_memory(cluster, follow, monkeypatch):
    monkeypatch.setattr(watching, "MAX_ITEMS", 3)

    def watch(conn, asked):
        send = chunked(conn)
        for number in range(9):
            send(event("ADDED", f"n{number}", str(number + 2)))
        time.sleep(3)

    cluster.watch = watch
    told = follow()
    told.wait(lambda: told.troubles)
    assert isinstance(told.troubles[0], TooLarge)
    assert all(len(each.items) <= 3 for each in told.snapshots)


def test_a_killed_server_is_noticed_at_once_and_its_return_too(cluster, follow, serve):
    told = follow()
    told.wait(lambda: told.snapshots)
    told.server.stop()
    told.wait(lambda: told.troubles)
    assert isinstance(told.troubles[0], Unreachable)
    count = len(told.snapshots)
    serve(cluster, port=told.server.port)
    told.wait(lambda: len(told.snapshots) > count)


def test_a_server_that_hangs_is_noticed_while_a_watch_is_open(cluster, follow):
    told = follow()
    told.wait(lambda: told.alive)
    cluster.hung = True
    told.wait(lambda: told.troubles)
    assert isinstance(told.troubles[0], TimedOut)
    cluster.hung = False
    count = len(told.snapshots)
    told.wait(lambda: len(told.snapshots) > count)


def test_a_server_that_accepts_and_never_answers_is_trouble(cluster, follow):
    cluster.hung = True
    told = follow()
    told.wait(lambda: told.troubles)
    assert isinstance(told.troubles[0], TimedOut)


def test_a_list_that_drips_is_trouble(cluster, follow):
    cluster.list = lambda conn: drip(conn, b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100)
    told = follow()
    told.wait(lambda: told.troubles)
    assert isinstance(told.troubles[0], TimedOut)


def test_a_list_broken_off_midway_is_trouble_and_recovers(cluster, follow):
    def broken(conn):
        if cluster.lists == 1:
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{")
            hang_up(conn)
        else:
            Cluster.list(cluster, conn)

    cluster.list = broken
    told = follow()
    told.wait(lambda: told.names() == {"a"})
    assert isinstance(told.troubles[0], Unreachable)


def test_odd_items_are_kept_or_left_out_but_stop_nothing(cluster, follow):
    cluster.items = [7, {}, {"metadata": None}, {"metadata": {"name": 7}}, item("a", "1")]
    told = follow()
    told.wait(lambda: told.names() == {"a"})


def test_stopping_ends_an_open_watch_at_once(follow, cluster):
    told = follow()
    told.wait(lambda: cluster.watches)
    assert told.troubles == []


def test_a_version_that_is_gone_after_trouble_leads_to_a_list_at_once_and_is_no_trouble(
    cluster, follow
):
    def watch(conn, asked):
        if cluster.watches == 1:
            chunked(conn)(b"<html>")
            hang_up(conn)
        elif cluster.watches == 2:
            answer(conn, 410, status_object(410, "Expired", "too old resource version"))
        else:
            Cluster.watch(cluster, conn, asked)

    cluster.watch = watch
    told = follow()
    told.wait(lambda: cluster.watches == 3)
    assert [type(each) for each in told.troubles] == [Unreachable]
    assert cluster.lists == 2


def test_credentials_that_end_while_a_watch_is_open_are_trouble(cluster, follow):
    told = follow()
    told.wait(lambda: told.alive)
    cluster.unknown = True
    told.wait(lambda: told.troubles)
    assert isinstance(told.troubles[0], Unauthorized)
    cluster.unknown = False
    count = len(told.snapshots)
    told.wait(lambda: len(told.snapshots) > count)


def test_trouble_is_not_since_a_moment_that_is_still_to_come(cluster, follow, clock):
    told = follow()
    told.wait(lambda: told.alive)
    clock.ahead = dt.timedelta(hours=-1)
    told.server.stop()
    told.wait(lambda: told.troubles)
    assert told.since[0] <= clock()
