"""Server-sent events as a test reads them."""

from __future__ import annotations

import json
from typing import Any

from harness.server import Answer


def events(answer: Answer) -> list[Any]:
    """The decoded `data:` lines of a stream; `[DONE]` stays a string."""
    lines = [line[6:] for line in answer.body.decode().splitlines() if line.startswith("data: ")]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


def text_of(stream: list[Any]) -> str:
    """The answer text that the chunks add up to."""
    return "".join(e["choices"][0]["delta"].get("content", "") for e in stream if e != "[DONE]" and e["choices"])
