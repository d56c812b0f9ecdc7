"""An OpenAI-compatible server whose answers a test writes: real HTTP on loopback, one thread a connection."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class ScriptedUpstream:
    """Answers by the text of the last message: `answers[text]` holds the pieces it streams.

    `gates[text]` is waited for before the second piece, `left` is set once a client went away in mid-stream.
    `broken[text]` is sent instead: a status, a media type and a body.
    """

    def __init__(self) -> None:
        self.answers: dict[str, list[str]] = {}
        self.gates: dict[str, threading.Event] = {}
        self.broken: dict[str, tuple[int, str, bytes]] = {}
        self.seen: list[dict[str, Any]] = []
        self.left = threading.Event()
        self.started = threading.Event()
        self.status = 200
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                return

            def handle(self) -> None:
                try:
                    super().handle()
                except ConnectionError:  # closed while the next request was awaited, the answer unread
                    upstream.left.set()

            def do_GET(self) -> None:
                self._send(200, {"object": "list", "data": [{"id": "fixed", "object": "model"}]})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                upstream.seen.append(body)
                if upstream.status != 200:
                    self._send(upstream.status, {"error": {"message": "scripted failure"}})
                    return
                text = body["messages"][-1]["content"]
                if text in upstream.broken:
                    self._send_bytes(*upstream.broken[text])
                    return
                pieces = upstream.answers.get(text, ["You said: ", text])
                if body.get("stream"):
                    self._stream(text, pieces)
                else:
                    self._whole(text, pieces)

            def _whole(self, text: str, pieces: list[str]) -> None:
                upstream.started.set()
                gate = upstream.gates.get(text)
                if gate is not None:
                    gate.wait(30)
                message = {"role": "assistant", "content": "".join(pieces)}
                choice = {"index": 0, "message": message, "finish_reason": "stop"}
                self._send(200, {"object": "chat.completion", "choices": [choice], "usage": _usage(pieces)})

            def _send(self, status: int, body: dict[str, Any]) -> None:
                self._send_bytes(status, "application/json", json.dumps(body).encode())

            def _send_bytes(self, status: int, media_type: str, data: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def _stream(self, text: str, pieces: list[str]) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                try:
                    for number, piece in enumerate(pieces):
                        if number == 1 and text in upstream.gates:
                            upstream.started.set()
                            upstream.gates[text].wait(30)
                        self._event({"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
                    self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
                    self._event({"choices": [], "usage": _usage(pieces)})
                    self._chunk(b"data: [DONE]\n\n")
                    self._chunk(b"")
                except OSError:
                    upstream.left.set()

            def _event(self, value: dict[str, Any]) -> None:
                self._chunk(b"data: " + json.dumps({"object": "chat.completion.chunk", **value}).encode() + b"\n\n")

            def _chunk(self, data: bytes) -> None:
                self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                self.wfile.flush()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def base_url(self) -> str:
        """What a configuration names as `base_url`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @contextmanager
    def running(self) -> Iterator[ScriptedUpstream]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


def _usage(pieces: list[str]) -> dict[str, int]:
    return {"prompt_tokens": 7, "completion_tokens": len(pieces), "total_tokens": 7 + len(pieces)}
