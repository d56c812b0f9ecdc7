"""A gate built from fakes: every stage says that it ran, and any of them can be told to refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import policies
from audit.client import Receipt
from audit.digests import Digests
from gateway.authorise import authorise
from gateway.call import Call, Incoming, Quota
from gateway.contents import Keeper
from gateway.identity.principal import Principal
from gateway.infer import infer
from gateway.pipeline import Gate
from gateway.record import Record
from gateway.screen import screen_completion, screen_prompt
from model_runtime.engine import Delta, Event, Finish, Message, ModelFiles, Sampling, never
from policies import bundle as bundles
from policies.bundle import Bundle

BUNDLE = Path(policies.__file__).parent / "bundles" / "default"
HMAC_KEY = b"k" * 32


def default_bundle() -> Bundle:
    """The bundle that ships."""
    return bundles.load(BUNDLE)


def principal(*roles: str) -> Principal:
    """A caller that some issuer vouched for."""
    return Principal("alice", tuple(sorted(roles)), "test", None, None, (), "token-1", 2_000_000_000, (), None)


@dataclass
class MemoryLog:
    """The log's side of `append`, in memory: what was recorded, in order. `broken` makes it refuse."""

    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    broken: Exception | None = None

    def emit(self, event: str, **fields: Any) -> Receipt:
        if self.broken is not None:
            raise self.broken
        self.events.append((event, {name: value for name, value in fields.items() if value is not None}))
        return Receipt("test/log", len(self.events) - 1)

    def names(self) -> list[str]:
        return [name for name, _ in self.events]


@dataclass
class EchoEngine:
    """An engine that answers with given pieces, and knows whether it was asked and whether it was stopped."""

    pieces: tuple[str, ...] = ("Hello ", "world")
    error: Exception | None = None
    asked: list[tuple[Message, ...]] = field(default_factory=list)
    closed: int = 0

    def generate(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        stream: bool = True,
        abandoned: Callable[[], bool] = never,
    ) -> Iterator[Event]:
        self.asked.append(messages)
        return self._run()

    def _run(self) -> Iterator[Event]:
        try:
            for piece in self.pieces:
                yield Delta(piece)
            if self.error is not None:
                raise self.error
            yield Finish("stop", 3, len(self.pieces))
        finally:
            self.closed += 1

    def ready(self) -> bool:
        return True

    def files(self) -> ModelFiles:
        return ModelFiles()

    def close(self) -> None:
        return


@dataclass
class FakeStages:
    """The stages around the real pipeline. `refuse` maps a stage's name to the error it raises."""

    bundle: Bundle
    engine: EchoEngine = field(default_factory=EchoEngine)
    caller: Principal = field(default_factory=lambda: principal("user"))
    refuse: dict[str, Exception] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)

    def gate(self) -> Gate:
        return Gate(
            policies=lambda: self.bundle,
            models=lambda name: ("m", self.engine) if name == "m" else None,
            limit_address=self._stage("limit_address", lambda *_: None),
            authenticate=self._stage("authenticate", lambda _: self.caller),
            check_network=self._stage("check_network", lambda *_: None),
            authorise=self._stage("authorise", authorise),
            limit=self._stage("limit", lambda *_: Quota(10, 9, 60)),
            screen_prompt=self._stage("screen_prompt", screen_prompt),
            infer=self._stage("infer", infer),
            screen_completion=self._stage("screen_completion", screen_completion),
        )

    def _stage(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            self.ran.append(name)
            if name in self.refuse:
                raise self.refuse[name]
            return work(*arguments)

        return run


def incoming(route: str = "chat.completions", *, gone: Callable[[], bool] = lambda: False) -> Incoming:
    """A request as the edge sees it."""
    return Incoming("req_1", route, "POST", "/v1/chat/completions", "api", "127.0.0.1", "Bearer x", gone)


def record(log: MemoryLog, keeper: Keeper | None = None, **options: Any) -> Record:
    """An open record over an in-memory log."""
    return Record(incoming(**options), log.emit, keeper or Keeper(Digests(HMAC_KEY)))


def call(*texts: str, **fields: Any) -> Call:
    """A call with one user message for each text."""
    messages = tuple(Message("user", text) for text in texts)
    params = tuple(f"messages[{i}].content" for i in range(len(texts)))
    stream = fields.pop("stream", True)
    return Call(fields.pop("model", "m"), messages, Sampling(), stream=stream, message_params=params, **fields)
