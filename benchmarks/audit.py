"""What does the audit log cost? Durable records per second and their latency, beside SQLite, and the verifier's speed.

    python -m benchmarks.audit [--seconds 3] [--rounds 3] [--writers 1 8 32] [--folder DIR] [--json]

Hangu's writer and SQLite (WAL, synchronous=FULL, one insert and commit a record) take turns on the same disk in the
same run, so that a slow spell meets both; each figure is that of the round with the median rate. Both make every record
durable before it counts; Hangu's are signed as well. Writers are shown as processes x threads.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

if not __package__:  # run as a file: its own folder would hide the package `audit`
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from audit import keys
from audit.checkpoint import Signer
from audit.journal import Journal, Rotation
from audit.verify import CLEAN, verify
from benchmarks.audit_load import Run, Shape, load, new_database, record, shapes, to_hangu, to_sqlite
from benchmarks.disk import sync_millis

ROOT = Path(__file__).parent.parent
ORIGIN = "benchmark/hangu"
_BATCH = 8  # records of one commit: as many as eight writers leave


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `ratio` is Hangu's rate over SQLite's; `fdatasync` is the disk's, in milliseconds."""

    writers: str
    fdatasync: float
    sqlite: Run
    hangu: Run
    ratio: float


@dataclass(frozen=True, slots=True)
class Verified:
    """How fast one core checks a whole log."""

    lines: int
    seconds: float
    rate: float


@contextmanager
def writer(folder: Path) -> Iterator[Path]:
    """A running writer of a new log below `folder`; its socket."""
    socket = folder / "socket"
    keys.generate(folder / "key.pem", folder / "public.pem")
    where = [str(folder / "log"), "--key", str(folder / "key.pem"), "--socket", str(socket), "--origin", ORIGIN]
    command = [sys.executable, "-m", "audit", "serve", *where]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            if process.stdout is None or not process.stdout.readline():
                raise RuntimeError("the writer did not start; its message is above")
            yield socket
        finally:
            process.terminate()


def compare(folder: Path, socket: Path, shape: Shape, seconds: float, rounds: int) -> Row:
    """Both logs in turns under the same load."""
    syncs, sqlite, hangu = [], [], []
    for turn in range(rounds):
        database = folder / f"{shape.processes}-{shape.threads}-{turn}.db"
        new_database(database)
        syncs.append(sync_millis(folder))
        sqlite.append(load(to_sqlite, database, shape, seconds))
        hangu.append(load(to_hangu, socket, shape, seconds))
    below, above = _median(sqlite), _median(hangu)
    return Row(str(shape), statistics.median(syncs), below, above, above.rate / below.rate)


def _median(runs: list[Run]) -> Run:
    middle = statistics.median_low(run.rate for run in runs)
    return next(run for run in runs if run.rate == middle)


def append(place: Path, writers: list[int], seconds: float, rounds: int) -> list[Row]:
    """A row for each way to spread each number of writers."""
    with tempfile.TemporaryDirectory(prefix="hangu-", dir=place) as folder, writer(Path(folder)) as socket:
        load(to_hangu, socket, Shape(1, 4), min(seconds, 0.5))  # a warm-up
        every = [shape for count in writers for shape in shapes(count)]
        return [compare(Path(folder), socket, shape, seconds, rounds) for shape in every]


def check(place: Path, records: int) -> Verified:
    """Write a log of so many records in commits of eight, and verify it."""
    with tempfile.TemporaryDirectory(prefix="hangu-", dir=place) as name:
        folder = Path(name)
        keys.generate(folder / "key.pem", folder / "public.pem")
        signer = Signer(ORIGIN, keys.load_private(folder / "key.pem"))
        journal = Journal(folder / "log", signer, Rotation(), time.time_ns())
        batch = [record()] * _BATCH
        for _ in range(max(1, records // _BATCH)):
            journal.append(batch, time.time_ns())
        journal.close(time.time_ns())
        start = time.perf_counter()
        report = verify(folder / "log", signer.key.public)
        taken = time.perf_counter() - start
    if report.state != CLEAN:
        raise RuntimeError(f"the benchmark's own log is {report.state}")
    return Verified(report.lines, taken, report.lines / taken)


def _print_table(rows: list[Row]) -> None:
    print(f"{'':10}{'fdatasync':>11}{'SQLite':>30}{'Hangu':>34}")
    print(f"{'writers':10}{'ms':>11}" + f"{'rec/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'max':>7}" * 2 + f"{'ratio':>8}")
    for row in rows:
        sides = "".join(f"{r.rate:9.0f}{r.p50:9.2f}{r.p99:9.2f}{r.slowest:7.0f}" for r in (row.sqlite, row.hangu))
        print(f"{row.writers:10}{row.fdatasync:11.2f}{sides}{row.ratio:8.1f}")


def main(argv: list[str] | None = None) -> None:
    """Measure, then print a table, or JSON of the same figures."""
    parser = argparse.ArgumentParser(description="Speed of the audit log beside SQLite, and of its verifier.")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one run")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each side for each line")
    parser.add_argument("--writers", type=int, nargs="+", default=[1, 8, 32], help="how many append at once")
    parser.add_argument("--records", type=int, default=200_000, help="length of the log that is verified")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where the logs are written")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(argv)
    rows = append(options.folder, options.writers, options.seconds, options.rounds)
    verified = check(options.folder, options.records)
    if options.json:
        figures = {"append": [asdict(row) for row in rows], "verify": asdict(verified)}
        sys.stdout.buffer.write(orjson.dumps(figures, option=orjson.OPT_INDENT_2) + b"\n")
        return
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {len(record())} B records"
    )
    _print_table(rows)
    print(f"\nverify: {verified.rate:,.0f} lines/s on one core ({verified.lines:,} lines)")


if __name__ == "__main__":
    main()
