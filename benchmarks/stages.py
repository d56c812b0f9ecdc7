"""Where does a request's time go? Hangu's application in this process, one request after another, sampled by a timer.

    python -m benchmarks.stages [--seconds 10] [--folder DIR] [--stream] [--json]

A signal interrupts the request some thousand times a second of wall time and notes which stage it was in, so nothing
is wrapped and waiting (for the disk, for the upstream) counts like working. gunicorn is not part of it: what the
server itself costs is the floor's business.
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import orjson

if not __package__:  # run as a file: its own folder would hide the package `gateway`
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks import deployment

INTERVAL = 0.0005  # seconds between two samples
# The outermost of these files on the stack names the stage; without any, the time is the edge's.
STAGES = {
    "gateway/identity/authenticate.py": "authenticate",
    "gateway/authorise.py": "authorise",
    "gateway/limit.py": "limit",
    "gateway/body.py": "read body",
    "policies/network.py": "network",
    "gateway/screen.py": "screen",
    "audit/client.py": "record: wait for the log",
    "gateway/record.py": "record: build the event",
    "model_runtime/openai.py": "infer",
}
# These run inside other stages and count for themselves.
INNER = {"audit/client.py", "model_runtime/openai.py"}


@dataclass(slots=True)
class Sampler:
    """Counts, at each tick of the wall clock, the stage that the main thread is in."""

    root: str
    ticks: Counter[str] = field(default_factory=Counter)

    def tick(self, _signal: int, frame: FrameType | None) -> None:
        stage = "edge (Flask, JSON)"
        while frame is not None:
            name = frame.f_code.co_filename.removeprefix(self.root)
            if name in STAGES:
                stage = STAGES[name]
                if name in INNER:
                    break  # the frames further out would name the stage that called it
            frame = frame.f_back
        self.ticks[stage] += 1


def environ(token: str, body: bytes) -> dict[str, Any]:
    """One request as gunicorn would hand it over."""
    return {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/v1/chat/completions",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def call(app: Any, token: str, body: bytes) -> None:
    """Serve one request to its last byte. Raises RuntimeError for a status other than 200."""
    seen: list[str] = []
    answer = app(environ(token, body), lambda status, *_: seen.append(status))
    try:
        data = b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()
    if seen[0] != "200 OK":
        raise RuntimeError(f"{seen[0]}: {data[:500].decode('utf-8', 'replace')}")


def run(seconds: float, place: Path, *, stream: bool) -> dict[str, float]:
    """Microseconds per request by stage, and their sum under `total`."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hangu-", dir=place)))
        upstream = stack.enter_context(deployment.upstream())
        port = deployment.free_port()
        made = deployment.prepare(folder / "state", port, upstream.port, threads=1)
        stack.enter_context(deployment.hangu(made, port))  # brings the audit writer, and a token
        token = deployment.fetch_token(port, made)
        os.environ["HANGU_CONFIG"] = str(made.config)
        from gateway.app import create_app
        from gateway.settings import load_settings

        app = create_app(load_settings())
        body = deployment.chat_body(stream=stream)
        for _ in range(200):
            call(app, token, body)
        figures = _sample(app, token, body, seconds)
        app.extensions["hangu"].close()
        return figures


def _sample(app: Any, token: str, body: bytes, seconds: float) -> dict[str, float]:
    sampler = Sampler(str(deployment.ROOT) + os.sep)
    before = signal.signal(signal.SIGALRM, sampler.tick)
    signal.setitimer(signal.ITIMER_REAL, INTERVAL, INTERVAL)
    requests, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        call(app, token, body)
        requests += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    total = elapsed / requests * 1e6
    share = total / sampler.ticks.total()
    return {stage: ticks * share for stage, ticks in sampler.ticks.most_common()} | {"total": total}


def print_figures(figures: dict[str, float]) -> None:
    """One line a stage, the costliest first, the total last."""
    for stage, micros in figures.items():
        print(f"{stage:28}{micros:9.1f} µs{micros / figures['total']:8.1%}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Microseconds per request, by stage.")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where the log is written")
    parser.add_argument("--stream", action="store_true", help="ask for streamed answers")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    figures = run(options.seconds, options.folder, stream=options.stream)
    if options.json:
        sys.stdout.buffer.write(orjson.dumps(figures, option=orjson.OPT_INDENT_2) + b"\n")
        return
    print_figures(figures)


if __name__ == "__main__":
    main()
