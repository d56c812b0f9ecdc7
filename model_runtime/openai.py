"""Engine `openai`: any server that speaks OpenAI's chat completions (vLLM, SGLang, llama.cpp, another Hangu).

Without streaming one plain request is sent and one delta comes back, a tenth of the work of 150 pieces. Either way
the answer counts only when the upstream gave its end, its reason and its token counts; all else is EngineFailed.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from http.client import HTTPException
from typing import Final

from model_runtime.engine import (
    Delta,
    EngineBusy,
    EngineError,
    EngineFailed,
    Event,
    Finish,
    Message,
    ModelFiles,
    PromptRefused,
    Sampling,
    never,
)
from model_runtime.openai_wire import (
    Usage,
    finish_of,
    is_context_error,
    only_choice,
    read_answer,
    read_text,
    write_request,
)
from model_runtime.sse import EventReader
from model_runtime.upstream import Exchange, Limits, Pool
from model_runtime.upstream_address import Address, parse_address

MAX_WHOLE: Final = 16 << 20  # bytes of a whole answer
MAX_STREAM: Final = 64 << 20  # bytes of a streamed answer, events and all
MAX_ERROR: Final = 64 << 10
_DONE: Final = b"[DONE]"
_READY_FOR: Final = 5.0  # seconds that the last look at the upstream stays good
_MAX_RETRY_AFTER: Final = 3600


def open_upstream(
    base_url: str,
    *,
    model: str,
    api_key: str | None = None,
    connect_timeout: float = 5.0,
    read_timeout: float = 120.0,
    answer_timeout: float = 900.0,
    pool_size: int = 64,
    tls: ssl.SSLContext | None = None,
) -> OpenAIEngine:
    """An engine that sends to `base_url` (`http://host:port/v1`) and asks for `model` there.

    Times are in seconds: to connect or to wait for one of the `pool_size` connections, between two reads, and for a
    whole answer. Opens no connection yet. With https the certificate is checked, against `tls` or the system's
    authorities. Raises EngineError for an address or key that cannot be used.
    """
    if api_key is not None and not (api_key.isascii() and api_key.isprintable() and api_key.strip() == api_key != ""):
        raise EngineError("the API key of the upstream must be printable ASCII without spaces around it")
    limits = Limits(connect_timeout, read_timeout, answer_timeout, pool_size)
    return OpenAIEngine(parse_address(base_url), model, api_key, limits, tls)


class OpenAIEngine:
    """An upstream server as an Engine. Safe to call from many threads at once."""

    def __init__(
        self, address: Address, model: str, api_key: str | None, limits: Limits, tls: ssl.SSLContext | None
    ) -> None:
        self._model = model
        self._limits = limits
        self._pool = Pool(address, limits, tls)
        self._head = _head(address, api_key)
        self._models = address.path + "/models"
        self._authorization = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._probe = threading.Lock()
        self._probed_at = -_READY_FOR
        self._ready = False
        self._closed = False

    def generate(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        stream: bool = True,
        abandoned: Callable[[], bool] = never,
    ) -> Iterator[Event]:
        """Ask the upstream; see Engine. With `stream` False the whole answer is awaited here.

        `abandoned` is asked until the answer begins. Raises PromptRefused, EngineBusy, EngineFailed or Abandoned at the
        call. Closing the iterator closes the connection, which stops the upstream.
        """
        body = write_request(self._model, messages, sampling, stream=stream)
        exchange = self._pool.send(self._head % len(body) + body, abandoned)
        try:
            _check_head(exchange, "text/event-stream" if stream else "application/json")
            return _Answer(exchange) if stream else _whole(exchange)
        except BaseException:
            exchange.close()
            raise

    def ready(self) -> bool:
        """Whether the upstream lists its models to us. Asked at most every few seconds, by one thread at a time."""
        if self._closed:
            return False
        if time.monotonic() - self._probed_at >= _READY_FOR and self._probe.acquire(blocking=False):
            try:
                self._ready = self._lists_models()
                self._probed_at = time.monotonic()
            finally:
                self._probe.release()
        return self._ready

    def files(self) -> ModelFiles:
        """Nothing: the weights are the upstream's."""
        return ModelFiles()

    def close(self) -> None:
        """Break running generations and refuse new ones. Safe to call twice."""
        self._closed = True
        self._pool.close()

    def _lists_models(self) -> bool:
        """A server may lack the list (404); one that fails, or does not know our key, would not serve us."""
        try:
            with closing(self._pool.dial(self._limits.connect)) as connection:
                connection.request("GET", self._models, headers=self._authorization)
                with connection.getresponse() as response:
                    return response.status in {200, 404, 405}
        except (OSError, HTTPException):
            return False


class _Answer(Iterator[Event]):
    """The events of one streamed answer. An object, since a generator that was never started runs no `finally`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._events = _events(exchange)

    def __next__(self) -> Event:
        return next(self._events)

    def close(self) -> None:
        """Cancel: close the connection unless the answer is complete."""
        self._events.close()
        self._exchange.close()

    def __del__(self) -> None:
        self.close()


def _events(exchange: Exchange) -> Generator[Event]:
    """Deltas, then one Finish. What arrived together is one delta.

    The connection is given back before the Finish, or closed on any other way out.
    """
    reason: str | None = None
    usage: Usage | None = None
    try:
        for batch in _batches(exchange):
            texts: list[str] = []
            for data in batch:
                answer = read_answer(data)
                usage = answer.usage or usage
                choice = only_choice(answer)
                if choice is None:
                    continue
                if text := read_text(choice.delta):
                    if reason is not None:
                        raise EngineFailed("upstream sent text after the end of its answer")
                    texts.append(text)
                reason = choice.finish_reason or reason
            if texts:
                yield Delta("".join(texts))
        finish = finish_of(reason, usage)
        exchange.finish()
        yield finish
    finally:
        exchange.close()


def _batches(exchange: Exchange) -> Iterator[list[bytes]]:
    """The data of the events up to `[DONE]`, as they arrived together. EngineFailed for a stream without that end."""
    reader = EventReader()
    size = 0
    while received := exchange.read():
        size += len(received)
        if size > MAX_STREAM:
            raise EngineFailed(f"upstream sent more than {MAX_STREAM} bytes")
        events = reader.feed(received)
        if _DONE in events:
            yield events[: events.index(_DONE)]
            return
        yield events
    raise EngineFailed("upstream ended its stream without `[DONE]`")


def _whole(exchange: Exchange) -> Iterator[Event]:
    answer = read_answer(exchange.read_all(MAX_WHOLE))
    choice = only_choice(answer)
    if choice is None:
        raise EngineFailed("upstream sent no answer")
    text = read_text(choice.message)
    finish = finish_of(choice.finish_reason, answer.usage)
    exchange.finish()
    return _replay(text, finish)


def _replay(text: str, finish: Finish) -> Generator[Event]:
    if text:
        yield Delta(text)
    yield finish


def _check_head(exchange: Exchange, expected_type: str) -> None:
    """Raise what the status says, and EngineFailed where the body is not of the type asked for."""
    status = exchange.status
    if status in {408, 429, 503}:
        raise EngineBusy(f"upstream answered {status}", _retry_after(exchange.header("Retry-After")))
    if status in {400, 413, 422} and is_context_error(exchange.read_all(MAX_ERROR)):
        raise PromptRefused("the prompt is longer than the context of the upstream's model")
    if status != 200:
        raise EngineFailed(f"upstream answered {status}")
    if exchange.header("Content-Encoding") not in {"", "identity"}:
        raise EngineFailed("upstream sent an encoded body that was not asked for")
    if exchange.header("Content-Type").partition(";")[0].strip().lower() != expected_type:
        raise EngineFailed(f"upstream sent another content type than `{expected_type}`")


def _retry_after(value: str) -> int:
    """Whole seconds (RFC 9110 §10.2.3). A date needs a clock shared with the upstream, so it counts as 1."""
    if not (value.isascii() and value.isdigit() and len(value) <= 9):
        return 1
    return min(max(int(value), 1), _MAX_RETRY_AFTER)


def _head(address: Address, api_key: str | None) -> bytes:
    """The head of every request, with a place for the body's length."""
    host = f"[{address.host}]" if ":" in address.host else address.host
    lines = [
        f"POST {address.path}/chat/completions HTTP/1.1",
        f"Host: {host}:{address.port}",
        "User-Agent: hangu",
        "Accept-Encoding: identity",
        "Content-Type: application/json",
    ]
    if api_key:
        lines.append(f"Authorization: Bearer {api_key}")
    return "\r\n".join(lines).replace("%", "%%").encode("ascii") + b"\r\nContent-Length: %d\r\n\r\n"
