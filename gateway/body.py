"""Read a request body within its limits and decode it into a typed value, or say exactly what is wrong with it."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec
from flask import Request

from gateway import reading
from gateway.errors import (
    BadRequest,
    BodyTooLarge,
    InvalidJson,
    RequestTimeout,
    UnknownField,
    Unprocessable,
    UnsupportedMediaType,
)
from gateway.identity import strict_json

T = TypeVar("T")

MAX_DEPTH = 32
_CHUNK = 65_536
_DISCARDED = 8 << 20  # bytes
_AT = re.compile(r" - at `\$?\.?(.*)`\Z", re.DOTALL)
_UNKNOWN = re.compile(r"unknown field `(.{1,128}?)`", re.DOTALL)
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)


def read_body(request: Request, limit: int) -> bytes:
    """The whole body, at most `limit` bytes; BodyTooLarge before a byte is read where the length is declared."""
    declared = request.content_length
    if declared is not None and declared > limit:
        raise BodyTooLarge(f"the body has {declared} bytes, at most {limit} are accepted")
    try:
        body: bytes = request.environ["wsgi.input"].read(limit + 1 if declared is None else declared)
    except (BlockingIOError, TimeoutError) as error:
        raise RequestTimeout from error
    except OSError as error:  # a broken chunk or a connection that went away in the middle of the body
        raise BadRequest("the body ended early", detail=type(error).__name__) from error
    reading.finished(request.environ)
    if len(body) > limit:
        raise BodyTooLarge(f"the body has more than {limit} bytes")
    if declared is not None and len(body) < declared:
        raise BadRequest(f"the body ended after {len(body)} of {declared} bytes")
    return body


def discard_body(request: Request) -> None:
    """Read what the client still sends, within bounds, so that it meets its refusal and not a reset connection."""
    stream, left = request.environ["wsgi.input"], _DISCARDED
    try:
        while left > 0 and (piece := stream.read(_CHUNK)):
            left -= len(piece)
    except OSError:
        return  # too slow, or gone
    reading.finished(request.environ)


def read_json(request: Request, limit: int, decoder: msgspec.json.Decoder[T]) -> T:
    """The body as the decoder's type. Raises BadRequest, BodyTooLarge, UnsupportedMediaType or Unprocessable."""
    if request.environ.get("CONTENT_TYPE") != "application/json" and request.mimetype != "application/json":
        raise UnsupportedMediaType
    if request.environ.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise UnsupportedMediaType("send the body without Content-Encoding")
    body = read_body(request, limit)
    _check_depth(body)
    try:
        value = decoder.decode(body)
        strict_json.loads(body, MAX_DEPTH)  # of two members with one name the decoder takes the last, others the first
        return value
    except msgspec.ValidationError as error:
        raise _field_error(str(error)) from None
    except strict_json.NotStrictJson as error:
        raise InvalidJson(f"the body is not valid JSON: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidJson(_clip(f"the body is not valid JSON: {error}")) from None


def _check_depth(body: bytes) -> None:
    """Refuse nesting deeper than any request needs, before a parser recurses into it."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for byte in _STRING.sub(b"", body):
        if byte in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise InvalidJson(f"the body nests deeper than {MAX_DEPTH} levels")
        elif byte in b"]}":
            depth -= 1


def _field_error(message: str) -> Unprocessable:
    """The decoder's message, with the path of the field as OpenAI's `param`."""
    at = _AT.search(message)
    param = at[1] if at else ""
    what = message[: at.start()] if at else message
    unknown = _UNKNOWN.search(what)
    if unknown:
        param = f"{param}.{unknown[1]}" if param else unknown[1]
        return UnknownField(f"unknown field `{unknown[1]}`", param=_clip(param))
    return Unprocessable(_clip(what[:1].lower() + what[1:]), param=_clip(param) or None)


def _clip(text: str, limit: int = 300) -> str:
    return text if len(text) <= limit else text[:limit] + "…"
