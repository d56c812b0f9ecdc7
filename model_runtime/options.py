"""Which sampling options an engine accepts."""

from __future__ import annotations

from model_runtime.engine import PromptRefused, Sampling

_HOTTEST = 100.0
_MOST_STOPS = 16
_LONGEST_STOP = 1024  # characters


def check_sampling(sampling: Sampling) -> None:
    """Raises PromptRefused that names every option of the wrong type or out of range."""
    right = {
        "temperature": _number(sampling.temperature) and 0 <= sampling.temperature <= _HOTTEST,
        "top_p": _number(sampling.top_p) and 0 < sampling.top_p <= 1,
        "max_tokens": sampling.max_tokens is None or (_whole(sampling.max_tokens) and sampling.max_tokens >= 1),
        "max_length": sampling.max_length is None or (_whole(sampling.max_length) and sampling.max_length >= 1),
        "seed": sampling.seed is None or _whole(sampling.seed),
        "stop": _stop_strings(sampling.stop),
    }
    wrong = [name for name, fine in right.items() if not fine]
    if wrong:
        raise PromptRefused(f"sampling options out of range: {', '.join(wrong)}")


def _number(value: object) -> bool:
    return type(value) in (int, float)  # neither bool nor a type that compares in its own way; NaN fails the ranges


def _whole(value: object) -> bool:
    return type(value) is int


def _stop_strings(value: object) -> bool:
    if not isinstance(value, tuple) or len(value) > _MOST_STOPS:
        return False
    return all(isinstance(stop, str) and 1 <= len(stop) <= _LONGEST_STOP for stop in value)
