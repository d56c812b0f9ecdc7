"""A conversation as the turns of a ChatGLM3 prompt: checked, and with the tools written in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast, get_args

from model_runtime.engine import Message, PromptRefused, Role

# The system message of ChatGLM3's own tool examples (THUDM/ChatGLM3, `tools_using_demo`), for a caller without one.
_TOOLS_INTRODUCTION = "Answer the following questions as best as you can. You have access to the following tools:"
_ROLES = frozenset(get_args(Role))
_FIELDS = frozenset({"role", "content", "metadata"})


def turns(messages: Sequence[Message | Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] | None) -> list[Message]:
    """The messages, checked, the tools in the system message that starts them.

    Raises PromptRefused for no messages, an unknown role or field, content that is no text, metadata of several lines
    and tools that are not JSON.
    """
    conversation = [_checked(message) for message in messages]
    if not conversation:
        raise PromptRefused("the prompt holds no messages")
    if tools:
        if conversation[0].role != "system":
            conversation.insert(0, Message("system", _TOOLS_INTRODUCTION))
        system = conversation[0]
        conversation[0] = Message("system", f"{system.content}\n{_json(tools)}", system.metadata)
    return conversation


def _checked(message: Message | Mapping[str, Any]) -> Message:
    if not isinstance(message, Message):
        message = _from_mapping(message)
    if not (_is_text(message.content) and _is_text(message.metadata) and _is_text(message.role)):
        raise PromptRefused("role, content and metadata of a message must be text")
    if message.role not in _ROLES:
        raise PromptRefused("the role of a message must be system, user, assistant or observation")
    # A second line would be read by the model as the content of the turn.
    if "\n" in message.metadata:
        raise PromptRefused("the metadata of a message must be one line")
    return message


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _from_mapping(message: object) -> Message:
    if not isinstance(message, Mapping) or not {"role", "content"} <= set(message) <= _FIELDS:
        raise PromptRefused("a message must hold role, content and perhaps metadata, nothing else")
    return Message(cast(Role, message["role"]), message["content"], message.get("metadata", ""))


def _json(tools: Sequence[Mapping[str, Any]]) -> str:
    try:
        return json.dumps(tools, indent=4, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise PromptRefused("the tools of the prompt are not JSON") from error
