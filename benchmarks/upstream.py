"""A model server that costs almost nothing: one fixed answer in OpenAI's format, whole or streamed.

One thread, one epoll loop, answers built before the first request. It stands behind the gateway while the gateway is
measured, so it must never be what is measured. Prints its port and serves until it is killed:

    python -m benchmarks.upstream [PORT]
"""

from __future__ import annotations

import select
import socket
import sys

import orjson

# About 150 tokens, a plain office answer: no number, address or name in it, so that no filter rewrites it.
ANSWER = (
    "差旅报销一般分为四步。第一，出差前在系统里提交申请，写清目的地、事由和预计费用，由部门负责人审批。"
    "第二，出差期间保留交通、住宿和餐饮的正式发票，电子发票请保存原始文件。"
    "第三，返回之后在一周之内填写报销单，把发票逐张上传，并且关联之前的申请。"
    "第四，财务核对无误以后，款项会随下一次工资一起发放。"
    "If a receipt is missing, attach a short written explanation signed by your manager; "
    "the finance team decides case by case and answers within a few working days."
)
USAGE = {"prompt_tokens": 42, "completion_tokens": 150, "total_tokens": 192}


def _pieces(text: str, size: int = 2) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def _json(body: dict[str, object]) -> bytes:
    data = orjson.dumps(body)
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(data) + data


def _whole() -> bytes:
    message = {"role": "assistant", "content": ANSWER}
    choices = [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}]
    return _json({"id": "fixed", "object": "chat.completion", "model": "fixed", "choices": choices, "usage": USAGE})


def _event(choices: list[dict[str, object]], usage: dict[str, int] | None) -> bytes:
    chunk = {"id": "fixed", "object": "chat.completion.chunk", "created": 1, "model": "fixed"}
    data = b"data: " + orjson.dumps({**chunk, "choices": choices, "usage": usage}) + b"\n\n"
    return b"%x\r\n" % len(data) + data + b"\r\n"


def _stream() -> bytes:
    events = [_event([{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}], None)]
    deltas: list[dict[str, object]] = [
        {"index": 0, "delta": {"content": piece}, "finish_reason": None} for piece in _pieces(ANSWER)
    ]
    events += [_event([delta], None) for delta in deltas]
    events.append(_event([{"index": 0, "delta": {}, "finish_reason": "stop"}], None))
    events.append(_event([], USAGE))
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(events) + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"


def _models() -> bytes:
    return _json({"object": "list", "data": [{"id": "fixed", "object": "model"}]})


def _request_end(received: bytes) -> int | None:
    """Offset behind the first request in `received`, or None while it is incomplete."""
    head_end = received.find(b"\r\n\r\n")
    if head_end < 0:
        return None
    head = received[:head_end].lower()
    at = head.find(b"content-length:")
    length = 0 if at < 0 else int(head[at + 15 :].split(b"\r\n", 1)[0])
    end = head_end + 4 + length
    return end if len(received) >= end else None


def serve(listener: socket.socket) -> None:
    """Answer for ever. Requests of one connection come one after another (no pipelining)."""
    whole, stream, models = _whole(), _stream(), _models()
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    connections: dict[int, socket.socket] = {}
    unfinished: dict[int, bytes] = {}
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == listener.fileno():
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connections[connection.fileno()] = connection
                unfinished[connection.fileno()] = b""
                poll.register(connection, select.EPOLLIN)
                continue
            connection = connections[descriptor]
            try:
                data = connection.recv(262144)
                received = unfinished[descriptor] + data
                if data and _request_end(received) is None:
                    unfinished[descriptor] = received
                    continue
                if data:
                    unfinished[descriptor] = b""
                    streamed = b'"stream":true' in received or b'"stream": true' in received
                    connection.sendall(models if received.startswith(b"GET") else stream if streamed else whole)
                    continue
            except OSError:
                pass  # the client left in the middle: the same as an end of file
            poll.unregister(descriptor)
            connections.pop(descriptor).close()
            del unfinished[descriptor]


def main() -> None:
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), backlog=256)
    print(listener.getsockname()[1], flush=True)
    serve(listener)


if __name__ == "__main__":
    main()
