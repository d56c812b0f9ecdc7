"""The older clients' endpoints: `/api/chat`, and `/api/secure-chat` with the strict chain. One answer, not streamed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from flask import Blueprint, Response, request

from gateway import pipeline
from gateway.body import read_json
from gateway.call import Call, Outcome
from gateway.edge import Edge, json_response
from gateway.errors import CompletionBlocked, Unprocessable
from gateway.pipeline import Gate
from gateway.record import Record
from gateway.schema import HistoryMessage, LegacyChatRequest
from model_runtime.engine import Message, Sampling

_DECODER = msgspec.json.Decoder(LegacyChatRequest)


def build(gate: Gate, edge: Edge, default_model: str, max_body: int) -> Blueprint:
    """The `/api` chat routes over one gate. A body without `model` asks the first configured one."""
    routes = Blueprint("legacy", __name__, url_prefix="/api")

    @routes.post("/chat")
    def chat() -> Response:
        return _answer("api.chat", "user_id")

    @routes.post("/secure-chat")
    def secure_chat() -> Response:
        return _answer("api.secure-chat", "user")

    def _answer(route: str, user_field: str) -> Response:
        record = edge.open(request, route)
        asked: list[LegacyChatRequest] = []

        def read() -> Call:
            asked.append(read_json(request, max_body, _DECODER))
            return _to_call(asked[0], default_model)

        text = _collect(pipeline.serve(record, read, gate))
        assert record.principal is not None  # noqa: S101 - serve would have raised
        body = {"response": text, "history": _history(asked[0], record, text), user_field: record.principal.subject}
        return json_response(body, record)

    return routes


def _to_call(body: LegacyChatRequest, default_model: str) -> Call:
    pairs = [isinstance(turn, tuple) for turn in body.history]
    if any(pairs) and not all(pairs):
        raise Unprocessable("`history` mixes pairs and messages", param="history")
    messages: list[Message] = []
    params: list[str] = []
    for index, turn in enumerate(body.history):
        if isinstance(turn, HistoryMessage):
            messages.append(Message(turn.role, turn.content))
            params.append(f"history[{index}].content")
        else:
            messages += [Message("user", turn[0]), Message("assistant", turn[1])]
            params += [f"history[{index}][0]", f"history[{index}][1]"]
    return Call(
        model=default_model if body.model is msgspec.UNSET else body.model,
        messages=(*messages, Message("user", body.message)),
        message_params=(*params, "message"),
        sampling=Sampling(temperature=body.temperature, max_length=body.max_length),
        stream=False,
    )


def _collect(answer: Iterable[str | Outcome]) -> str:
    pieces: list[str] = []
    for item in answer:
        if isinstance(item, str):
            pieces.append(item)
        elif item.result == "content_filter":
            raise CompletionBlocked
    return "".join(pieces)


def _history(body: LegacyChatRequest, record: Record, answer: str) -> list[Any]:
    """The conversation as the model saw it plus the new turn, in the form of the client's history (else messages)."""
    seen = (*record.prompt, Message("assistant", answer))
    if body.history and isinstance(body.history[0], tuple):
        return [[seen[i].content, seen[i + 1].content] for i in range(0, len(seen), 2)]
    return [{"role": message.role, "content": message.content} for message in seen]
