"""The TLS connection under the client: one checked address, and any thread may cut an exchange.

A socket timeout does not end an exchange with a server that sends one byte now and then, and no
timeout at all ends a blocked read of another thread. So every exchange knows its socket, and
cutting means shutting that socket down: the reader wakes at once. Imported late, since urllib3 and
ssl are heavy.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from urllib3 import HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPSConnection

from aggportal.kube.connections import ClientCertificate, Connection, require_certificates

_under_way = threading.local()


class Exchange:
    """One request and its answer. `fresh` is whether its connection was opened for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.was_cut = False
        self.fresh = False

    def attach(self, sock: socket.socket) -> None:
        with self._lock:
            self._socket = sock
        if self.was_cut:
            self.cut()

    def cut(self) -> None:
        """End the exchange now, from any thread; whoever reads gets an error or the end."""
        with self._lock:
            self.was_cut = True
            if self._socket is not None:
                _shut_down(self._socket)

    @contextmanager
    def running(self) -> Iterator[Exchange]:
        """Connections that this thread uses inside the block belong to this exchange."""
        _under_way.exchange = self
        try:
            yield self
        finally:
            _under_way.exchange = None


def _shut_down(sock: socket.socket) -> None:
    """Plain shutdown; SSLSocket's own would pull the TLS state from under the reading thread."""
    try:
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        return


class _Connection(HTTPSConnection):
    """Tells the exchange of its thread which socket serves it."""

    def connect(self) -> None:
        super().connect()
        exchange: Exchange | None = getattr(_under_way, "exchange", None)
        if exchange is not None:
            exchange.fresh = True

    def request(self, *args: Any, **kwargs: Any) -> None:
        exchange: Exchange | None = getattr(_under_way, "exchange", None)
        if exchange is not None and isinstance(self.sock, socket.socket):
            exchange.attach(self.sock)
        super().request(*args, **kwargs)


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


def make_pool_manager(connection: Connection, *, tls_name: str) -> PoolManager:
    """A pool for https only, that verifies `tls_name`, retries nothing and follows nothing."""
    manager = PoolManager(
        num_pools=4,
        maxsize=4,
        retries=False,
        ssl_context=make_tls_context(connection),
        server_hostname=tls_name,
    )
    manager.pool_classes_by_scheme = {"https": _Pool}
    return manager


def make_tls_context(connection: Connection) -> ssl.SSLContext:
    """Verification as kubectl does it: the given CAs alone, or the system's roots.

    A given intermediate may anchor, and CAs of older clusters need not obey RFC 5280 to the letter.
    """
    context = ssl.create_default_context(cadata=_given_authorities(connection))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if isinstance(connection.auth, ClientCertificate):
        _load_pair(context, connection.auth)
    return context


def _given_authorities(connection: Connection) -> bytes | None:
    """The certificates alone, as DER: `ssl` takes no remarks between them that are not ASCII."""
    if connection.ca_pem is None:
        return None
    found = require_certificates(connection.ca_pem, field="ca_pem")
    return b"".join(each.public_bytes(Encoding.DER) for each in found)


def _load_pair(context: ssl.SSLContext, pair: ClientCertificate) -> None:
    """`ssl` reads keys from files only: this one lives in memory and is gone when closed."""
    handle = os.memfd_create("client-certificate", os.MFD_CLOEXEC)
    try:
        with os.fdopen(handle, "wb", closefd=False) as file:
            file.write(f"{pair.certificate_pem}\n{pair.key_pem}\n".encode())
        context.load_cert_chain(f"/proc/self/fd/{handle}")
    finally:
        os.close(handle)
