"""The floor: the least that a Flask proxy under gunicorn can cost. No stage, no check, no record.

It sends the body on over the connection pool that Hangu's `openai` engine uses and hands the answer back unread. What
Hangu costs is measured against it: same server and settings, same upstream, same HTTP client.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing

from flask import Flask, Response, request

from model_runtime.upstream import Exchange, Limits, Pool
from model_runtime.upstream_address import parse_address

app = Flask(__name__)
_address = parse_address(os.environ["FLOOR_UPSTREAM"])
_pool = Pool(_address, Limits(connect=5.0, read=60.0, answer=60.0, connections=64))
_HEAD = (
    b"POST %s/chat/completions HTTP/1.1\r\n"
    b"Host: upstream\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
)


@app.post("/v1/chat/completions")
def chat() -> Response:
    """One request through, whole or streamed as the caller asked."""
    body = request.get_data()
    exchange = _pool.send(_HEAD % (_address.path.encode("ascii"), len(body)) + body)
    if b'"stream":true' in body:
        return Response(_pieces(exchange), exchange.status, content_type="text/event-stream")
    answer = exchange.read_all(1 << 20)
    exchange.finish()
    return Response(answer, exchange.status, content_type="application/json")


def _pieces(exchange: Exchange) -> Iterator[bytes]:
    with closing(exchange):
        while data := exchange.read():
            yield data
        exchange.finish()
