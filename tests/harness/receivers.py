"""Receivers of shipped records on real sockets: strict syslog (RFC 5424, 6587, 5425, 5426) and strict OTLP/HTTP."""

from __future__ import annotations

import gzip
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf import json_format  # type: ignore[import-untyped]  # it ships no types
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

# RFC 5424 section 6, to the letter: every length and every character class of the header and of structured data.
_NAME = r"[!#-<>-\\^-~]{1,32}"
_VALUE = r'(?:[^"\\\]]|\\["\\\]])*'
SYSLOG = re.compile(
    r"<(?P<pri>[1-9][0-9]{0,2}|0)>1 "
    r"(?P<time>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})) "
    r"(?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48}) (?P<proc>[!-~]{1,128}) (?P<msgid>[!-~]{1,32}) "
    rf"(?P<data>-|(?:\[{_NAME}(?: {_NAME}=\"{_VALUE}\")*\])+)(?: (?P<msg>.*))?",
    re.DOTALL,
)
_PARAM = re.compile(rf' ({_NAME})="({_VALUE})"')
_UNESCAPE = re.compile(r'\\(["\\\]])')


@dataclass(frozen=True)
class Message:
    """One parsed syslog message."""

    priority: int
    time: str
    host: str
    event: str
    data: dict[str, str]
    text: str
    size: int


def parse(raw: bytes) -> Message:
    """The message in these bytes. AssertionError where they are not one by RFC 5424."""
    match = SYSLOG.fullmatch(raw.decode())
    assert match is not None, raw[:200]
    priority = int(match["pri"])
    assert priority <= 191, raw[:80]
    data = {name: _UNESCAPE.sub(r"\1", value) for name, value in _PARAM.findall(match["data"])}
    return Message(priority, match["time"], match["host"], match["msgid"], data, match["msg"] or "", len(raw))


@dataclass
class Syslog:
    """What a syslog receiver has got. `problems` are breaches of the protocol."""

    port: int
    scheme: str
    messages: list[Message] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        """What `audit ship --to` takes."""
        return f"{self.scheme}://{'127.0.0.1' if self.scheme == 'syslog+udp' else 'localhost'}:{self.port}"

    @property
    def indexes(self) -> list[int]:
        """The records that came, by index, in the order in which they came."""
        return [int(message.data["index"]) for message in self.messages]

    def take(self, raw: bytes) -> None:
        """One message off the wire."""
        try:
            self.messages.append(parse(raw))
        except (AssertionError, ValueError) as error:
            self.problems.append(str(error))


@contextmanager
def udp_syslog() -> Iterator[Syslog]:
    """A receiver of datagrams on a free port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(0.05)
        got = Syslog(listener.getsockname()[1], "syslog+udp")
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                with suppress(TimeoutError):
                    got.take(listener.recv(65_536))

        with _running(serve, over):
            yield got


@contextmanager
def stream_syslog(
    port: int = 0, context: ssl.SSLContext | None = None, drop_after: Callable[[Syslog], bool] = lambda _: False
) -> Iterator[Syslog]:
    """A receiver over TCP, or TLS, with octet counting. `drop_after` says after which message a connection is cut off.

    What was not read by then is lost and the connection reset, as when a receiver is killed in mid-stream.
    """
    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.settimeout(0.05)
        got = Syslog(listener.getsockname()[1], "syslog+tls" if context else "syslog+tcp")
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                with suppress(TimeoutError):
                    connection, _ = listener.accept()
                    connection.settimeout(20)
                    got.connections += 1
                    _serve_stream(connection, context, got, drop_after)

        with _running(serve, over):
            yield got


def _serve_stream(
    connection: socket.socket, context: ssl.SSLContext | None, got: Syslog, drop_after: Callable[[Syslog], bool]
) -> None:
    try:
        if context is not None:
            connection = context.wrap_socket(connection, server_side=True)
        with connection, connection.makefile("rb", buffering=0) as stream:
            while (length := _frame_length(stream)) is not None:
                got.take(_exactly(stream, length))
                if drop_after(got):
                    return
            if isinstance(connection, ssl.SSLSocket):
                connection.unwrap()  # RFC 5425 section 4.4: a close_notify is answered
    except (OSError, AssertionError) as error:
        got.problems.append(str(error) or type(error).__name__)
    finally:
        connection.close()


def _frame_length(stream: Any) -> int | None:
    """MSG-LEN of the next frame; None at the end of the stream (RFC 6587 section 3.4.1)."""
    digits = b""
    while (char := stream.read(1)) != b" ":
        if not char and not digits:
            return None
        assert char.isdigit(), "not octet counting"
        assert digits or char != b"0", "a length starts with 1 to 9"
        digits += char
    return int(digits)


def _exactly(stream: Any, length: int) -> bytes:
    data = b""
    while len(data) < length:
        more = stream.read(length - len(data))
        assert more, "the stream ends within a message"
        data += more
    return data


@contextmanager
def _running(serve: Callable[[], None], over: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)


@dataclass
class Otlp:
    """What an OTLP receiver has got, and how it answers: `answers` are used up first, then it takes everything.

    An answer is a status, headers and a body.
    """

    port: int = 0
    requests: list[ExportLogsServiceRequest] = field(default_factory=list)
    seen: list[dict[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    judge: Callable[[ExportLogsServiceRequest], tuple[int, dict[str, str], bytes] | None] = lambda _: None
    scheme: str = "otlp+http"

    @property
    def url(self) -> str:
        """What `audit ship --to` takes."""
        return f"{self.scheme}://localhost:{self.port}"

    @property
    def indexes(self) -> list[int]:
        """The records that were taken, by index, in the order in which they came."""
        return [
            int(attribute.value.int_value)
            for request in self.requests
            for record in log_records(request)
            for attribute in record.attributes
            if attribute.key == "hangu.index"
        ]


def log_records(request: ExportLogsServiceRequest) -> list[Any]:
    """All log records of a request."""
    return [r for resource in request.resource_logs for scope in resource.scope_logs for r in scope.log_records]


@contextmanager
def otlp_receiver(context: ssl.SSLContext | None = None) -> Iterator[Otlp]:
    """A receiver that parses every request with the protocol's own definitions and refuses an unknown member."""
    got = Otlp()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            return

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            got.seen.append({name.lower(): value for name, value in self.headers.items()})
            status, headers, body = self._judged(raw)
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _judged(self, raw: bytes) -> tuple[int, dict[str, str], bytes]:
            if self.path != "/v1/logs" or self.headers["Content-Type"] != "application/json":
                got.problems.append(f"{self.path} {self.headers['Content-Type']}")
                return 404, {}, b""
            try:
                request = json_format.Parse(gzip.decompress(raw), ExportLogsServiceRequest())
            except (OSError, json_format.ParseError) as error:
                got.problems.append(str(error))
                return 400, {}, b""
            answer = got.answers.pop(0) if got.answers else got.judge(request)
            if answer is None or answer[0] == 200:
                got.requests.append(request)
            return answer or (200, {}, b"{}")

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            return  # a client that hangs up is nothing to print

    server = Server(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        got.scheme = "otlp+https"
    got.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield got
    finally:
        server.shutdown()
        server.server_close()
        thread.join(30)
