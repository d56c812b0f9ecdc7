"""Every way out leaves its record, and one only: each status over real HTTP, by the address that asked."""

from __future__ import annotations

import itertools
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from harness.server import Server, prepare, serving
from harness.upstream import ScriptedUpstream
from harness.wait import until

CHAT = b"/v1/chat/completions"
HTTP = """\
http:
  trusted_proxies: [127.0.0.0/8]
  hosts: [gate.example, 127.0.0.1]
  client_seconds: 2
  max_body_bytes: 4096
"""
OK = json.dumps({"model": "chatglm3-demo", "messages": [{"role": "user", "content": "hi"}]}).encode()
_addresses = (f"10.77.{high}.{low}" for high, low in itertools.product(range(256), range(1, 255)))


@pytest.fixture(scope="module")
def recorded(upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A gateway that believes `X-Forwarded-For` from this machine, so that each request has an address of its own."""
    made = prepare(tmp_path_factory.mktemp("recorded"), upstream.base_url, HTTP)
    with serving(made) as server:
        server.token("user")
        server.token("guest")
        yield server


def send(server: Server, data: bytes) -> bytes:
    """The answer to these bytes, read to the end of the connection."""
    host, port = server.base_url.removeprefix("http://").split(":")
    received = b""
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(data)
        try:
            while piece := connection.recv(65_536):
                received += piece
        except ConnectionResetError:
            pass
    return received


def request(
    method: bytes, path: bytes, *headers: bytes, token: str | None = None, body: bytes | None = None, host: bytes = b""
) -> tuple[bytes, str]:
    """An HTTP/1.1 request and the address it is to come from."""
    address = next(_addresses)
    lines = [method + b" " + path + b" HTTP/1.1", b"Host: " + (host or b"gate.example"), b"Connection: close"]
    lines += [b"X-Forwarded-For: " + address.encode(), *headers]
    if token is not None:
        lines.append(b"Authorization: Bearer " + token.encode())
    if body is not None:
        lines += [b"Content-Type: application/json", b"Content-Length: " + str(len(body)).encode()]
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b""), address


def events_of(server: Server, address: str) -> list[str]:
    return [record["event"] for record in server.records() if record.get("address") == address]


JSON = b"Content-Type: application/json"
SIGN_IN = b"grant_type=client_credentials&client_id=x&client_secret=y"
CASES: dict[str, tuple[bytes, bytes, dict[str, Any], int]] = {
    "no body and no length": (b"POST", CHAT, {"headers": [JSON], "as": "user"}, 400),
    "broken JSON": (b"POST", CHAT, {"body": b"{", "as": "user"}, 400),
    "a member twice": (b"POST", CHAT, {"body": OK[:-1] + b', "model": "other"}', "as": "user"}, 400),
    "another host name": (b"POST", CHAT, {"body": OK, "as": "user", "host": b"evil.example"}, 400),
    "no token": (b"POST", CHAT, {"body": OK}, 401),
    "a bad token": (b"GET", b"/v1/models", {"headers": [b"Authorization: Bearer a.b.c"]}, 401),
    "forbidden": (b"GET", b"/v1/models", {"as": "guest"}, 403),
    "forbidden to read the configuration": (b"GET", b"/api/admin/configuration", {"as": "user"}, 403),
    "no such path": (b"GET", b"/nothing", {}, 404),
    "no such model": (b"POST", CHAT, {"body": OK.replace(b"chatglm3-demo", b"gpt-9"), "as": "user"}, 404),
    "another method": (b"DELETE", CHAT, {"as": "user"}, 405),
    "an unknown method": (b"BREW", CHAT, {"as": "user"}, 405),
    "a body too large": (b"POST", CHAT, {"body": b" " * 5000, "as": "user"}, 413),
    "another media type": (b"POST", CHAT, {"headers": [b"Content-Type: text/plain"], "as": "user"}, 415),
    "an unknown field": (b"POST", CHAT, {"body": OK[:-1] + b', "n": 1, "x": 1}', "as": "user"}, 422),
    "a bad token request": (b"POST", b"/oauth/token", {"headers": [b"Content-Length: 0"]}, 400),
    "a wrong client": (b"POST", b"/oauth/token", {"form": SIGN_IN}, 401),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_refusal_leaves_one_record(recorded: Server, case: str) -> None:
    """Status, and one record of the address that was refused."""
    method, path, options, status = CASES[case]
    headers = list(options.get("headers", []))
    if "form" in options:
        headers += [b"Content-Type: application/x-www-form-urlencoded", b"Content-Length: %d" % len(options["form"])]
    token = recorded.token(options["as"]) if "as" in options else None
    data, address = request(
        method, path, *headers, token=token, body=options.get("body"), host=options.get("host", b"")
    )
    answer = send(recorded, data + options.get("form", b""))
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer[:200]
    (event,) = events_of(recorded, address)
    assert event == ("token.refused" if path == b"/oauth/token" else "request.refused")


def test_an_answer_leaves_two_records_and_a_list_one(recorded: Server) -> None:
    """The twin: what is served is admitted and finished, or served."""
    chat, chatting = request(b"POST", CHAT, token=recorded.token("user"), body=OK)
    assert send(recorded, chat).startswith(b"HTTP/1.1 200 ")
    assert events_of(recorded, chatting) == ["request.admitted"]
    assert [r["event"] for r in recorded.records()][-2:] == ["request.admitted", "request.finished"]
    models, listing = request(b"GET", b"/v1/models", token=recorded.token("user"))
    assert send(recorded, models).startswith(b"HTTP/1.1 200 ")
    assert events_of(recorded, listing) == ["request.served"]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),  # a TLS greeting
        (b"GET / HTTP/3.0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", 431),
    ],
)
def test_bytes_that_are_not_http_leave_one_record(recorded: Server, data: bytes, status: int) -> None:
    """What no route and no application ever sees is a refusal like the others."""

    def unreadable() -> int:
        return sum(record.get("route") == "unreadable" for record in recorded.records())

    before = unreadable()
    answer = send(recorded, data)
    assert answer.split(b" ")[1] in {str(status).encode(), b"501"}, answer[:200]
    assert unreadable() == before + 1


def test_a_body_that_never_comes_leaves_one_record(recorded: Server) -> None:
    """The gateway waits two seconds for it, hangs up, and says in the log whom it refused."""
    data, address = request(b"POST", CHAT, JSON, b"Content-Length: 100", token=recorded.token("user"))
    send(recorded, data + b"{")
    until("the record", lambda: events_of(recorded, address))
    assert events_of(recorded, address) == ["request.refused"]
    (record,) = [r for r in recorded.records() if r.get("address") == address]
    assert record["status"] in {400, 408}


def test_a_crash_of_the_model_server_leaves_its_outcome(recorded: Server, upstream: ScriptedUpstream) -> None:
    """503 is told to the client, and the admitted request is finished as failed."""
    upstream.status = 500
    data, _ = request(b"POST", CHAT, token=recorded.token("user"), body=OK)
    try:
        answer = send(recorded, data)
    finally:
        upstream.status = 200
    assert answer.startswith(b"HTTP/1.1 503 ")
    record = recorded.records()[-1]
    assert (record["event"], record["outcome"], record["code"]) == ("request.finished", "failed", "model_unavailable")


def test_probes_leave_none(recorded: Server) -> None:
    """Who only asks whether the gateway lives is not worth a record."""
    before = len(recorded.records())
    for path in (b"/healthz/live", b"/healthz/ready", b"/openapi.json", b"/.well-known/jwks.json"):
        data, _ = request(b"GET", path)
        assert send(recorded, data).startswith(b"HTTP/1.1 200 ")
    assert len(recorded.records()) == before


def test_a_flood_of_refusals_is_counted(upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Paths that do not exist, bad tokens and bytes that are not HTTP share one limit; beyond it one record counts."""
    made = prepare(tmp_path_factory.mktemp("flood"), upstream.base_url, "http: {hosts: [a]}\n")
    limits = made.config.parent / "bundle" / "limits.yaml"
    limits.write_text("address: {requests: 6/minute}\nrules:\n  - {requests: 1000/minute}\n")
    with serving(made) as server:
        flood = [
            b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GARBAGE\r\n\r\n",
            b"GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n",
        ]
        statuses = [
            send(server, each.replace(b"Host: a", b"Host: a\r\nConnection: close"))[9:12] for each in flood * 10
        ]
        assert statuses.count(b"429") == 24
        assert server.stop() == 0
    refused = [record for record in server.records() if record["event"] == "request.refused"]
    assert [record["code"] for record in refused[:6]] == ["not_found", "invalid_http", "missing_token"] * 2
    assert [record.get("count") for record in refused[6:]] == [None, 23]
    assert {record["code"] for record in refused[6:]} == {"rate_limited"}
    assert refused[7]["address"] == refused[6]["address"] == "127.0.0.1"
