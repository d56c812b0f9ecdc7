"""One generation, from both of its ends: the engine thread moves it, the caller's thread reads its events."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from typing import Protocol

from model_runtime.engine import Abandoned, Delta, EngineError, EngineFailed, Event, Finish, FinishReason, never

_LOOK_UP = 0.25  # seconds between two looks at the engine's health while no event comes


class ModelLost(Exception):
    """The model or its device is broken for every generation, not for one."""


class TokenSource(Protocol):
    """The model's side of one generation."""

    def step(self) -> int | None:
        """Do one step's work. The next token, or None while the prompt is not done."""
        ...


class TokenReader(Protocol):
    """Turns tokens into the text that the caller reads."""

    def push(self, token: int) -> str: ...

    def finish(self) -> str: ...

    @property
    def stopped(self) -> bool: ...


class Generation:
    """What the engine thread needs of one request. Everything but `cancelled` and `events` belongs to that thread.

    `events` carries deltas and then one terminal, a Finish or an EngineError; a cancelled generation has none. With
    `stream` False the whole text is one delta: nobody is woken for every token.
    """

    __slots__ = (
        "_max_tokens",
        "_open",
        "_pieces",
        "_produced",
        "_prompt_tokens",
        "_reader",
        "_source",
        "_stop_ids",
        "cancelled",
        "done",
        "events",
    )

    def __init__(
        self,
        open_source: Callable[[], TokenSource],
        reader: TokenReader,
        *,
        prompt_tokens: int,
        max_tokens: int,
        stop_ids: frozenset[int],
        stream: bool = True,
    ) -> None:
        self._open = open_source
        self._source: TokenSource | None = None
        self._reader = reader
        self._prompt_tokens = prompt_tokens
        self._max_tokens = max_tokens
        self._stop_ids = stop_ids
        self._pieces: list[str] | None = None if stream else []
        self._produced = 0
        self.cancelled = False
        self.done = False
        self.events: queue.SimpleQueue[Event | EngineError] = queue.SimpleQueue()

    def step(self) -> bool:
        """Do one step's work and send what became final. Whether a token came, which means that the prompt is done."""
        if self._source is None:
            self._source = self._open()  # here, so that a cache is taken when the generation runs, not while it waits
        token = self._source.step()
        if token is None:
            return False
        self._take(token)
        return True

    def fail(self, error: EngineError) -> None:
        """End with `error`, unless it has ended."""
        self._end(error)

    def release(self) -> None:
        """Let go of the cache."""
        self.done = True
        self._source = None

    def _take(self, token: int) -> None:
        self._produced += 1
        if token in self._stop_ids:
            self._finish("stop")
            return
        self._send(self._reader.push(token))
        if self._reader.stopped:
            self._finish("stop")
        elif self._produced >= self._max_tokens:
            self._finish("length")

    def _finish(self, reason: FinishReason) -> None:
        if not self._reader.stopped:
            self._send(self._reader.finish())
        if self._pieces:
            self.events.put(Delta("".join(self._pieces)))
        # What was held back may have completed a stop string.
        reason = "stop" if self._reader.stopped else reason
        self._end(Finish(reason, self._prompt_tokens, self._produced))

    def _send(self, text: str) -> None:
        if text and self._pieces is not None:
            self._pieces.append(text)
        elif text:
            self.events.put(Delta(text))

    def _end(self, terminal: Finish | EngineError) -> None:
        if not self.done:
            self.release()
            self.events.put(terminal)


class EventStream:
    """The caller's end. Closing it, or dropping it, cancels the generation; both are safe at any time, on any thread.

    No lock is taken for that: the garbage collector may run on a thread that holds one.
    """

    __slots__ = ("_abandoned", "_generation", "_healthy", "_open")

    def __init__(
        self, generation: Generation, healthy: Callable[[], bool], abandoned: Callable[[], bool] = never
    ) -> None:
        self._generation = generation
        self._healthy = healthy
        self._abandoned = abandoned
        self._open = True

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        if not self._open:
            raise StopIteration
        event = self._wait()
        if event is None:
            raise StopIteration
        if isinstance(event, Delta):
            return event
        self._open = False
        if isinstance(event, EngineError):
            raise event
        return event

    def close(self) -> None:
        self._open = False
        self._generation.cancelled = True

    def __del__(self) -> None:
        self.close()

    def _wait(self) -> Event | EngineError | None:
        """The next event; None once the stream was closed on another thread, since no terminal follows then."""
        while True:
            try:
                return self._generation.events.get(timeout=_LOOK_UP)
            except queue.Empty:
                if not self._open:
                    return None
                if self._abandoned():
                    self._generation.cancelled = True
                    return Abandoned("nobody waits for the answer any more")
                if not self._healthy():
                    self._generation.cancelled = True
                    return EngineFailed("the engine stopped answering")
