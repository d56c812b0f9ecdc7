"""The chat completions format of OpenAI-compatible servers: our requests written, their answers read strictly.

What a server sends is never interpreted. Text comes from `content` alone; anything else that could carry text (tool
calls, reasoning, refusals, audio) fails the answer, for no filter would have seen it.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
import orjson

from model_runtime.engine import EngineFailed, Finish, FinishReason, Message, PromptRefused, Sampling

_ROLES: Final = {"system": "system", "user": "user", "assistant": "assistant", "observation": "tool"}
_REASONS: Final[dict[str, FinishReason]] = {"stop": "stop", "length": "length"}
_TEXT_FIELDS: Final = frozenset({"role", "content"})
_OTHER_FIELDS: Final = frozenset(  # that OpenAI-compatible servers are known to send
    {"annotations", "audio", "function_call", "reasoning", "reasoning_content", "refusal", "tool_calls"}
)

Count = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class Usage(msgspec.Struct):
    """Tokens, as the upstream counts them."""

    prompt_tokens: Count
    completion_tokens: Count


class Choice(msgspec.Struct):
    """One of the answers; we ask for one. `delta` comes in streams, `message` in whole answers."""

    index: int = 0
    delta: dict[str, object] | None = None
    message: dict[str, object] | None = None
    finish_reason: str | None = None


class Answer(msgspec.Struct):
    """A whole answer, or one chunk of a streamed one."""

    choices: list[Choice]
    usage: Usage | None = None


class ErrorDetail(msgspec.Struct):
    code: object = None
    message: object = None


class ErrorBody(msgspec.Struct):
    """OpenAI's error shape; vLLM also puts the fields at the top."""

    error: ErrorDetail | None = None
    code: object = None
    message: object = None


_answers = msgspec.json.Decoder(Answer)
_errors = msgspec.json.Decoder(ErrorBody)


def write_request(model: str, messages: tuple[Message, ...], sampling: Sampling, *, stream: bool) -> bytes:
    """The request body. Raises PromptRefused for text that is not Unicode (a lone surrogate).

    `observation` becomes the role `tool`. A message's metadata goes into `name`, OpenAI's field for the speaker.
    """
    body: dict[str, object] = {
        "model": model,
        "messages": [_write_message(message) for message in messages],
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "stream": stream,
    }
    if stream:
        body["stream_options"] = {"include_usage": True}
    # The upstream counts the prompt, we do not: here `max_length` bounds the answer alone.
    bounds = [bound for bound in (sampling.max_tokens, sampling.max_length) if bound is not None]
    if bounds:
        body["max_tokens"] = min(bounds)
    if sampling.stop:
        body["stop"] = sampling.stop
    if sampling.seed is not None:
        body["seed"] = sampling.seed
    try:
        return orjson.dumps(body)
    except TypeError as error:
        raise PromptRefused("the prompt cannot be written as JSON") from error


def _write_message(message: Message) -> dict[str, str]:
    written = {"role": _ROLES[message.role], "content": message.content}
    if message.metadata:
        written["name"] = message.metadata
    return written


def read_answer(data: bytes) -> Answer:
    """Parse a whole answer or a chunk. Raises EngineFailed for anything else."""
    try:
        return _answers.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise EngineFailed("upstream sent something that is no chat completion") from error


def read_text(fields: dict[str, object] | None) -> str:
    """The text of a delta or message. Raises EngineFailed where it carries anything but text of the assistant."""
    if fields is None:
        return ""
    for name, value in fields.items():
        if name not in _TEXT_FIELDS and value:
            what = f"`{name}`" if name in _OTHER_FIELDS else "an unknown member"  # its name may hold anything
            raise EngineFailed(f"upstream sent {what} beside the answer text, which no filter would see")
    if fields.get("role") not in {None, "", "assistant"}:
        raise EngineFailed("upstream answered in another role than `assistant`")
    content = fields.get("content")
    if content is None:
        return ""
    if not isinstance(content, str):
        raise EngineFailed("upstream sent content that is no text")
    return content


def only_choice(answer: Answer) -> Choice | None:
    """The one choice, or None in a chunk that carries only usage. Raises EngineFailed for several."""
    if len(answer.choices) > 1 or (answer.choices and answer.choices[0].index != 0):
        raise EngineFailed("upstream sent more answers than one")
    return answer.choices[0] if answer.choices else None


def finish_of(reason: str | None, usage: Usage | None) -> Finish:
    """How the answer ended. Raises EngineFailed without a known reason, or without counts: limits need them."""
    if reason is None:
        raise EngineFailed("upstream ended its answer without `finish_reason`")
    known = _REASONS.get(reason)
    if known is None:
        raise EngineFailed("upstream ended its answer for a reason other than `stop` or `length`")
    if usage is None:
        raise EngineFailed("upstream sent no `usage`; it must count tokens (`stream_options.include_usage`)")
    return Finish(known, usage.prompt_tokens, usage.completion_tokens)


def is_context_error(data: bytes) -> bool:
    """Whether an error body says that the prompt is too long: OpenAI's code, or the words of vLLM and SGLang."""
    try:
        body = _errors.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    code = body.error.code if body.error else body.code
    message = body.error.message if body.error else body.message
    return code == "context_length_exceeded" or (isinstance(message, str) and "context length" in message)
