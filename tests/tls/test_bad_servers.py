"""Servers that lie, drip, flood or keep silent cost a bounded time and size, and get words."""

from __future__ import annotations

import socket
import struct
import time

import pytest

from aggportal.tls.connections import Limits
from aggportal.tls.errors import HandshakeFailed, Reason
from aggportal.tls.scanning import ask, scan
from aggportal.tls.targets import Target
from tests.pki.certificates_made import NOW, authority, serving
from tests.tls.servers import openssl_server, scripted

HASTY = Limits(connect=1.0, handshake=0.6, quiet=0.3, total=1.5, size=65_536)


def look(port: int, address: str = "127.0.0.1"):
    return scan(ask(Target(host=address, port=port)), [address], now=NOW, limits=HASTY)


def failure(script) -> HandshakeFailed:
    """What is said of a server that does as `script` says; never later than the limits allow."""
    started = time.monotonic()
    with scripted(script) as port, pytest.raises(HandshakeFailed) as caught:
        look(port)
    assert time.monotonic() - started < 20 * HASTY.total
    return caught.value


def after_hello(data: bytes):
    """Read the ClientHello, then send `data` and wait."""

    def script(line: socket.socket) -> None:
        line.recv(65_536)
        line.sendall(data)
        time.sleep(3)

    return script


def test_silence_ends_with_the_time():
    refused = failure(lambda line: time.sleep(3))
    assert refused.reason is Reason.SILENT
    assert "says nothing" in str(refused)


def test_a_server_that_drips_does_not_stretch_the_time():
    def drip(line: socket.socket) -> None:
        for byte in b"\x16\x03\x03\x40\x00" + bytes(1000):
            line.sendall(bytes([byte]))
            time.sleep(0.05)

    assert failure(drip).reason is Reason.SILENT


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "plain HTTP"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
        (b"220 mail.example ESMTP\r\n", "STARTTLS"),
        (b"\x00\xff\xfe\x80garbage", "does not speak TLS"),
        (b"-ERR unknown command\r\n", "does not speak TLS"),
    ],
)
def test_what_is_no_tls_is_named_and_not_repeated(answer, said):
    refused = failure(after_hello(answer))
    assert refused.reason is Reason.NOT_TLS
    assert said in str(refused)
    assert "garbage" not in str(refused)


@pytest.mark.parametrize(
    "answer",
    [b"\x16\x03\x03\x00\x04\xff\xff\xff\xff", b"\x16\x03\x03\xff\xff" + bytes(70_000)],
    ids=["no handshake", "a record of impossible size"],
)
def test_broken_tls_is_said_to_be_broken(answer):
    assert failure(after_hello(answer)).reason is Reason.BROKEN


def test_endless_bytes_are_not_listened_to_for_ever():
    def flood(line: socket.socket) -> None:
        line.recv(65_536)
        while True:  # a handshake message that says it is 16 MB long
            line.sendall(b"\x16\x03\x03\x10\x00" + b"\x02\xff\xff\xff" + bytes(4092))

    assert failure(flood).reason in (Reason.TOO_MUCH, Reason.BROKEN)


def test_endless_empty_records_are_not_listened_to_for_ever():
    def flood(line: socket.socket) -> None:
        line.recv(65_536)
        while True:
            line.sendall(b"\x15\x03\x03\x00\x02\x01\x5a" * 500)  # warnings: user_canceled

    assert failure(flood).reason in (Reason.TOO_MUCH, Reason.BROKEN, Reason.ALERT)


def test_who_closes_at_once_is_said_to_have_ended_it():
    refused = failure(lambda line: line.shutdown(socket.SHUT_RDWR))
    assert refused.reason is Reason.ENDED


def test_a_reset_is_an_end_too():
    def reset(line: socket.socket) -> None:
        line.recv(10)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.close()

    assert failure(reset).reason is Reason.ENDED


def test_a_refusal_is_told_by_its_alert():
    refused = failure(after_hello(b"\x15\x03\x03\x00\x02\x02\x46"))
    assert refused.reason is Reason.ALERT
    assert "protocol_version" in str(refused)


def test_a_port_where_nothing_listens_is_told():
    with scripted(lambda line: None) as port:
        pass
    with pytest.raises(HandshakeFailed) as caught:
        look(port)
    assert caught.value.reason is Reason.NO_CONNECTION
    assert "Nothing listens" in str(caught.value)


def test_the_next_address_is_tried_where_one_takes_no_connection(tmp_path):
    with openssl_server(tmp_path, serving(authority())) as port:
        question = ask(Target(host="localhost", port=port))
        found = scan(question, ["127.0.0.9", "127.0.0.1"], now=NOW)
    assert found.address == "127.0.0.1"


def test_a_server_that_is_gone_after_the_first_handshake_leaves_what_was_seen(tmp_path):
    with openssl_server(tmp_path, serving(authority()), "-naccept", "1") as port:
        found = look(port)
    spoken = {trial.version.name: trial.spoken for trial in found.trials}
    assert spoken["TLS_1_3"] is True
    assert True not in {spoken["TLS_1_0"], spoken["TLS_1_1"], spoken["TLS_1_2"]}
    assert found.served.own is not None


def test_a_chain_without_end_is_cut_off(tmp_path):
    many = [authority(f"ca-{number}") for number in range(40)]
    with openssl_server(tmp_path, serving(many[0]), chain=many) as port:
        found = scan(ask(Target(host="127.0.0.1", port=port)), ["127.0.0.1"], now=NOW)
    assert len(found.served.certificates) == 16
