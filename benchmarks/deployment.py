"""The three processes of a comparison: the fixed upstream, the floor in front of it, and Hangu in front of it.

Hangu runs as a deployment would: its own command, RS256 tokens, the default bundle with all its rules and filters, a
durable audit log. Only the request limits are set out of reach, since one client sends everything.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import yaml

from gateway import demo

ROOT = Path(__file__).parent.parent
MODEL = "chatglm3-6b"
START_WITHIN = 60.0  # seconds
_LIMITS = "address: {requests: 100000000/minute}\nrules:\n  - {requests: 100000000/minute}\n"
_MESSAGES = [
    {"role": "system", "content": "你是公司内部的助手，回答简短、准确。"},
    {"role": "user", "content": "出差回来以后，报销要走哪些步骤？Please keep it short."},
]


@dataclass(frozen=True, slots=True)
class Deployment:
    """A prepared configuration of Hangu; nothing runs yet."""

    config: Path
    client_id: str
    client_secret: str


@dataclass(frozen=True, slots=True)
class Server:
    """A running server and the process that everything of it descends from."""

    port: int
    pid: int


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def prepare(folder: Path, port: int, upstream: int, threads: int) -> Deployment:
    """Write the deployment into `folder`: the demo's keys and clients, the fixed upstream as its model."""
    made = demo.prepare(folder, f"127.0.0.1:{port}")
    settings = yaml.safe_load(made.config.read_text("utf-8"))
    settings["threads"] = threads
    settings["models"] = [
        {"id": MODEL, "engine": "openai", "base_url": f"http://127.0.0.1:{upstream}/v1", "upstream_model": "fixed"}
    ]
    made.config.write_text(yaml.safe_dump(settings, allow_unicode=True), "utf-8")
    (folder / "bundle" / "limits.yaml").write_text(_LIMITS, "utf-8")
    return Deployment(made.config, *made.clients["user"])


def chat_body(*, stream: bool) -> bytes:
    """The JSON body that every measured request carries."""
    body: dict[str, object] = {"model": MODEL, "messages": _MESSAGES, "temperature": 0.7}
    return orjson.dumps({**body, "stream": True} if stream else body)


def chat_request(token: str, *, stream: bool) -> bytes:
    """A whole HTTP request with `token`, the same for the floor and for Hangu."""
    body = chat_body(stream=stream)
    lines = [
        "POST /v1/chat/completions HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        "Accept: application/json",
        "User-Agent: benchmark",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body


def fetch_token(port: int, deployment: Deployment) -> str:
    """An access token of the deployment's own authorization server."""
    form = {
        "grant_type": "client_credentials",
        "client_id": deployment.client_id,
        "client_secret": deployment.client_secret,
    }
    url = f"http://127.0.0.1:{port}/oauth/token"
    with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode("ascii"), timeout=10) as answer:
        token: str = json.load(answer)["access_token"]
        return token


@contextmanager
def upstream() -> Iterator[Server]:
    """The fixed model server."""
    port = free_port()
    with _process([sys.executable, "-m", "benchmarks.upstream", str(port)], port, {}) as server:
        yield server


@contextmanager
def floor(upstream_port: int, threads: int) -> Iterator[Server]:
    """The bare proxy, one worker, gunicorn set as Hangu sets it."""
    port = free_port()
    gunicorn = [
        sys.executable,
        "-m",
        "gunicorn",
        "--config",
        "python:benchmarks",
    ]  # sets nothing, but else Hangu's own file is read
    options = ["-k", "gthread", "-w", "1", "--threads", str(threads), "--keep-alive", "75", "--log-level", "error"]
    command = [*gunicorn, *options, "-b", f"127.0.0.1:{port}", "benchmarks.floor:app"]
    with _process(command, port, {"FLOOR_UPSTREAM": f"http://127.0.0.1:{upstream_port}/v1"}) as server:
        yield server


@contextmanager
def hangu(deployment: Deployment, port: int) -> Iterator[Server]:
    """`hangu serve` with every stage on, one worker."""
    run = "from gateway.cli import main; main()"
    with _process([sys.executable, "-c", run, "serve", "--config", str(deployment.config)], port, {}) as server:
        yield server


@contextmanager
def _process(command: list[str], port: int, environment: dict[str, str]) -> Iterator[Server]:
    """Run a server until the block ends. Raises RuntimeError when it does not listen in time."""
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=sys.stderr)
    try:
        _await_port(process, command, port)
        yield Server(port, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()


def _await_port(process: subprocess.Popen[bytes], command: list[str], port: int) -> None:
    deadline = time.monotonic() + START_WITHIN
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"`{' '.join(command)}` does not listen on port {port}")
