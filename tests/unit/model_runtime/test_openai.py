"""The upstream engine against a real HTTP server on loopback whose every byte a test decides."""

from __future__ import annotations

import gc
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, cast

import orjson
import pytest

from model_runtime.engine import (
    Delta,
    Engine,
    EngineBusy,
    EngineError,
    EngineFailed,
    Event,
    Finish,
    Message,
    PromptRefused,
    Sampling,
)
from model_runtime.openai import MAX_WHOLE, OpenAIEngine, open_upstream
from model_runtime.sse import MAX_EVENT

PROMPT = (Message("system", "你是助手"), Message("user", "出差怎么报销？"))
USAGE = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
WAIT = 10.0  # seconds after which a test gives up on the other thread


class Exchange:
    """The server's side of one request: what came, and the raw connection to answer on."""

    def __init__(self, connection: socket.socket, head: str, body: bytes) -> None:
        self.connection = connection
        self.head = head
        self.body = body

    def json(self) -> dict[str, Any]:
        return cast("dict[str, Any]", orjson.loads(self.body))

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def client_left(self) -> bool:
        """Wait until the client closes its side."""
        with suppress(ConnectionError):
            return self.connection.recv(1) == b""
        return True


Script = Callable[[Exchange], None]


class Upstream:
    """A threaded HTTP/1.1 server. `script` answers each request; the connection stays open unless it closes it."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[Exchange] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    def close(self) -> None:
        for sock in [self._listener, *self._open]:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in [self._acceptor, *self._threads]:
            thread.join(WAIT)
            assert not thread.is_alive()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream, suppress(OSError):
            while head := _read_head(stream.readline):
                found = re.search(r"(?i)content-length: (\d+)", head)
                body = stream.read(int(found[1])) if found else b""
                exchange = Exchange(connection, head, body)
                self.requests.append(exchange)
                self.script(exchange)


def _read_head(readline: Callable[[], bytes]) -> str:
    lines = []
    while (line := readline()) not in {b"\r\n", b""}:
        lines.append(line.decode("latin-1"))
    return "".join(lines)


def chunk(delta: dict[str, object] | None = None, reason: str | None = None, **more: object) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": reason}]
    return b"data: " + orjson.dumps({"choices": choices, **more}) + b"\n\n"


START = chunk({"role": "assistant", "content": ""})
END = chunk({}, "stop") + chunk(usage=USAGE) + b"data: [DONE]\n\n"
STREAM = START + chunk({"content": "先填单，"}) + chunk({"content": "再找经理签字。"}) + END
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENTS: list[Event] = [Delta("先填单，"), Delta("再找经理签字。"), Finish("stop", 12, 3)]


def framed(data: bytes) -> bytes:
    return b"%x\r\n" % len(data) + data + b"\r\n"


def streamed(body: bytes) -> bytes:
    return STREAM_HEAD + framed(body) + b"0\r\n\r\n"


def plain(status: str, body: bytes, headers: str = "Content-Type: application/json\r\n") -> bytes:
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def whole(message: object, reason: object = "stop", usage: object = USAGE) -> bytes:
    choices = [{"index": 0, "message": message, "finish_reason": reason, "logprobs": None}]
    return plain("200 OK", orjson.dumps({"id": "x", "choices": choices, "usage": usage}))


def sends(data: bytes) -> Script:
    return lambda exchange: exchange.send(data)


@contextmanager
def serving(script: Script, **options: float) -> Iterator[tuple[Upstream, OpenAIEngine]]:
    with closing(Upstream(script)) as upstream:
        settings: dict[str, Any] = {"connect_timeout": 2.0, "read_timeout": WAIT, "pool_size": 8, **options}
        with closing(
            open_upstream(upstream.url, model="chatglm3", api_key="钥匙".encode().hex(), **settings)
        ) as engine:
            yield upstream, engine


def ask(engine: Engine, *, stream: bool = True) -> list[Event]:
    return list(engine.generate(PROMPT, Sampling(), stream=stream))


def text_and_end(events: list[Event]) -> tuple[str, Event]:
    """The deltas as one text: how they were cut depends on what arrived together. Exactly one Finish ends them."""
    *deltas, end = events
    return "".join(delta.text for delta in deltas if isinstance(delta, Delta)), end


TEXT_AND_END = text_and_end(EVENTS)


def asked(script: Script, *, stream: bool = True, **options: float) -> list[Event]:
    with serving(script, **options) as (_, engine):
        return ask(engine, stream=stream)


def test_stream() -> None:
    """A streamed answer arrives as its deltas and one Finish with the upstream's counts."""
    assert text_and_end(asked(sends(streamed(STREAM)))) == TEXT_AND_END


def test_deltas_that_arrive_together_are_one() -> None:
    """A caller that was busy is not handed a backlog token by token."""
    assert asked(sends(streamed(STREAM)))[0] == Delta(TEXT_AND_END[0])


def test_whole() -> None:
    """A caller that does not stream gets the whole answer as one delta."""
    message: dict[str, object] = {"content": "你好", "role": "assistant", "tool_calls": [], "refusal": None}
    assert asked(sends(whole(message, "length")), stream=False) == [Delta("你好"), Finish("length", 12, 3)]


def test_empty_answer() -> None:
    """An answer without text is a Finish alone, for a Delta is never empty."""
    assert asked(sends(whole({"content": ""})), stream=False) == [Finish("stop", 12, 3)]
    assert asked(sends(streamed(START + END))) == [Finish("stop", 12, 3)]


def test_request_sent() -> None:
    """The upstream sees our model, roles, sampling and key, and is asked to count."""
    prompt = (*PROMPT, Message("observation", "{}", "查询天气"))
    sampling = Sampling(temperature=0.0, top_p=0.5, max_tokens=9, stop=("完",), seed=7)
    with serving(sends(streamed(STREAM))) as (upstream, engine):
        list(engine.generate(prompt, sampling))
        seen = upstream.requests[0]
    assert seen.head.startswith("POST /v1/chat/completions HTTP/1.1\r\n")
    assert f"Authorization: Bearer {'钥匙'.encode().hex()}\r\n" in seen.head
    assert seen.json() == {
        "model": "chatglm3",
        "messages": [
            {"role": "system", "content": "你是助手"},
            {"role": "user", "content": "出差怎么报销？"},
            {"role": "tool", "content": "{}", "name": "查询天气"},
        ],
        "temperature": 0.0,
        "top_p": 0.5,
        "max_tokens": 9,
        "stop": ["完"],
        "seed": 7,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_stream_cut_anywhere(size: int) -> None:
    """Where the bytes are cut, in a line or inside a character, changes nothing."""
    body = STREAM.replace(b"\n", b"\r\n").replace(b"data: {", b": still here\r\n\r\ndata:{", 2)
    frames = b"".join(framed(body[at : at + size]) for at in range(0, len(body), size))
    events = asked(sends(STREAM_HEAD + frames + b"0\r\n\r\n"))
    assert text_and_end(events) == TEXT_AND_END


def test_delta_arrives_at_once() -> None:
    """A delta is handed on before the upstream has sent the next one."""
    release = threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.send(STREAM_HEAD + framed(START + chunk({"content": "先填单，"})))
        assert release.wait(WAIT)
        exchange.send(framed(chunk({"content": "再找经理签字。"}) + END) + b"0\r\n\r\n")

    with serving(script) as (_, engine):
        events = engine.generate(PROMPT, Sampling())
        assert next(events) == EVENTS[0]
        release.set()
        assert list(events) == EVENTS[1:]


@pytest.mark.parametrize("stream", [True, False])
def test_connection_reused(stream: bool) -> None:
    """One kept-alive connection carries requests that follow one another."""
    answer = streamed(STREAM) if stream else whole({"content": "好"})
    with serving(sends(answer)) as (upstream, engine):
        for _ in range(5):
            ask(engine, stream=stream)
        assert (len(upstream.requests), upstream.connections) == (5, 1)


def test_connection_close_is_obeyed() -> None:
    """A connection that the upstream wants closed is not used again."""
    closed = whole({"content": "好"}).replace(b"200 OK\r\n", b"200 OK\r\nConnection: close\r\n")
    with serving(sends(closed)) as (upstream, engine):
        ask(engine, stream=False)
        ask(engine, stream=False)
        assert upstream.connections == 2


def test_kept_connection_closed_by_upstream() -> None:
    """An upstream that closes idle connections costs no request."""

    def script(exchange: Exchange) -> None:
        exchange.send(whole({"content": "好"}))
        exchange.connection.shutdown(socket.SHUT_RDWR)

    with serving(script) as (_, engine):
        for _ in range(5):
            assert len(ask(engine, stream=False)) == 2


def test_reused_connection_dies_before_an_answer() -> None:
    """A kept connection that dies under the next request is replaced once."""
    seen: list[Exchange] = []

    def script(exchange: Exchange) -> None:
        seen.append(exchange)
        if len(seen) == 2:
            exchange.connection.shutdown(socket.SHUT_RDWR)
        else:
            exchange.send(whole({"content": "好"}))

    with serving(script) as (upstream, engine):
        ask(engine, stream=False)
        assert len(ask(engine, stream=False)) == 2
        assert (len(seen), upstream.connections) == (3, 2)


def test_fresh_connection_is_not_tried_twice() -> None:
    """A request on a new connection that dies is a failure, never sent again."""
    with serving(lambda exchange: exchange.connection.shutdown(socket.SHUT_RDWR)) as (upstream, engine):
        with pytest.raises(EngineFailed):
            ask(engine)
        assert len(upstream.requests) == 1


def test_unsolicited_answer_is_not_the_next_callers() -> None:
    """Bytes that nobody asked for close the connection instead of answering the next request."""
    answered, stray = threading.Event(), threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.send(whole({"content": "甲的答案"}))
        if not stray.is_set():
            assert answered.wait(WAIT)
            exchange.send(whole({"content": "别人的答案"}))
            stray.set()

    with serving(script) as (upstream, engine):
        ask(engine, stream=False)
        answered.set()
        assert stray.wait(WAIT)
        assert ask(engine, stream=False)[0] == Delta("甲的答案")
        assert upstream.connections == 2


def test_cancel_closes_the_connection() -> None:
    """Closing the iterator hangs up, which the upstream sees; the half-read connection is not used again."""
    left: list[bool] = []

    def script(exchange: Exchange) -> None:
        exchange.send(STREAM_HEAD + framed(START + chunk({"content": "很长的答案"})))
        left.append(exchange.client_left())

    with serving(script) as (upstream, engine):
        for _ in range(2):
            events = cast("Any", engine.generate(PROMPT, Sampling()))
            assert next(events) == Delta("很长的答案")
            events.close()
            assert list(events) == []
        assert upstream.connections == 2
    assert left == [True, True]


def test_abandoned_before_the_first_event() -> None:
    """An iterator that was never started and is dropped hangs up all the same and frees its place."""
    left: list[bool] = []

    def script(exchange: Exchange) -> None:
        exchange.send(STREAM_HEAD)
        left.append(exchange.client_left())

    with serving(script, pool_size=1) as (_, engine):
        for _ in range(3):
            engine.generate(PROMPT, Sampling())
            gc.collect()
    assert left == [True, True, True]


def test_close_breaks_running_generations() -> None:
    """Closing the engine ends a generation that waits for its upstream, and refuses the next."""
    with serving(lambda exchange: exchange.send(STREAM_HEAD + framed(START + chunk({"content": "好"})))) as (_, engine):
        events = engine.generate(PROMPT, Sampling())
        next(events)
        closer = threading.Timer(0.05, engine.close)
        closer.start()
        with pytest.raises(EngineFailed):
            next(events)
        closer.join(WAIT)
        with pytest.raises(EngineFailed):
            engine.generate(PROMPT, Sampling())
        engine.close()
        assert not engine.ready()


def test_concurrent_answers_are_not_mixed() -> None:
    """Each of many threads gets the answer to its own prompt."""

    def script(exchange: Exchange) -> None:
        said = exchange.json()["messages"][0]["content"]
        exchange.send(streamed(START + b"".join(chunk({"content": letter}) for letter in said) + END))

    with serving(script) as (upstream, engine):
        wrong: list[str] = []

        def client(number: int) -> None:
            for turn in range(20):
                said = f"线程{number}第{turn}次"
                *deltas, _ = engine.generate((Message("user", said),), Sampling())
                if "".join(cast("Delta", delta).text for delta in deltas) != said:
                    wrong.append(said)

        threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT)
        assert wrong == []
        assert len(upstream.requests) == 160
        assert upstream.connections <= 8


def test_all_connections_in_use() -> None:
    """When every connection stays in use for the waiting time, the caller is told to come back."""
    with serving(sends(STREAM_HEAD), pool_size=1, connect_timeout=0.05) as (_, engine):
        events = engine.generate(PROMPT, Sampling())
        with pytest.raises(EngineBusy):
            engine.generate(PROMPT, Sampling())
        del events


FAULTS = {
    "empty body": streamed(b""),
    "no [DONE]": streamed(STREAM.removesuffix(b"data: [DONE]\n\n")),
    "[DONE] without blank line": streamed(STREAM.removesuffix(b"\n")),
    "no usage": streamed(START + chunk({}, "stop") + b"data: [DONE]\n\n"),
    "no finish reason": streamed(START + chunk(usage=USAGE) + b"data: [DONE]\n\n"),
    "foreign finish reason": streamed(START + chunk({}, "content_filter", usage=USAGE) + b"data: [DONE]\n\n"),
    "negative count": streamed(chunk({}, "stop", usage={**USAGE, "prompt_tokens": -1}) + b"data: [DONE]\n\n"),
    "count that is no integer": streamed(chunk({}, "stop", usage={**USAGE, "prompt_tokens": "12"})),
    "text after the end": streamed(chunk({}, "stop") + chunk({"content": "尾巴"}) + END),
    "tool call": streamed(chunk({"tool_calls": [{"function": {"name": "rm", "arguments": "{}"}}]}) + END),
    "reasoning": streamed(chunk({"reasoning_content": "没人过滤的想法"}) + END),
    "refusal": streamed(chunk({"refusal": "不"}) + END),
    "other role": streamed(chunk({"role": "system", "content": "听我的"}) + END),
    "content parts": streamed(chunk({"content": [{"type": "text", "text": "x"}]}) + END),
    "second choice": streamed(b'data: {"choices": [{"index": 1, "delta": {"content": "x"}}]}\n\n' + END),
    "error in the stream": streamed(START + b'data: {"error": {"message": "CUDA out of memory"}}\n\n' + END),
    "not JSON": streamed(b"data: {]\n\n" + END),
    "not UTF-8": streamed(b'data: {"choices": [{"delta": {"content": "\xff\xfe"}}]}\n\n' + END),
    "lone surrogate": streamed(b'data: {"choices": [{"delta": {"content": "\\ud800"}}]}\n\n' + END),
    "deep nesting": streamed(b'data: {"choices": [{"delta": {"x": ' + b"[" * 100_000 + b"\n\n" + END),
    "wrong types": streamed(b'data: {"choices": {"0": null}}\n\n' + END),
    "not SSE": streamed(b"hello\n\n" + STREAM),
    "huge line": streamed(b"data: " + b"x" * (MAX_EVENT + 1)),
    "huge event": streamed((b"data: " + b"x" * 1000 + b"\n") * (MAX_EVENT // 1000 + 1)),
    "bad chunk size": STREAM_HEAD + b"zz\r\n",
    "HTML": plain("200 OK", b"<html>login</html>", "Content-Type: text/html\r\n"),
    "compressed": plain("200 OK", b"x", "Content-Type: text/event-stream\r\nContent-Encoding: gzip\r\n"),
    "redirect": plain("307 Temporary Redirect", b"", "Location: http://127.0.0.1:1/v1/chat/completions\r\n"),
    "bad key": plain("401 Unauthorized", b'{"error": {"message": "Incorrect API key"}}'),
    "other 400": plain("400 Bad Request", b'{"error": {"message": "bad", "code": "bad_thing"}}'),
    "400 without JSON": plain("400 Bad Request", b"[" * 50_000),
    "500": plain("500 Internal Server Error", b'{"error": {"message": "boom"}}'),
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "endless header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
    "too many headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
}


@pytest.mark.parametrize("answer", FAULTS.values(), ids=FAULTS)
def test_faulty_upstream(answer: bytes) -> None:
    """Whatever else an upstream sends is EngineFailed, and no Finish ever comes of it."""
    events: list[Event] = []
    with serving(sends(answer)) as (_, engine), pytest.raises(EngineFailed):
        events.extend(engine.generate(PROMPT, Sampling()))
    assert not any(isinstance(event, Finish) for event in events)


WHOLE_FAULTS = {
    "no choice": plain("200 OK", b'{"choices": []}'),
    "two choices": plain("200 OK", b'{"choices": [{}, {}]}'),
    "no usage": whole({"content": "好"}, usage=None),
    "no reason": whole({"content": "好"}, None),
    "tool call": whole({"content": "", "tool_calls": [{"id": "1"}]}, "tool_calls"),
    "function call": whole({"content": "", "function_call": {"name": "rm"}}),
    "message that is no object": whole("好"),
    "stream": streamed(STREAM),
    "too long": plain("200 OK", b" " * (MAX_WHOLE + 1)),
    "cut": whole({"content": "好"})[:-3],
}


@pytest.mark.parametrize("answer", WHOLE_FAULTS.values(), ids=WHOLE_FAULTS)
def test_faulty_whole_answer(answer: bytes) -> None:
    """A whole answer that is cut, too long, uncounted or more than text is EngineFailed."""

    def script(exchange: Exchange) -> None:
        with suppress(ConnectionError):  # the engine hangs up on the long one
            exchange.send(answer)
        exchange.connection.shutdown(socket.SHUT_RDWR)

    with pytest.raises(EngineFailed):
        asked(script, stream=False)


def test_disconnect_in_the_stream() -> None:
    """A stream that breaks off yields what came, then EngineFailed instead of a Finish."""

    def script(exchange: Exchange) -> None:
        exchange.send(STREAM_HEAD + framed(START + chunk({"content": "先填"})))
        exchange.connection.shutdown(socket.SHUT_RDWR)

    with serving(script) as (_, engine):
        events = engine.generate(PROMPT, Sampling())
        assert next(events) == Delta("先填")
        with pytest.raises(EngineFailed):
            next(events)


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\n", STREAM_HEAD, STREAM_HEAD + framed(START)])
def test_hang(sent: bytes) -> None:
    """An upstream that falls silent at any point is given up after the read timeout."""
    with pytest.raises(EngineFailed):
        asked(sends(sent), read_timeout=0.05)


def test_endless_comments() -> None:
    """Keep-alive comments without an answer end at the answer timeout."""

    def script(exchange: Exchange) -> None:
        exchange.send(STREAM_HEAD)
        while True:
            exchange.send(framed(b": still thinking\n\n"))

    with pytest.raises(EngineFailed, match="too long"):
        asked(script, answer_timeout=0.1)


def test_body_end_that_never_comes() -> None:
    """A complete answer counts even if the upstream does not end the body; that connection is not used again."""
    with serving(sends(STREAM_HEAD + framed(STREAM))) as (upstream, engine):
        assert text_and_end(ask(engine)) == TEXT_AND_END
        assert text_and_end(ask(engine)) == TEXT_AND_END
        assert upstream.connections == 2


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [("", 1), ("7", 7), ("0", 1), ("-5", 1), ("99999999", 3600), ("Fri, 31 Dec 1999 23:59:59 GMT", 1), ("٣", 1)],
)
def test_busy(status: str, header: str, seconds: int) -> None:
    """A busy upstream is EngineBusy with a sane time to wait, whatever Retry-After says."""
    answer = plain(status, b"", f"Retry-After: {header}\r\n" if header else "")
    with pytest.raises(EngineBusy) as caught:
        asked(sends(answer))
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": "context_length_exceeded", "message": "…"}},
        {"error": {"code": 400, "message": "This model's maximum context length is 8192 tokens."}},
        {"object": "error", "code": 400, "message": "This model's maximum context length is 8192 tokens."},
        {"error": {"message": "The input (9000 tokens) is longer than the model's context length (8192 tokens)."}},
    ],
)
def test_context_exceeded(body: dict[str, object]) -> None:
    """Only a prompt beyond the context is the caller's fault."""
    with pytest.raises(PromptRefused):
        asked(sends(plain("400 Bad Request", orjson.dumps(body))))


def test_lone_surrogate_in_the_prompt() -> None:
    """A prompt that is not Unicode is refused before a connection is opened."""
    with serving(sends(streamed(STREAM))) as (upstream, engine):
        with pytest.raises(PromptRefused):
            engine.generate((Message("user", "\ud800"),), Sampling())
        assert upstream.connections == 0


def test_upstream_text_is_not_in_the_error() -> None:
    """What an upstream says about a failure, which may quote the prompt, is not repeated."""
    with pytest.raises(EngineFailed) as caught:
        asked(sends(plain("500 Oops", "身份证".encode())))
    assert "身份证" not in str(caught.value)


def test_nobody_listens() -> None:
    """A refused connection is EngineFailed, and the engine is not ready."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with closing(open_upstream(f"http://127.0.0.1:{port}/v1", model="m", connect_timeout=0.5)) as engine:
        with pytest.raises(EngineFailed):
            ask(engine)
        assert not engine.ready()


@pytest.mark.parametrize("host", ["x" * 64, "a..b", "no-such-host.invalid"])
def test_host_that_cannot_be_found(host: str) -> None:
    """A host name that cannot be looked up is EngineFailed."""
    with closing(open_upstream(f"http://{host}:9/v1", model="m", connect_timeout=0.5)) as engine:
        with pytest.raises(EngineFailed):
            ask(engine)
        assert not engine.ready()


def test_plain_server_behind_https() -> None:
    """An https address is never answered in the clear."""
    with closing(Upstream(sends(streamed(STREAM)))) as upstream:
        url = upstream.url.replace("http:", "https:")
        with (
            closing(open_upstream(url, model="m", connect_timeout=0.5, read_timeout=0.5)) as engine,
            pytest.raises(EngineFailed),
        ):
            ask(engine)
        assert not any("chat" in seen.head for seen in upstream.requests)


@pytest.mark.parametrize(
    ("status", "ready"), [("200 OK", True), ("404 Not Found", True), ("401 Unauthorized", False), ("502 Bad", False)]
)
def test_ready(status: str, ready: bool) -> None:
    """The engine is ready when the upstream answers and knows our key; it is not asked at every call."""
    with serving(sends(plain(status, b"{}"))) as (upstream, engine):
        assert [engine.ready() for _ in range(3)] == [ready] * 3
        assert [seen.head.split()[1] for seen in upstream.requests] == ["/v1/models"]


@pytest.mark.parametrize("key", ["", " ", "a\r\nX-Admin: 1", "密钥", "a\0"])
def test_header_injection_by_key(key: str) -> None:
    """A key that cannot stand in a header is refused when the engine is opened."""
    with pytest.raises(EngineError):
        open_upstream("http://127.0.0.1:1/v1", model="m", api_key=key)


def test_is_an_engine() -> None:
    """The upstream engine keeps the protocol; it has no files."""
    with closing(open_upstream("http://127.0.0.1:1/v1/", model="m")) as engine:
        assert isinstance(engine, Engine)
        assert engine.files().digests == {}
