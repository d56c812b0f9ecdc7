"""Slow, silent and greedy clients, and many at once."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.server import Server, prepare, serving
from harness.sse import events, text_of
from harness.upstream import ScriptedUpstream
from harness.wait import until


@pytest.fixture(scope="module")
def impatient(upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A gateway with few threads that gives a client one second to send its request."""
    state = tmp_path_factory.mktemp("impatient")
    made = prepare(state, upstream.base_url, "http: {client_seconds: 1}\n")
    made.config.write_text(made.config.read_text().replace("threads: 32", "threads: 4"))
    with serving(made) as server:
        yield server


def connect(server: Server) -> socket.socket:
    host, port = server.base_url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=15)


LINE = b"POST /v1/chat/completions HT"
HEADERS = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nX-Slow: "
BODY = (
    b"POST /oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\ngrant_type="
)


@pytest.mark.parametrize("begun", [LINE, HEADERS, BODY])
def test_slowloris(impatient: Server, begun: bytes) -> None:
    """More stalled requests than threads: each is hung up on, and a real client is served."""
    stalled = [connect(impatient) for _ in range(8)]
    for connection in stalled:
        connection.sendall(begun)
    assert impatient.chat("served in spite of them").status == 200
    for connection in stalled:
        while connection.recv(65_536):
            pass  # an answer may come before the end; the end must come
        connection.close()


def test_a_client_that_never_reads_does_not_hold_the_others(impatient: Server, upstream: ScriptedUpstream) -> None:
    """A stream into a full socket blocks one thread at most; the others are served meanwhile."""
    upstream.answers["flood"] = ["flood, " * 500] * 8000
    message = {"role": "user", "content": "flood"}
    body = json.dumps({"model": "chatglm3-demo", "messages": [message], "stream": True}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {impatient.token('user')}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with connect(impatient) as greedy:
        greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        greedy.sendall(head.encode() + body)
        began = time.monotonic()
        assert all(impatient.chat("meanwhile").status == 200 for _ in range(5))
        assert time.monotonic() - began < 20
    until("the aborted record", lambda: [r for r in impatient.records() if r.get("outcome") == "aborted"])


def test_many_clients_at_once_each_get_their_own_answer(gateway: Server, upstream: ScriptedUpstream) -> None:
    """Forty concurrent chats, streamed and whole: no answer is mixed up, every one has its two records."""
    for number in range(40):
        upstream.answers[f"client {number}"] = [f"answer {number}, ", "done."]

    def ask(number: int) -> str:
        answer = gateway.chat(f"client {number}", stream=number % 2 == 0)
        assert len(gateway.records_of(answer)) == 2
        return text_of(events(answer)) if number % 2 == 0 else answer.json()["choices"][0]["message"]["content"]

    gateway.token("user")
    with ThreadPoolExecutor(20) as pool:
        texts = list(pool.map(ask, range(40)))
    assert texts == [f"answer {number}, done." for number in range(40)]


@pytest.mark.model
def test_concurrent_streams_of_the_model_do_not_disturb_each_other(demo_gateway: Server) -> None:
    """Eight greedy streams side by side give what one alone gives."""
    question = "What is Hangu?"
    alone = text_of(events(demo_gateway.chat(question, stream=True, temperature=0)))
    barrier = threading.Barrier(8)

    def ask(_: int) -> str:
        barrier.wait()
        return text_of(events(demo_gateway.chat(question, stream=True, temperature=0)))

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {alone}
