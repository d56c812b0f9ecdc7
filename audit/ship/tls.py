"""TLS to a receiver that has to show its certificate, with an end that says whether the receiver has read everything.

Python's `SSLSocket.unwrap` takes any alert for the peer's `close_notify`, so a receiver that refuses us (in TLS 1.3
that can come after our first data) would look like one that took all. Here the peer's bytes are looked at one step at a
time.
"""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from audit.errors import ShippingFailed
from audit.ship.sender import NotTaken, Trust

T = TypeVar("T")
_CHUNK = 1 << 16


def tls_context(trust: Trust) -> ssl.SSLContext:
    """TLS 1.2 or later, certificate and host name checked. Raises `ShippingFailed` for files that are no good."""
    try:
        context = ssl.create_default_context(cafile=trust.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if trust.client_cert is not None:
            context.load_cert_chain(trust.client_cert, password=lambda: b"")  # never ask on a terminal
    except (OSError, ValueError) as error:
        files = " or ".join(str(file) for file in (trust.ca_file, trust.client_cert) if file is not None)
        what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ShippingFailed(f"{files}: cannot be used for TLS: {what}") from error
    return context


class Secured:
    """TLS over a connected socket, whose timeout bounds each wait. Raises `OSError`, of which `ssl.SSLError` is one."""

    def __init__(self, plain: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._plain = plain
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._step(self._tls.do_handshake)

    def send(self, data: bytes) -> None:
        """Send all of it."""
        view = memoryview(data)
        while view:
            view = view[self._step(lambda: self._tls.write(view[:_CHUNK])) :]  # noqa: B023  # called at once

    def finish(self) -> None:
        """Send our `close_notify` and return when the peer's has come. Raises `NotTaken` where it talks instead."""
        with suppress(ssl.SSLWantReadError):
            self._tls.read(1)  # what has come so far must be no alert
        with suppress(ssl.SSLWantReadError):
            self._tls.unwrap()  # nothing of the peer's is at hand, so this only makes our own
        try:
            self._step(lambda: self._tls.read(1))
        except ssl.SSLZeroReturnError:
            return
        raise NotTaken("the receiver talks instead of closing the connection")

    def _step(self, step: Callable[[], T]) -> T:
        """Do it, with as many bytes of the peer as it takes."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._flush()
                data = self._plain.recv(_CHUNK)
                if data:
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            else:
                self._flush()
                return result

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._plain.sendall(self._outgoing.read())
