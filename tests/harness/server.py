"""A real gateway for tests: `hangu serve` with gunicorn and the audit writer, on a free port of this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3

from gateway import demo
from gateway.demo import Demo
from gateway.settings import load_settings
from harness.wait import until

HANGU = str(Path(sys.executable).parent / "hangu")
START_WITHIN = 120.0
LOOSE_LIMITS = """\
address: {requests: 1000000/minute}
rules:
  - {role: guest, requests: 10/minute}
  - {requests: 1000000/minute}
"""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The error code of a refusal."""
        return str(self.json()["error"]["code"])


@dataclass
class Server:
    """A running gateway and the callers it knows."""

    demo: Demo
    base_url: str
    process: subprocess.Popen[str]
    output: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    pool: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(timeout=60.0, retries=False, maxsize=64)
    )

    def request(
        self,
        method: str,
        path: str,
        *,
        role: str | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request, with the token of a role where one is named."""
        sent = dict(headers or {})
        if role is not None:
            sent["Authorization"] = f"Bearer {self.token(role)}"
        answer = self.pool.request(method, self.base_url + path, body=body, headers=sent, redirect=False)
        return Answer(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.data)

    def post(self, path: str, value: Any, *, role: str | None = "user") -> Answer:
        """A JSON body."""
        body = json.dumps(value).encode()
        return self.request("POST", path, role=role, body=body, headers={"Content-Type": "application/json"})

    def chat(self, text: str, *, role: str = "user", model: str = "chatglm3-demo", **fields: Any) -> Answer:
        """One chat completion with a single message."""
        value = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
        return self.post("/v1/chat/completions", value, role=role)

    def token(self, role: str) -> str:
        """An access token of the demo client with this role; the same one for the whole life of the server."""
        if role not in self.tokens:
            self.tokens[role] = self.fetch_token(role)
        return self.tokens[role]

    def fetch_token(self, role: str) -> str:
        client_id, secret = self.demo.clients[role]
        fields = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        answer = self.pool.request("POST", f"{self.base_url}/oauth/token", fields=fields, encode_multipart=False)
        assert answer.status == 200, answer.data
        return str(answer.json()["access_token"])

    def stop(self, signum: int = signal.SIGTERM) -> int:
        """Stop it and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signum)
        code = self.process.wait(60)
        self.pool.clear()
        return code

    def records(self) -> list[dict[str, Any]]:
        """Every record of the log so far, oldest first."""
        return read_records(self.demo.audit_dir)

    def records_of(self, answer: Answer) -> list[dict[str, Any]]:
        """The records of the request that this answers."""
        return [r for r in self.records() if r.get("request_id") == answer.headers["x-request-id"]]


def read_records(directory: Path) -> list[dict[str, Any]]:
    """The `r` of every record line of a log, oldest first. A line that is being written right now does not count."""
    logs = [path.read_bytes() for path in sorted(directory.glob("*.log"))]
    lines = [line for log in logs for line in log[: log.rfind(b"\n") + 1].splitlines()]
    return [entry["r"] for entry in map(json.loads, lines) if entry["k"] == "rec"]


def verify(demo_: Demo) -> subprocess.CompletedProcess[str]:
    """Run the verifier as a reviewer would."""
    command = [sys.executable, "-m", "audit", "verify", str(demo_.audit_dir), "--key", str(demo_.audit_key), "--json"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def prepare(state: Path, upstream_url: str | None = None, settings: str = "") -> Demo:
    """A deployment with loose limits, and nothing beside its writer.

    With `upstream_url` its model is that server's instead of the demo model.
    """
    made = demo.prepare(state, "127.0.0.1:8000")
    (state / "bundle" / "limits.yaml").write_text(LOOSE_LIMITS)
    lines = made.config.read_text().splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith(("  contents:", "  anchors:")))
    if upstream_url is not None:
        start, end = text.index("models:"), text.index("audit:")
        model = f"models:\n  - {{id: chatglm3-demo, engine: openai, base_url: {upstream_url}, upstream_model: fixed}}\n"
        text = text[:start] + model + text[end:]
    made.config.write_text(text + settings)
    load_settings(made.config)
    return made


@contextmanager
def serving(made: Demo, *, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """`hangu serve --config` until the block ends."""
    command = [HANGU, "serve", "--config", str(made.config), "--bind", "127.0.0.1:0"]
    with started(command, environment) as (process, output):
        line = await_line(process, output, "Serving on")
        yield Server(made, line.split()[-1], process, output)


@contextmanager
def started(
    command: Sequence[str], environment: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A process and the lines it has printed so far; stopped, and waited for, when the block ends."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **(environment or {})},
        cwd=cwd,
    )
    output: list[str] = []
    assert process.stdout is not None
    reader = threading.Thread(target=output.extend, args=(process.stdout,), daemon=True)
    reader.start()
    try:
        yield process, output
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)
        reader.join(10)
        process.stdout.close()


def await_line(process: subprocess.Popen[str], output: list[str], start: str) -> str:
    """The first line of output that holds `start`. Fails with all the output when the process ends before."""

    def found() -> str:
        line = next((line for line in output if start in line), "")
        assert line or process.poll() is None, "the process ended:\n" + "".join(output)
        return line

    return until(start, found, START_WITHIN).strip()
