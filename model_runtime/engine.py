"""What the gateway asks of a model: the engine protocol and the plain values that cross it.

No tensor and no torch here: the gateway, the command line and every test of them import this module alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

Role = Literal["system", "user", "assistant", "observation"]
FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation. `metadata` is ChatGLM3's first line of a turn: empty, or a tool's name."""

    role: Role
    content: str
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the answer is drawn.

    `temperature` 0 means greedy. `max_tokens` None means up to the end of the context. `max_length`, where set, bounds
    prompt and answer together, as ChatGLM3's own `max_length` does; a bound beyond the context means the context, and a
    prompt that reaches it is ContextExceeded. `stop` holds strings that end the answer and are not part of it. Equal
    `seed` and equal prompt give an equal answer on one machine and engine.
    """

    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int | None = None
    max_length: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of answer text. Never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The one terminal event of a generation that ended well. Counts are tokens of the engine's own tokenizer."""

    reason: FinishReason
    prompt_tokens: int
    completion_tokens: int


Event = Delta | Finish


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer: what the deltas of one generation add up to."""

    text: str
    finish: Finish


class EngineError(Exception):
    """A generation could not be served. The message is for operators; the gateway decides what the caller may read."""


class PromptRefused(EngineError):
    """The prompt cannot be answered by this model, whatever the load: empty, or longer than the context."""


class ContextExceeded(PromptRefused):
    """The prompt plus the tokens asked for do not fit into the model's context. All counts are tokens."""

    def __init__(self, prompt_tokens: int, max_tokens: int, context: int) -> None:
        super().__init__(f"{prompt_tokens} prompt tokens and {max_tokens} to generate exceed the context of {context}")
        self.prompt_tokens = prompt_tokens
        self.max_tokens = max_tokens
        self.context = context


class EngineBusy(EngineError):
    """The engine's queue is full. Try again after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class EngineFailed(EngineError):
    """The engine, or the upstream behind it, broke while serving this request."""


class Abandoned(EngineError):
    """The caller said, through `abandoned`, that nobody waits any more. The generation is cancelled."""


def never() -> bool:
    """An `abandoned` for callers that always wait."""
    return False


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The files a model was loaded from, by name, with their SHA-256 in hex. Empty for an upstream engine."""

    digests: dict[str, str] = field(default_factory=dict)


@runtime_checkable
class Engine(Protocol):
    """One model, ready to answer. Safe to call from many threads at once.

    `generate` raises PromptRefused or EngineBusy at the call, before any event; EngineFailed may rise at any event.
    The iterator yields deltas and then exactly one Finish. Closing it (generator close, or leaving it to the garbage
    collector) cancels the generation and frees its place within one step.
    """

    def generate(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        stream: bool = True,
        abandoned: Callable[[], bool] = never,
    ) -> Iterator[Event]:
        """`stream` False says that the caller waits for the whole answer, which may then come as a single delta.

        `abandoned` is asked a few times a second while there is nothing to yield; True ends the generation with
        Abandoned. A caller that is handed events asks for itself, and closes the iterator.
        """
        ...

    def ready(self) -> bool:
        """Whether a request sent now would be served."""
        ...

    def files(self) -> ModelFiles: ...

    def close(self) -> None:
        """Stop serving; running generations end with EngineFailed. Safe to call twice."""
        ...
