"""Reading what an upstream may send, value by value."""

from __future__ import annotations

from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_runtime.engine import EngineFailed
from model_runtime.openai_wire import finish_of, is_context_error, only_choice, read_answer, read_text

FIELDS = st.sampled_from(
    [
        "choices",
        "usage",
        "index",
        "delta",
        "message",
        "content",
        "role",
        "finish_reason",
        "prompt_tokens",
        "error",
        "code",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**63) | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=5),
    max_leaves=20,
)


def _json(value: object) -> bytes:
    with suppress(orjson.JSONEncodeError):  # an integer beyond 64 bits
        return orjson.dumps(value)
    return repr(value).encode()


@given(VALUES.map(_json) | st.binary(max_size=60))
def test_anything(data: bytes) -> None:
    """Whatever arrives is read as an answer or refused with EngineFailed, and nothing else."""
    assert is_context_error(data) in {True, False}
    with suppress(EngineFailed):
        answer = read_answer(data)
        choice = only_choice(answer)
        if choice is not None:
            read_text(choice.delta)
            read_text(choice.message)
            finish_of(choice.finish_reason, answer.usage)


@pytest.mark.parametrize("data", [b"[" * 200_000, b'{"error":' * 100_000, b'{"x": ' * 100_000])
def test_nesting_bomb(data: bytes) -> None:
    """Deep nesting is refused and does not exhaust the stack."""
    assert not is_context_error(data)
    with pytest.raises(EngineFailed):
        read_answer(data)


@pytest.mark.parametrize("text", ["你好", "a\0b", "🂡" * 3, ""])
def test_text(text: str) -> None:
    """Text passes as it is."""
    assert read_text({"role": "assistant", "content": text, "tool_calls": [], "reasoning": None}) == text


@pytest.mark.parametrize("name", ["tool_calls", "function_call", "reasoning_content", "refusal", "audio"])
def test_unscanned_field(name: str) -> None:
    """A field that carries something beside the text is refused by name."""
    with pytest.raises(EngineFailed, match=name):
        read_text({"content": "好", name: "夹带"})


def test_unscanned_field_named_after_the_prompt() -> None:
    """A field that no server is known to send is refused, and its name, which may be anyone's text, is not repeated."""
    with pytest.raises(EngineFailed, match="an unknown member") as refused:
        read_text({"content": "好", "新字段": "夹带"})
    assert "新字段" not in str(refused.value)
