"""What does Hangu cost? Its throughput and latency beside a bare Flask proxy with the same server and upstream.

    python -m benchmarks.gateway [--seconds 3] [--rounds 3] [--threads 32] [--folder DIR] [--json]

Floor and Hangu run at the same time and are loaded in turns, so that a slow spell of the machine meets both. Every
figure is the median of its rounds. Compare ratios, not rates, between machines; where other work shares the machine,
processor time per request (the server's own processes, the audit writer too) is the steadier figure.
The log is written below `--folder`, and each request waits for that disk twice. Behind the table stands where the
time of a request goes, by stage (`benchmarks.stages`).
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

if not __package__:  # run as a file: its own folder would hide the package `gateway`
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks import deployment, stages
from benchmarks.cpu import cpu_seconds
from benchmarks.deployment import Server
from benchmarks.disk import sync_millis
from benchmarks.load import Load

CONNECTIONS = (1, 8, 32)
WARM_UP = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Run:
    """One run: requests per second, latencies in milliseconds, processor time of the server in µs per request."""

    rate: float
    p50: float
    p99: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `ratio` is Hangu's rate over the floor's."""

    stream: bool
    connections: int
    floor: Run
    hangu: Run
    ratio: float


def measure(server: Server, request: Path, connections: int, seconds: float) -> Run:
    """One run of the load generator, in its own process. Raises RuntimeError with what it said."""
    command = [sys.executable, "-m", "benchmarks.load", str(server.port), str(request), str(connections), str(seconds)]
    used = cpu_seconds(server.pid)
    done = subprocess.run(command, cwd=deployment.ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode("utf-8", "replace"))
    load = Load(**orjson.loads(done.stdout))
    used = cpu_seconds(server.pid) - used
    return Run(round(load.rate), round(load.p50, 2), round(load.p99, 2), round(used / load.requests * 1e6))


def compare(servers: tuple[Server, Server], request: Path, connections: int, seconds: float, rounds: int) -> list[Run]:
    """Load both in turns; the median run of each, by rate."""
    runs: tuple[list[Run], list[Run]] = ([], [])
    for _ in range(rounds):
        for server, taken in zip(servers, runs, strict=True):
            taken.append(measure(server, request, connections, seconds))
    return [_median(taken) for taken in runs]


def _median(runs: list[Run]) -> Run:
    middle = statistics.median_low(run.rate for run in runs)
    return next(run for run in runs if run.rate == middle)


def run(seconds: float, rounds: int, threads: int, place: Path) -> list[Row]:
    """Start everything, measure, stop everything."""
    rows = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hangu-", dir=place)))
        upstream = stack.enter_context(deployment.upstream())
        port = deployment.free_port()
        made = deployment.prepare(folder / "state", port, upstream.port, threads)
        hangu = stack.enter_context(deployment.hangu(made, port))
        servers = (stack.enter_context(deployment.floor(upstream.port, threads)), hangu)
        token = deployment.fetch_token(port, made)
        request = folder / "request"
        for stream in (False, True):
            request.write_bytes(deployment.chat_request(token, stream=stream))
            compare(servers, request, 8, WARM_UP, 1)
            for connections in CONNECTIONS:
                below, above = compare(servers, request, connections, seconds, rounds)
                rows.append(Row(stream, connections, below, above, round(above.rate / below.rate, 3)))
    return rows


def _print_table(rows: list[Row], sync: float) -> None:
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}, one worker, fdatasync {sync:.2f} ms")
    print(f"{'':18}{'floor':>36}{'Hangu':>36}")
    print(f"{'':18}" + f"{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'cpu µs':>9}" * 2 + f"{'ratio':>8}")
    for row in rows:
        name = f"{'stream' if row.stream else 'whole'}, {row.connections} conn."
        sides = "".join(f"{run.rate:9.0f}{run.p50:9.2f}{run.p99:9.2f}{run.cpu:9.0f}" for run in (row.floor, row.hangu))
        print(f"{name:18}{sides}{row.ratio:8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Throughput and latency of Hangu beside a bare proxy.")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one run")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each side for each line")
    parser.add_argument("--threads", type=int, default=32, help="threads of the one worker, on both sides")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where the log is written")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    sync = sync_millis(options.folder)
    rows = run(options.seconds, options.rounds, options.threads, options.folder)
    profile = stages.run(options.seconds, options.folder, stream=False)
    if options.json:
        figures = {"fdatasync_ms": round(sync, 3), "rows": [asdict(row) for row in rows], "stages_us": profile}
        sys.stdout.buffer.write(orjson.dumps(figures, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        _print_table(rows, sync)
        print("\nwhere the time of one whole answer goes, without gunicorn:")
        stages.print_figures(profile)


if __name__ == "__main__":
    main()
