"""Places that take checkpoints: a file, an address, a syslog server; and what is no place."""

from __future__ import annotations

import datetime as dt
import http.server
import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggportal.anchors.errors import BadAnchor, NotAnchored
from aggportal.anchors.sinks import KEPT, _with, parse_sink
from aggportal.kube.errors import EgressDenied
from aggportal.ledger.keys import derive
from aggportal.ledger.offline import notes_in
from aggportal.notices.errors import DeliveryFailed

NOW = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
KEY = derive(bytes(32))


def note(size: int) -> str:
    return KEY.sign(f"{KEY.origin}\n{size}\n{'A' * 43}=\n")


def test_a_file_is_appended_to_and_is_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints"
    sink = parse_sink(f"file:{path}")
    for size in (3, 9):
        sink.take(note(size), now=NOW)
    assert [each.size for each in notes_in(path.read_text("utf-8"))] == [3, 9]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    with pytest.raises(NotAnchored, match="No such file"):
        parse_sink(f"file:{tmp_path}/none/checkpoints").take(note(1), now=NOW)
    os.symlink("/dev/null", tmp_path / "link")
    with pytest.raises(NotAnchored):
        parse_sink(f"file:{tmp_path}/link").take(note(1), now=NOW)


@pytest.fixture
def witness() -> Iterator[tuple[str, list[bytes]]]:
    """A server that keeps what is posted, and answers 500 to a second post."""
    taken: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204 if len(taken) == 1 else 500)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/in?token=hidden", taken
        server.shutdown()


def test_an_address_is_posted_to_and_its_refusal_told(witness: tuple[str, list[bytes]]) -> None:
    url, taken = witness
    sink = parse_sink(url)
    sink.take(note(4), now=NOW)
    assert taken == [note(4).encode()]
    with pytest.raises(DeliveryFailed, match="500"):
        sink.take(note(5), now=NOW)
    assert "hidden" not in sink.name + repr(sink)


def test_an_address_that_is_denied_is_not_called(settings, witness) -> None:
    url, taken = witness
    settings.EGRESS_DENY = ["127.0.0.0/8"]
    with pytest.raises(EgressDenied):
        parse_sink(url).take(note(4), now=NOW)
    assert not taken


def test_syslog_over_udp_gets_one_record() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        parse_sink(f"syslog://127.0.0.1:{server.getsockname()[1]}").take(note(7), now=NOW)
        record = server.recv(4096).decode()
    head, _, text = record.partition(' "')
    assert head == "<109>1 2026-05-01T12:00:00.000Z - aggportal - ledger-checkpoint -"
    assert json.loads(f'"{text}') == note(7)


def test_syslog_over_tcp_is_framed_by_its_length() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        port = server.getsockname()[1]
        parse_sink(f"syslog+tcp://127.0.0.1:{port}").take(note(7), now=NOW)
        accepted, _address = server.accept()
        with accepted:
            length, _, record = accepted.recv(4096).partition(b" ")
    assert int(length) == len(record)


def test_a_syslog_server_that_is_not_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(NotAnchored, match="refused"):
        parse_sink(f"syslog+tcp://127.0.0.1:{port}").take(note(7), now=NOW)


def test_a_configmap_keeps_the_newest() -> None:
    text = ""
    for size in range(1, KEPT + 3):
        text = _with({"checkpoints": text}, note(size))
    sizes = [each.size for each in notes_in(text)]
    assert sizes == list(range(3, KEPT + 3))
    assert notes_in(_with(None, note(1)))[0].size == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("checkpoints", "An anchor begins with"),
        ("file:checkpoints", "must be absolute"),
        ("ftp://host/", "An anchor begins with"),
        ("https://", "a host must stand"),
        ("https://host:99999/", "a host must stand"),
        ("syslog://", "syslog://HOST:PORT"),
        ("syslog://host:port", "syslog://HOST:PORT"),
        ("syslog://host/path", "syslog://HOST:PORT"),
        ("configmap:lab/kube-system", "configmap:CLUSTER"),
    ],
)
def test_what_is_no_place_is_refused_in_words(text: str, told: str) -> None:
    with pytest.raises(BadAnchor, match=told):
        parse_sink(text)


def test_a_file_beside_the_database_is_refused(settings, tmp_path: Path) -> None:
    settings.DATABASE_DIR = tmp_path
    with pytest.raises(BadAnchor, match="beside the database"):
        parse_sink(f"file:{tmp_path}/x/../checkpoints")
