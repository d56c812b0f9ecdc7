"""Syslog receivers: over UDP (RFC 5426), TCP with octet counting (RFC 6587 section 3.4.1) and TLS (RFC 5425).

Syslog has no acknowledgement. Over TCP and TLS a batch therefore has a connection of its own, and counts as taken when
the receiver, having read to its end, closes its side: on TLS with the `close_notify` that RFC 5425 section 4.4 demands
of it. A receiver that goes away with unread data, or before all data has come, resets the connection, and the batch is
sent again. A datagram is taken when it is sent.
"""

import fcntl
import os
import socket
import ssl
import struct
import termios
import time
from collections.abc import Sequence

from audit.export.record import Record
from audit.ship.sender import NotTaken
from audit.ship.syslog import messages
from audit.ship.tls import Secured

UDP_BYTES = 2048  # what RFC 5424 section 6.1 says a receiver should take
STREAM_BYTES = 8192
MAX_DATAGRAM = 65_507
_TIMEOUT_S = 10.0
_COUNT = struct.Struct("i")


class UdpSyslog:
    """A receiver that cannot answer."""

    def __init__(self, host: str, port: int, form: str, limit: int = UDP_BYTES) -> None:
        self._address = host, port
        self._form = form
        self._limit = min(limit, MAX_DATAGRAM)

    def send(self, records: Sequence[Record]) -> str:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(*self._address, type=socket.SOCK_DGRAM)[0]
            with socket.socket(family, kind, protocol) as sender:
                sender.settimeout(_TIMEOUT_S)
                sender.connect(address)  # so that a host that says "unreachable" is heard
                for record in records:
                    for message in messages(record, self._form, self._limit):
                        sender.send(message)
        except OSError as error:
            raise NotTaken(_reason(error)) from error
        return ""

    def close(self) -> None:
        return


class StreamSyslog:
    """A receiver over TCP, or over TLS where there is a `context`."""

    def __init__(
        self, host: str, port: int, form: str, limit: int = STREAM_BYTES, context: ssl.SSLContext | None = None
    ) -> None:
        self._address = host, port
        self._form = form
        self._limit = limit
        self._context = context

    def send(self, records: Sequence[Record]) -> str:
        frames = [b"%d %b" % (len(m), m) for record in records for m in messages(record, self._form, self._limit)]
        try:
            with socket.create_connection(self._address, _TIMEOUT_S) as plain:
                data = b"".join(frames)
                if self._context is None:
                    plain.sendall(data)
                else:
                    secured = Secured(plain, self._context, self._address[0])
                    secured.send(data)
                    secured.finish()
                _close_in_order(plain)
        except OSError as error:  # ssl.SSLError is one
            raise NotTaken(_reason(error)) from error
        return ""

    def close(self) -> None:
        return


def _close_in_order(connection: socket.socket) -> None:
    """End our side, and return when the receiver has ended its own and its host has acknowledged every byte.

    Both are needed: a receiver that closed before our last bytes came has ended its side as well, but these bytes are
    then answered by a reset. Raises `OSError` for that, `NotTaken` where the receiver talks instead.
    """
    connection.shutdown(socket.SHUT_WR)
    if connection.recv(1):
        raise NotTaken("the receiver talks instead of closing the connection")
    deadline = time.monotonic() + _TIMEOUT_S
    while _unacknowledged(connection):
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.005)


def _unacknowledged(connection: socket.socket) -> int:
    """Bytes on their way (SIOCOUTQ of tcp(7)). Raises `OSError` where the connection was reset."""
    if error := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(error, os.strerror(error))
    return int(_COUNT.unpack(fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(_COUNT.size)))[0])


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {_TIMEOUT_S:.0f} s"
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        return error.strerror or str(error) or type(error).__name__
    return str(error) or type(error).__name__
