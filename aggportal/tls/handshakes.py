"""One TLS handshake, looked at closely: what is negotiated, served, and asked for.

Python 3.11's `ssl` gives neither the chain as served nor the CAs of a CertificateRequest; pyOpenSSL
does. It works on memory here: the bytes travel through a `Line`, which counts them and the seconds.
Nothing is verified while shaking hands, so that a bad certificate can be looked at too.
"""

from __future__ import annotations

import enum
import time
from dataclasses import dataclass, field

from OpenSSL import SSL, crypto

from aggportal.tls.connections import CHUNK, Limits, Line, connect
from aggportal.tls.errors import HandshakeFailed, Reason
from aggportal.tls.names import AskedName, asked_name
from aggportal.tls.wire import ALERTS, KeyExchange, is_tls, key_exchange, speaks
from aggportal.words import gettext_noop as _n

MAX_CERTIFICATES = 16
MAX_ASKED = 200
# Level 0 lets weak keys and old versions through: they are to be seen, not used.
_CIPHERS = b"ALL:!aNULL:!eNULL:@SECLEVEL=0"
_ALERT_READ = 0x4004  # SSL_CB_READ_ALERT


class Version(enum.StrEnum):
    """Versions that are tried. SSL 3.0 is in no library any more."""

    TLS_1_0 = "TLS 1.0"
    TLS_1_1 = "TLS 1.1"
    TLS_1_2 = "TLS 1.2"
    TLS_1_3 = "TLS 1.3"

    @property
    def number(self) -> int:
        """As it stands in a ClientHello."""
        return 0x0301 + list(Version).index(self)

    @property
    def is_outdated(self) -> bool:
        """Deprecated by RFC 8996."""
        return self in (Version.TLS_1_0, Version.TLS_1_1)


class WithoutCertificate(enum.StrEnum):
    """What the server did where it asked for a client certificate and got none."""

    LET_IN = "let-in"
    TURNED_AWAY = "turned-away"


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A checked address, a port, and the name to send (SNI; empty sends none)."""

    address: str
    port: int
    server_name: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Handshake:
    """What one handshake showed.

    `chain` is DER, as served. `asked`: a client certificate was asked for; `acceptable` of which
    CAs, as sent. `without` says what came of showing none, None where nobody asked.
    """

    version: Version
    cipher: str
    exchange: KeyExchange
    chain: tuple[bytes, ...] = field(repr=False)
    asked: bool = False
    acceptable: tuple[AskedName, ...] = ()
    without: WithoutCertificate | None = None


def shake_hands(
    endpoint: Endpoint,
    *,
    lowest: Version = Version.TLS_1_0,
    highest: Version = Version.TLS_1_3,
    limits: Limits,
    deadline: float,
) -> Handshake:
    """Shake hands without a client certificate. Raises `HandshakeFailed`.

    A server that ends the connection for want of a client certificate has shown what is wanted:
    that is no failure. `deadline` is in monotonic seconds.
    """
    line = connect(endpoint.address, endpoint.port, limits=limits, deadline=deadline)
    return shake_hands_on(line, endpoint.server_name, lowest=lowest, highest=highest)


def shake_hands_on(
    line: Line,
    server_name: str,
    *,
    lowest: Version = Version.TLS_1_0,
    highest: Version = Version.TLS_1_3,
) -> Handshake:
    """The same on a line that was opened before; it is closed afterwards."""
    try:
        return _Client(server_name, line, lowest=lowest, highest=highest).look()
    finally:
        line.close()


class _Client:
    """The client's side of one handshake."""

    def __init__(self, server_name: str, line: Line, *, lowest: Version, highest: Version) -> None:
        self.line = line
        self.asked = False
        self.alert: int | None = None
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_cipher_list(_CIPHERS)
        context.set_min_proto_version(lowest.number)
        context.set_max_proto_version(highest.number)
        context.set_info_callback(self._notice)
        self.tls = SSL.Connection(context, None)
        self.tls.set_connect_state()
        if server_name:
            self.tls.set_tlsext_host_name(server_name.encode("ascii"))

    def look(self) -> Handshake:
        failure: HandshakeFailed | None = None
        try:
            self._negotiate()
        except HandshakeFailed as failed:
            failure = failed
        chain = self._chain()
        if not chain or (failure and not self._wants_certificate(failure)):
            raise failure or self._failed()
        return Handshake(
            version=list(Version)[self.tls.get_protocol_version() - Version.TLS_1_0.number],
            cipher=self.tls.get_cipher_name() or "",
            exchange=self._exchange(),
            chain=chain,
            asked=self.asked,
            acceptable=tuple(
                asked_name(name.der()) for name in self.tls.get_client_ca_list()[:MAX_ASKED]
            ),
            without=self._without(failure) if self.asked else None,
        )

    def _wants_certificate(self, failure: HandshakeFailed) -> bool:
        """Whether the server ended the handshake only after it had asked for a certificate."""
        return self.asked and failure.reason in (Reason.ALERT, Reason.ENDED)

    def _notice(self, tls: SSL.Connection, where: int, value: int) -> None:
        """Hear from OpenSSL what state the handshake is in, and which alert came."""
        self.asked = self.asked or b"server certificate request" in tls.get_state_string()
        if where == _ALERT_READ:
            self.alert = value & 0xFF

    def _negotiate(self) -> None:
        while True:
            try:
                self.tls.do_handshake()
            except SSL.WantReadError:
                self._send()
                self._receive()
            except SSL.Error as error:
                raise self._failed() from error
            else:
                self._send()
                return

    def _send(self) -> None:
        while True:
            try:
                self.line.send(self.tls.bio_read(CHUNK))
            except SSL.WantReadError:
                return

    def _receive(self, *, within: float | None = None) -> None:
        data = self.line.receive(within=within)
        if not is_tls(bytes(self.line.received[:2])):
            sentence = speaks(bytes(self.line.received[:16]))
            raise HandshakeFailed(sentence.text, reason=Reason.NOT_TLS)
        self.tls.bio_write(data)

    def _failed(self) -> HandshakeFailed:
        """Put what OpenSSL gave up on into words: the server's alert, or its broken answer."""
        if not self.alert:
            text = _n("Its answer breaks the rules of TLS, so no handshake came about.")
            return HandshakeFailed(text, reason=Reason.BROKEN)
        text = _n("It refused the handshake with the alert “%(alert)s”.")
        name = ALERTS.get(self.alert, str(self.alert))
        return HandshakeFailed(text, reason=Reason.ALERT, alert=name)

    def _chain(self) -> tuple[bytes, ...]:
        served = self.tls.get_peer_cert_chain() or []
        return tuple(
            crypto.dump_certificate(crypto.FILETYPE_ASN1, each)
            for each in served[:MAX_CERTIFICATES]
        )

    def _exchange(self) -> KeyExchange:
        version = self.tls.get_protocol_version()
        if version >= Version.TLS_1_3.number:
            return KeyExchange(group=self.tls.get_group_name() or "")
        cipher = self.tls.get_cipher_name() or ""
        return key_exchange(bytes(self.line.received), cipher=cipher, version=version)

    def _without(self, failure: HandshakeFailed | None) -> WithoutCertificate:
        """Find out what the server does without a certificate.

        In TLS 1.3 a client has finished before the server has looked at its answer: wait for an
        alert (RFC 8446 section 4.4.2.4), then say goodbye and see whether that is answered.
        """
        if failure is not None:
            return WithoutCertificate.TURNED_AWAY
        if self.tls.get_protocol_version() < Version.TLS_1_3.number:
            return WithoutCertificate.LET_IN
        refusals = {Reason.ALERT, Reason.ENDED}
        try:
            if self._is_quiet():
                refusals = {Reason.ALERT}  # whoever is left may end the connection as well
                self._say_goodbye()
                self._is_quiet()
        except HandshakeFailed as refused:
            if refused.reason in refusals:
                return WithoutCertificate.TURNED_AWAY
        return WithoutCertificate.LET_IN

    def _is_quiet(self) -> bool:
        """Listen for a moment. False where something came that is no refusal (a session ticket).

        Raises `HandshakeFailed` when the server refuses or ends the connection.
        """
        until = time.monotonic() + self.line.limits.quiet
        try:
            self._receive(within=max(0.05, until - time.monotonic()))
            self.tls.recv(1)
        except TimeoutError:
            return True
        except SSL.WantReadError:
            return False
        except SSL.ZeroReturnError:  # a polite end, without an alert
            return False
        except SSL.Error as error:
            raise self._failed() from error
        return False

    def _say_goodbye(self) -> None:
        try:
            self.tls.shutdown()
        except SSL.Error as error:
            raise self._failed() from error
        self._send()
