"""Which sampling options are accepted."""

from __future__ import annotations

from typing import Any

import pytest

from model_runtime.engine import PromptRefused, Sampling
from model_runtime.options import check_sampling


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"temperature": 0},
        {"temperature": 2.0, "top_p": 0.1, "max_tokens": 1, "stop": ("停",), "seed": -5},
        {"seed": 10**30},
    ],
)
def test_sound_options_pass(options: dict[str, Any]) -> None:
    """What OpenAI clients send is accepted, and any whole number is a seed."""
    check_sampling(Sampling(**options))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("temperature", "0.7"),
        ("temperature", True),
        ("top_p", 0.0),
        ("top_p", 1.1),
        ("top_p", None),
        ("max_tokens", 0),
        ("max_tokens", -1),
        ("max_tokens", 1.5),
        ("max_tokens", True),
        ("seed", "1"),
        ("seed", 1.0),
        ("stop", "stop"),
        ("stop", ("",)),
        ("stop", (b"x",)),
        ("stop", ("x" * 1025,)),
        ("stop", ("x",) * 17),
        ("stop", None),
    ],
)
def test_wrong_option_is_named(name: str, value: Any) -> None:
    """A wrong type or a value out of range is refused and named; nothing is coerced."""
    with pytest.raises(PromptRefused, match=rf"out of range: {name}$"):
        check_sampling(Sampling(**{name: value}))
