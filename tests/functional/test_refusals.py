"""Every kind of bad request gets its own 4xx with a code, in the one body, with a record, and never a 500."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from harness.server import Server

MESSAGE = {"role": "user", "content": "hi"}
CHAT = "/v1/chat/completions"


def chat(**fields: Any) -> bytes:
    return json.dumps({"model": "chatglm3-demo", "messages": [MESSAGE], **fields}).encode()


BAD_BODIES = [
    (b"", 400, "invalid_json", None),
    (b"{", 400, "invalid_json", None),
    (b"[]", 422, "invalid_field", None),
    (b"null", 422, "invalid_field", None),
    (b'{"model": "m"}', 422, "invalid_field", None),
    (b"\xff\xfe", 400, "invalid_json", None),
    (b'{"model": "\\ud800"}', 400, "invalid_json", None),
    (b"[" * 100_000, 400, "invalid_json", None),
    (b'{"a":' * 50 + b"1" + b"}" * 50, 400, "invalid_json", None),
    (chat(temperature=3), 422, "invalid_field", "temperature"),
    (chat(temperature="hot"), 422, "invalid_field", "temperature"),
    (chat(temperature=True), 422, "invalid_field", "temperature"),
    (chat().replace(b"}]", b'}], "temperature": 1e999'), 422, "invalid_field", "temperature"),
    (chat().replace(b"}]", b'}], "temperature": NaN'), 400, "invalid_json", None),
    (chat(top_p=0), 422, "invalid_field", "top_p"),
    (chat(max_tokens=0), 422, "invalid_field", "max_tokens"),
    (chat(max_tokens=2**70), 422, "invalid_field", "max_tokens"),
    (chat(seed=2**70), 422, "invalid_field", "seed"),
    (chat(n=2), 422, "invalid_field", "n"),
    (chat(stop=["a"] * 5), 422, "invalid_field", "stop"),
    (chat(stop=""), 422, "invalid_field", "stop"),
    (chat(logprobs=True), 422, "invalid_field", "logprobs"),
    (chat(messages=[]), 422, "invalid_field", "messages"),
    (chat(messages=[MESSAGE] * 300), 422, "invalid_field", "messages"),
    (chat(messages=[{"role": "tool", "content": "x"}]), 422, "invalid_field", "messages[0].role"),
    (chat(messages=[{"role": "user", "content": 5}]), 422, "invalid_field", "messages[0].content"),
    (chat(messages=[{"role": "user", "content": []}]), 422, "invalid_field", "messages[0].content"),
    (
        chat(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x"}}]}]),
        422,
        "invalid_field",
        "messages[0].content[0].type",
    ),
    (chat(tools=[]), 422, "unknown_field", "tools"),
    (chat(messages=[{**MESSAGE, "tool_calls": []}]), 422, "unknown_field", "messages[0].tool_calls"),
]


@pytest.mark.parametrize(("body", "status", "code", "param"), BAD_BODIES)
def test_a_malformed_body_is_named(gateway: Server, body: bytes, status: int, code: str, param: str | None) -> None:
    """Status, code and the field that is wrong; the record has the code, too."""
    answer = gateway.request("POST", CHAT, role="user", body=body, headers={"Content-Type": "application/json"})
    error = answer.json()["error"]
    assert (answer.status, error["code"]) == (status, code)
    assert (error["param"] or None) == param
    record = gateway.records_of(answer)[0]
    assert (record["event"], record["code"], record["status"]) == ("request.refused", code, status)


def test_a_field_name_with_a_secret_is_not_recorded(gateway: Server) -> None:
    """The caller reads its own words back; the log does not keep them."""
    body = chat(**{"canary-4111111111111111": 1})
    answer = gateway.request("POST", CHAT, role="user", body=body, headers={"Content-Type": "application/json"})
    assert answer.code == "unknown_field"
    assert "canary" not in json.dumps(gateway.records())


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/v1/models/", 404, "not_found"),
        ("GET", CHAT, 405, "method_not_allowed"),
        ("DELETE", CHAT, 405, "method_not_allowed"),
        ("OPTIONS", CHAT, 405, "method_not_allowed"),
        ("POST", "/v1/models", 405, "method_not_allowed"),
    ],
)
def test_unknown_paths_and_methods_are_recorded_refusals(
    gateway: Server, method: str, path: str, status: int, code: str
) -> None:
    """404 and 405 have the one body and a record that names the path."""
    answer = gateway.request(method, path, role="user")
    assert (answer.status, answer.code) == (status, code)
    record = gateway.records_of(answer)[0]
    assert record["path"] == path
    if status == 405:
        assert answer.headers["allow"]


@pytest.mark.parametrize("path", ["/v1/models", "//v1/models", "http://evil.example/v1/models", "/v1/./models"])
def test_an_odd_spelling_of_a_path_is_no_way_around_policy(gateway: Server, path: str) -> None:
    """Policy judges what a path routes to: a guest is refused however it is spelt, or finds nothing."""
    head = (
        f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {gateway.token('guest')}\r\n\r\n"
    )
    assert raw(gateway, head.encode()).split()[1] in {b"403", b"404"}


def test_only_json_is_read(gateway: Server) -> None:
    """Another media type or an encoded body is 415."""
    for headers in (
        {"Content-Type": "text/plain"},
        {},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ):
        assert gateway.request("POST", CHAT, role="user", body=chat(), headers=headers).code == "unsupported_media_type"


def test_a_body_over_the_limit_is_413(gateway: Server) -> None:
    """A body over 1 MiB is refused unread; one within the limit is judged by its fields."""
    huge = chat(messages=[{"role": "user", "content": "x" * (1 << 20)}])
    headers = {"Content-Type": "application/json"}
    assert gateway.request("POST", CHAT, role="user", body=huge, headers=headers).status == 413
    big = chat(messages=[{"role": "user", "content": "x" * 300_000}])
    assert gateway.request("POST", CHAT, role="user", body=big, headers=headers).code == "invalid_field"


def test_a_stranger_with_a_large_body_can_read_the_refusal(gateway: Server) -> None:
    """The body of a request that is refused early is read away, so that the answer is not lost in a reset."""
    body = chat(messages=[{"role": "user", "content": "x" * 900_000}])
    for _ in range(3):
        assert gateway.request("POST", CHAT, body=body, headers={"Content-Type": "application/json"}).status == 401


def test_a_chunked_body_over_the_limit_is_413(gateway: Server) -> None:
    """A body without a declared length is cut off at the limit."""
    pieces = (b'{"model": "' + b"x" * 65_536 for _ in range(20))
    answer = gateway.pool.request(
        "POST",
        gateway.base_url + CHAT,
        body=pieces,
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {gateway.token('user')}"},
    )
    assert answer.status == 413


def test_an_unknown_model_is_404_only_for_those_who_may_ask(gateway: Server) -> None:
    """Policy allows `model/*`, so a name that is not served is not found; an object outside policy is forbidden."""
    assert gateway.chat("hi", model="gpt-9").code == "model_not_found"
    assert gateway.chat("hi", model="../admin").code == "forbidden"


def raw(gateway: Server, data: bytes) -> bytes:
    host, port = gateway.base_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(data)
        received = b""
        while piece := connection.recv(65_536):
            received += piece
    return received


SMUGGLING = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
)


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"GARBAGE\r\n\r\n", 400, b"invalid_http"),
        (b"GET / HTTP/9.9\r\n\r\n", 400, b"invalid_http"),
        (b"GET / HTTP/1.1\r\nBad Header: x\r\n\r\n", 400, b"invalid_http"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", 431, b"headers_too_large"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 100 + b"\r\n", 431, b"headers_too_large"),
        (b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\n\r\n", 414, b"uri_too_long"),
        (SMUGGLING, 400, b"invalid_http"),
    ],
)
def test_bytes_that_are_not_http_get_the_one_body_and_a_record(
    gateway: Server, data: bytes, status: int, code: bytes
) -> None:
    """What never reaches the application is answered and recorded like the rest."""
    answer = raw(gateway, data)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert code in answer
    assert gateway.records()[-1]["code"] == code.decode()


def test_two_authorization_headers_are_refused(gateway: Server) -> None:
    """A front proxy and the gateway must not disagree about who calls."""
    token = gateway.token("user").encode()
    head = b"GET /v1/models HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer " + token
    assert raw(gateway, head + b"\r\n\r\n").startswith(b"HTTP/1.1 200")
    twice = raw(gateway, head + b"\r\nAuthorization: Bearer " + token + b"\r\n\r\n")
    assert twice.startswith(b"HTTP/1.1 401")


def test_authentication_and_permission_are_never_confused(gateway: Server) -> None:
    """No token and a bad token are 401 with a challenge; a good token without permission is 403 without one."""
    none = gateway.post("/v1/chat/completions", {}, role=None)
    assert (none.status, none.code) == (401, "missing_token")
    assert none.headers["www-authenticate"] == 'Bearer realm="hangu"'
    bad = gateway.request("GET", "/v1/models", headers={"Authorization": "Bearer a.b.c"})
    assert (bad.status, bad.code) == (401, "invalid_token")
    assert 'error="invalid_token"' in bad.headers["www-authenticate"]
    denied = gateway.request("GET", "/api/admin/configuration", role="user")
    assert denied.status == 403
    assert "www-authenticate" not in denied.headers


def test_a_body_is_not_read_before_the_caller_is_known(gateway: Server) -> None:
    """Without a token a malformed body is a matter of 401, not of JSON."""
    answer = gateway.request("POST", CHAT, body=b"{", headers={"Content-Type": "application/json"})
    assert answer.status == 401


def test_answers_carry_security_headers(gateway: Server) -> None:
    """Nothing is cached, sniffed or framed."""
    for answer in (gateway.request("GET", "/healthz/live"), gateway.chat("headers"), gateway.request("GET", "/x")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_cross_origin_access_is_for_the_listed_origin_alone(gateway: Server) -> None:
    """The listed origin gets its preflight and its mark; a look-alike and `null` get neither."""
    allowed = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST"}
    preflight = gateway.request("OPTIONS", CHAT, headers=allowed)
    assert preflight.status == 204
    assert preflight.headers["access-control-allow-origin"] == "https://app.example.com"
    for origin in (
        "https://app.example.com.evil.test",
        "https://evil-app.example.com",
        "null",
        "http://app.example.com",
    ):
        refused = gateway.request("OPTIONS", CHAT, headers={**allowed, "Origin": origin})
        assert refused.status == 405
        assert "access-control-allow-origin" not in refused.headers


def test_health_needs_no_token(gateway: Server) -> None:
    """Probes answer to anyone and tell nothing but their state."""
    assert gateway.request("GET", "/healthz/live").json() == {"status": "live"}
    assert gateway.request("GET", "/healthz/ready").json() == {"status": "ready"}
