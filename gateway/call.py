"""What travels through the pipeline: the request as the edge saw it, the call that its body asks for, the outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from model_runtime.engine import Message, Sampling

Surface = Literal["api", "admin"]
Result = Literal["completed", "content_filter", "aborted", "failed"]


@dataclass(frozen=True, slots=True)
class Incoming:
    """One HTTP request before its body is read. `route` is a stable name that policy and records use."""

    request_id: str
    route: str
    method: str
    path: str
    surface: Surface
    address: str
    authorization: str | None
    client_gone: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Call:
    """A chat that the body asks for, read and typed.

    `message_params` names the field that each message came from. `labels` are the other texts of the request (`name`,
    `user`, `stop`) with their fields: they are scanned too but cannot be rewritten, so a match refuses the request.
    """

    model: str
    messages: tuple[Message, ...]
    sampling: Sampling
    stream: bool
    message_params: tuple[str, ...]
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of the request limit that applied. `reset` is in whole seconds from now."""

    limit: int
    remaining: int
    reset: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, counted by the engine's tokenizer."""

    prompt: int
    completion: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an admitted call ended. `usage` is None when the generation was cut before the engine had counted."""

    result: Result
    finish_reason: str | None = None
    usage: Usage | None = None
    code: str | None = None
