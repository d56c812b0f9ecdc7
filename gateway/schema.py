"""The bodies that the chat endpoints accept, as types: decoding checks them and `/openapi.json` describes them.

Unknown fields are refused, because a text that nobody scans must not reach the model. Parameters of OpenAI's API that
this gateway does not act on are accepted with the value that asks for nothing (`n: 1`, `presence_penalty: 0`), since
common clients send them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

MAX_MESSAGES = 256
MAX_TEXT = 262_144  # code points in one message

Text = Annotated[str, Meta(max_length=MAX_TEXT)]
Name = Annotated[str, Meta(min_length=1, max_length=128)]
Stop = Annotated[str, Meta(min_length=1, max_length=256)]
Temperature = Annotated[float, Meta(ge=0, le=2)]
TopP = Annotated[float, Meta(gt=0, le=1)]
Tokens = Annotated[int, Meta(ge=1, le=1_048_576)]
Seed = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Zero = Annotated[float, Meta(ge=0, le=0)]


class TextPart(Struct, forbid_unknown_fields=True, tag="text", tag_field="type"):
    """One part of a message's content. Only text can be scanned, so only text is accepted."""

    text: Text


class ChatMessage(Struct, forbid_unknown_fields=True):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Text | Annotated[list[TextPart], Meta(min_length=1, max_length=64)]
    name: Name | None = None


class StreamOptions(Struct, forbid_unknown_fields=True):
    """Options of a streamed answer."""

    include_usage: bool = False


class TextFormat(Struct, forbid_unknown_fields=True, tag="text", tag_field="type"):
    """The answer's format: plain text."""


class NoBias(Struct, forbid_unknown_fields=True):
    """An empty object: no token is favoured."""


class ChatCompletionRequest(Struct, forbid_unknown_fields=True):
    """`POST /v1/chat/completions`."""

    model: Annotated[str, Meta(min_length=1, max_length=128)]
    messages: Annotated[list[ChatMessage], Meta(min_length=1, max_length=MAX_MESSAGES)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    stop: Stop | Annotated[list[Stop], Meta(max_length=4)] | None = None
    seed: Seed | None = None
    user: Name | None = None
    n: Literal[1] | None = None
    presence_penalty: Zero | None = None
    frequency_penalty: Zero | None = None
    logprobs: Literal[False] | None = None
    logit_bias: NoBias | None = None
    response_format: TextFormat | None = None


class HistoryMessage(Struct, forbid_unknown_fields=True):
    """One turn of an earlier conversation, as ChatGLM3's own server returns it."""

    role: Literal["system", "user", "assistant"]
    content: Text
    metadata: Literal[""] | None = None


class LegacyChatRequest(Struct, forbid_unknown_fields=True):
    """`POST /api/chat` and `/api/secure-chat`. History is `[[question, answer], …]` or `[{role, content}, …]`."""

    message: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
    history: Annotated[list[tuple[Text, Text] | HistoryMessage], Meta(max_length=MAX_MESSAGES)] = []
    max_length: Tokens = 2048
    temperature: Temperature = 0.7
    model: Annotated[str, Meta(min_length=1, max_length=128)] | UnsetType = UNSET
