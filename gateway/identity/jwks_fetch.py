"""Fetch one JWKS document: bounded in time and size, whatever the other side does."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import parse_url

from gateway.identity.jwks import MAX_BYTES, JwksError

TIMEOUT: Final = 3.0  # seconds, for all of it: connect, TLS, headers, body
_CHUNK: Final = 16_384


@dataclass(frozen=True, slots=True)
class JwksEndpoint:
    """A `jwks_uri`. `ca_file` holds the authorities to trust in place of the system's; `timeout` is in seconds."""

    host: str
    port: int
    target: str
    secure: bool
    ca_file: Path | None = None
    timeout: float = TIMEOUT

    @classmethod
    def parse(cls, uri: str, ca_file: Path | None = None) -> JwksEndpoint:
        """Raises JwksError unless `uri` is https, or http to this machine itself, without user or fragment."""
        try:
            url = parse_url(uri)
        except LocationParseError as error:
            raise JwksError(f"not a URL: `{uri}`") from error
        host, secure = (url.host or "").strip("[]"), url.scheme == "https"
        if not host or url.auth or url.fragment or not (secure or (url.scheme == "http" and _is_loopback(host))):
            raise JwksError(f"a JWKS URL must be https (http only to this machine), got `{uri}`")
        return cls(host, url.port or (443 if secure else 80), url.request_uri, secure, ca_file)

    def fetch(self) -> bytes:
        """The document. Redirects are not followed. Raises JwksError; takes at most about `timeout` seconds."""
        connection = self._connection()
        deadline = time.monotonic() + self.timeout
        watchdog = threading.Timer(self.timeout, _abort, [connection])  # a slow drip defeats a timeout per read
        watchdog.daemon = True
        watchdog.start()
        try:
            return self._read(connection, deadline)
        except (HTTPError, OSError, ValueError) as error:
            raise JwksError(f"cannot fetch from {self.host}:{self.port}: {error}") from error
        finally:
            watchdog.cancel()
            connection.close()

    def _connection(self) -> HTTPConnection:
        if not self.secure:
            return HTTPConnection(self.host, self.port, timeout=self.timeout)
        context = ssl.create_default_context(cafile=self.ca_file)
        return HTTPSConnection(self.host, self.port, timeout=self.timeout, ssl_context=context)

    def _read(self, connection: HTTPConnection, deadline: float) -> bytes:
        headers = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}
        connection.request("GET", self.target, headers=headers, preload_content=False, decode_content=False)
        response = connection.getresponse()
        if response.status != 200:
            raise JwksError(f"status {response.status}")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise JwksError("the answer is compressed")  # a few bytes on the wire may be gigabytes
        body = bytearray()
        while chunk := response.read1(_CHUNK):
            body += chunk
            if len(body) > MAX_BYTES:
                raise JwksError(f"larger than {MAX_BYTES} bytes")
            if time.monotonic() > deadline:
                raise JwksError("too slow")
        return bytes(body)


def _abort(connection: HTTPConnection) -> None:
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
