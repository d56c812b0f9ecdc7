"""A conversation as turns."""

from __future__ import annotations

import json
from typing import Any

import pytest

from model_runtime.chatglm3.prompt import turns
from model_runtime.engine import Message, PromptRefused

USER = {"role": "user", "content": "你好"}


def test_mappings_and_messages_are_equal() -> None:
    """Either form of a message gives the same turn."""
    assert turns([USER, Message("assistant", "x", "tool")], None) == [
        Message("user", "你好"),
        Message("assistant", "x", "tool"),
    ]


def test_tools_join_the_system_message() -> None:
    """Tools are written into the leading system message as JSON; without one, a system message is put first."""
    tools = [{"name": "查询"}]
    written = json.dumps(tools, indent=4, ensure_ascii=False)
    assert turns([{"role": "system", "content": "s"}, USER], tools)[0] == Message("system", f"s\n{written}")
    with_introduction = turns([USER], tools)
    assert [turn.role for turn in with_introduction] == ["system", "user"]
    assert with_introduction[0].content.endswith(f":\n{written}")


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"role": "user"},
        {**USER, "role": "root"},
        {**USER, "role": "<|system|>"},
        {**USER, "role": ["user"]},
        {**USER, "content": None},
        {**USER, "content": b"x"},
        {**USER, "content": ["x"]},
        {**USER, "metadata": None},
        {**USER, "metadata": "a\nb"},
        {**USER, "name": "x"},
        None,
        "你好",
        7,
        [("role", "user"), ("content", "x")],
    ],
)
def test_malformed_message_is_refused(message: Any) -> None:
    """Unknown roles and fields, and anything but text, are refused; nothing is coerced or dropped."""
    with pytest.raises(PromptRefused):
        turns([USER, message], None)


def test_empty_conversation_is_refused() -> None:
    """There is nothing to answer."""
    with pytest.raises(PromptRefused, match="no messages"):
        turns([], [{"name": "x"}])


@pytest.mark.parametrize("tool", [{"x": object()}, {"x": float("nan")}, {(1,): 2}])
def test_tools_that_are_not_json_are_refused(tool: Any) -> None:
    """What JSON cannot say is refused."""
    with pytest.raises(PromptRefused, match="not JSON"):
        turns([USER], [tool])


def test_nested_tools_are_refused() -> None:
    """Tools nested beyond all reason are refused, not a recursion error."""
    tool: dict[str, Any] = {}
    for _ in range(100_000):
        tool = {"x": tool}
    with pytest.raises(PromptRefused, match="not JSON"):
        turns([USER], [tool])
