"""OpenAI's API: chat completions, streamed and whole, and the list of models."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import msgspec
import orjson
from flask import Blueprint, Response, request

from gateway import pipeline
from gateway.body import read_json
from gateway.call import Call, Outcome
from gateway.edge import Edge, error_body, event_stream, json_response
from gateway.errors import GatewayError, InternalError, ModelNotFound
from gateway.pipeline import Gate
from gateway.record import ClientGone, Record
from gateway.schema import ChatCompletionRequest, ChatMessage
from model_runtime.engine import Message, Role, Sampling

_DECODER = msgspec.json.Decoder(ChatCompletionRequest)
_ROLES: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}


def build(gate: Gate, edge: Edge, models: tuple[str, ...], started: int, max_body: int) -> Blueprint:
    """The `/v1` routes over one gate."""
    routes = Blueprint("openai", __name__, url_prefix="/v1")

    @routes.post("/chat/completions")
    def chat_completions() -> Response:
        record = edge.open(request, "chat.completions")
        asked: list[ChatCompletionRequest] = []

        def read() -> Call:
            asked.append(read_json(request, max_body, _DECODER))
            return to_call(asked[0])

        answer = pipeline.serve(record, read, gate)
        first = next(answer)
        if record.call is not None and record.call.stream:
            options = asked[0].stream_options
            usage = options is not None and options.include_usage
            return event_stream(_stream(first, answer, record, include_usage=usage), record, answer.close)
        return _whole(first, answer, record)

    @routes.get("/models")
    def list_models() -> Response:
        record = edge.open(request, "models")
        with record:
            pipeline.admit_read(record, gate, "models", "read")
            visible = [name for name in models if _may_see(record, gate, name)]
            record.serve()
        return json_response({"object": "list", "data": [_model(name, started) for name in visible]}, record)

    @routes.get("/models/<name>")
    def show_model(name: str) -> Response:
        record = edge.open(request, "models")
        with record:
            pipeline.admit_read(record, gate, "models", "read")
            known = gate.models(name)
            if known is None or not _may_see(record, gate, known[0]):
                raise ModelNotFound(param="model")
            record.serve()
        return json_response(_model(known[0], started), record)

    return routes


def _may_see(record: Record, gate: Gate, name: str) -> bool:
    assert record.bundle is not None  # noqa: S101 - admit_read ran before; for the type checker
    assert record.principal is not None  # noqa: S101 - as above
    return bool(gate.authorise(record.bundle, record.incoming, record.principal, f"model/{name}", "read"))


def _model(name: str, created: int) -> dict[str, object]:
    return {"id": name, "object": "model", "created": created, "owned_by": "hangu"}


def to_call(body: ChatCompletionRequest) -> Call:
    """The call that a body asks for: every text of it in `messages` or in `labels`."""
    stop = (body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ())
    labels = [(f"messages[{i}].name", m.name) for i, m in enumerate(body.messages) if m.name is not None]
    labels += [("stop", text) for text in stop]
    if body.user is not None:
        labels.append(("user", body.user))
    return Call(
        model=body.model,
        messages=tuple(Message(_ROLES[m.role], _content(m)) for m in body.messages),
        message_params=tuple(f"messages[{i}].content" for i in range(len(body.messages))),
        sampling=Sampling(
            temperature=0.7 if body.temperature is None else body.temperature,
            top_p=1.0 if body.top_p is None else body.top_p,
            max_tokens=body.max_completion_tokens or body.max_tokens,
            stop=stop,
            seed=body.seed,
        ),
        stream=bool(body.stream),
        labels=tuple(labels),
    )


def _content(message: ChatMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    return "".join(part.text for part in message.content)


def _whole(first: str | Outcome, rest: Iterator[str | Outcome], record: Record) -> Response:
    pieces, outcome = [], first
    while isinstance(outcome, str):
        pieces.append(outcome)
        outcome = next(rest)
    body = {
        "id": "chatcmpl-" + record.incoming.request_id[4:],
        "object": "chat.completion",
        "created": int(time.time()),
        "model": record.model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "".join(pieces)},
                "finish_reason": outcome.finish_reason,
                "logprobs": None,
            }
        ],
        "usage": _usage(outcome),
    }
    return json_response(body, record)


def _usage(outcome: Outcome) -> dict[str, int] | None:
    usage = outcome.usage
    if usage is None:
        return None
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
    }


def _stream(
    first: str | Outcome, rest: Iterator[str | Outcome], record: Record, *, include_usage: bool
) -> Iterator[bytes]:
    """Server-sent chunks. The outcome, and with it `[DONE]`, comes only after the record is sealed."""
    write = _chunk_writer(record, include_usage=include_usage)
    try:
        yield write({"role": "assistant", "content": ""}, None)
        item = first
        while isinstance(item, str):
            yield write({"content": item}, None)
            item = next(rest)
        yield write({}, item.finish_reason)
        if include_usage:
            yield write(None, None, _usage(item))
        yield b"data: [DONE]\n\n"
    except ClientGone:
        return
    except GatewayError as error:
        yield _error_event(error, record)
    except Exception:  # noqa: BLE001 - the status line has left; the record holds the cause, the client a plain failure
        yield _error_event(InternalError(), record)


def _error_event(error: GatewayError, record: Record) -> bytes:
    return b"data: " + orjson.dumps(error_body(error, record.incoming.request_id)) + b"\n\n"


def _chunk_writer(record: Record, *, include_usage: bool) -> Callable[..., bytes]:
    head = {
        "id": "chatcmpl-" + record.incoming.request_id[4:],
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": record.model,
    }

    def write(delta: dict[str, str] | None, finish: str | None, usage: dict[str, int] | None = None) -> bytes:
        choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
        chunk: dict[str, object] = {**head, "choices": choices}
        if include_usage:
            chunk["usage"] = usage
        return b"data: " + orjson.dumps(chunk) + b"\n\n"

    return write
