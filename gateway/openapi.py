"""`/openapi.json`: the HTTP surface as OpenAPI 3.1, with the request schemas taken from the types that check them."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
import orjson

from gateway import __version__
from gateway.schema import ChatCompletionRequest, LegacyChatRequest

_JSON = "application/json"
_REFUSALS = {
    "400": "the request cannot be read",
    "401": "no token, or not a valid one",
    "403": "policy does not allow this",
    "404": "nothing here",
    "405": "the path does not answer this method",
    "408": "the request did not arrive in time",
    "413": "the body is too large",
    "415": "the body is not application/json",
    "422": "a field is unknown or not valid, or a filter blocked a text",
    "429": "a limit is used up; Retry-After says when to come back",
    "503": "what cannot be decided, counted or recorded is refused; try again",
}


@cache
def document() -> bytes:
    """The document as JSON bytes, built once."""
    requests, components = msgspec.json.schema_components(
        [ChatCompletionRequest, LegacyChatRequest], ref_template="#/components/schemas/{name}"
    )
    schemas: dict[str, Any] = components | _answers()
    chat, legacy = requests
    return orjson.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Hangu",
                "version": __version__,
                "summary": "Policy-driven inference gateway",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "security": [{"bearer": []}],
            "paths": _paths(chat, legacy),
            "components": {
                "schemas": schemas,
                "responses": {"Refusal": _body("a refusal, always in this shape", _ref("Error"))},
                "securitySchemes": {
                    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                    "client": {"type": "http", "scheme": "basic"},
                },
            },
        }
    )


def _paths(chat: dict[str, Any], legacy: dict[str, Any]) -> dict[str, Any]:
    completion = _body("the answer; with `stream`, chunks as server-sent events", _ref("ChatCompletion"))
    completion["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    token_form = {
        "type": "object",
        "properties": {
            "grant_type": {"const": "client_credentials"},
            "client_id": {"type": "string"},
            "client_secret": {"type": "string"},
            "scope": {"type": "string"},
        },
        "required": ["grant_type"],
    }
    token = {
        "operationId": "issueToken",
        "summary": "Get a 30-minute access token (RFC 6749 §4.4)",
        "security": [{"client": []}, {}],
        "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": token_form}}},
        "responses": {
            "200": _body("the token", _ref("Token")),
            **{code: _body("an OAuth error (RFC 6749 §5.2)", _ref("OAuthError")) for code in ("400", "401")},
            **{code: {"$ref": "#/components/responses/Refusal"} for code in ("405", "408", "413", "415", "429", "503")},
        },
    }
    return {
        "/v1/chat/completions": {"post": _operation("createChatCompletion", "Chat", completion, chat)},
        "/v1/models": {
            "get": _operation("listModels", "Models the caller may see", _body("the list", _ref("ModelList")))
        },
        "/v1/models/{id}": {
            "get": _operation("showModel", "One model", _body("the model", _ref("Model")))
            | {"parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]}
        },
        "/api/chat": {"post": _operation("chat", "Chat, older form", _body("the answer", _ref("ChatAnswer")), legacy)},
        "/api/secure-chat": {
            "post": _operation(
                "secureChat", "Chat with the strict chain", _body("the answer", _ref("SecureChatAnswer")), legacy
            )
        },
        "/api/admin/configuration": {
            "get": _operation("showConfiguration", "The active configuration", _body("it", {"type": "object"}))
        },
        "/oauth/token": {"post": token},
        "/token": {"post": token | {"operationId": "issueTokenShort"}},
        "/healthz/live": {"get": _probe("live", "The process answers", "200")},
        "/healthz/ready": {"get": _probe("ready", "A request sent now would be served", "200", "503")},
    }


def _operation(
    name: str, summary: str, answer: dict[str, Any], request: dict[str, Any] | None = None
) -> dict[str, Any]:
    refusals = {code: {"$ref": "#/components/responses/Refusal"} for code in _REFUSALS}
    operation: dict[str, Any] = {"operationId": name, "summary": summary, "responses": {"200": answer, **refusals}}
    if request is not None:
        operation["requestBody"] = {"required": True, "content": {_JSON: {"schema": request}}}
    return operation


def _probe(name: str, summary: str, *codes: str) -> dict[str, Any]:
    answers = {code: _body("the state", {"type": "object"}) for code in codes}
    refusals = {"405": {"$ref": "#/components/responses/Refusal"}}
    return {"operationId": name, "summary": summary, "security": [], "responses": answers | refusals}


def _body(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {_JSON: {"schema": schema}}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "object", "properties": required | (optional or {}), "required": list(required)}


def _answers() -> dict[str, Any]:
    text, number = {"type": "string"}, {"type": "integer"}
    maybe_text = {"type": ["string", "null"]}
    message = _object({"role": {"const": "assistant"}, "content": text})
    choice = _object(
        {"index": number, "message": message, "finish_reason": {"enum": ["stop", "length", "content_filter"]}}
    )
    usage = _object({"prompt_tokens": number, "completion_tokens": number, "total_tokens": number})
    error = _object(
        {"message": text, "type": text, "code": text, "param": maybe_text, "request_id": maybe_text},
    )
    model = _object({"id": text, "object": {"const": "model"}, "created": number, "owned_by": text})
    history = {"type": "array"}
    return {
        "Error": _object({"error": error}),
        "OAuthError": _object({"error": text}, {"error_description": text}),
        "Token": _object(
            {"access_token": text, "token_type": {"const": "Bearer"}, "expires_in": number}, {"scope": text}
        ),
        "Model": model,
        "ModelList": _object({"object": {"const": "list"}, "data": {"type": "array", "items": _ref("Model")}}),
        "ChatCompletion": _object(
            {
                "id": text,
                "object": {"const": "chat.completion"},
                "created": number,
                "model": text,
                "choices": {"type": "array", "items": choice},
                "usage": {"anyOf": [usage, {"type": "null"}]},
            }
        ),
        "ChatAnswer": _object({"response": text, "history": history, "user_id": text}),
        "SecureChatAnswer": _object({"response": text, "history": history, "user": text}),
    }
