"""How fast is a long log searched? Index build, its size and memory, and the questions that people ask.

    python -m benchmarks.review [--records 1000000] [--folder DIR] [--json]

The log is that of `benchmarks.synthetic_log`. The index is built in a process of its own, so that its peak memory is
known. Each question is asked three times of an index that is up to date, and the fastest counts.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import orjson

if not __package__:  # run as a file: its own folder would hide the package `audit`
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from audit.digests import Digests
from audit.review.filters import Filters
from audit.review.index import Index, open_index, place_of
from audit.review.search import count, search
from benchmarks.synthetic_log import write_log

_ROWS = 50
_TIMES = 3


@dataclass(frozen=True, slots=True)
class Built:
    """An index of a log. Processor time and peak memory are those of all processes together."""

    records: int
    log_mb: float
    index_mb: float
    seconds: float
    cpu_seconds: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: milliseconds for the newest fifty cases and for their number, which is `cases`."""

    question: str
    list_ms: float
    count_ms: float
    cases: int


def build(log: Path, records: int) -> Built:
    """Build the index of a log in another process."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_build, args=(log, there))
    process.start()
    seconds, cpu, peak = here.recv()
    process.join()
    log_bytes = sum(each.stat().st_size for each in log.glob("*.log"))
    return Built(records, log_bytes / 1e6, place_of(log, None).stat().st_size / 1e6, seconds, cpu, peak)


def _build(log: Path, answer: Connection) -> None:
    start = time.perf_counter()
    with open_index(log, notice=print, rebuild=True):
        wall = time.perf_counter() - start
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(each.ru_utime + each.ru_stime for each in used)
    peak = sum(each.ru_maxrss for each in used) / 1024  # Linux counts in KiB
    answer.send((wall, cpu, peak))


def questions(index: Index) -> Iterator[tuple[str, Filters]]:
    """What reviewers ask, with names that occur in this log."""
    sql = "SELECT subject FROM event WHERE subject IS NOT NULL GROUP BY subject ORDER BY count(*)"
    subjects = [subject for (subject,) in index.connection.execute(sql)]
    (request,) = index.connection.execute("SELECT request_id FROM event ORDER BY idx LIMIT 1").fetchone()
    week = b"2026-12-16T00:00:00.000000Z"
    yield "the newest", Filters()
    yield "one request", Filters({"request_id": (request,)})
    yield "who asks seldom", Filters({"subject": (subjects[0],)})
    yield "who asks most", Filters({"subject": (subjects[-1],)})
    yield "a common role", Filters(roles=("nurse",))
    yield "refused, of one role", Filters({"decision": ("deny",)}, roles=("nurse",))
    yield "under one rule, for a week", Filters({"rule": ("policy.csv:5:1",)}, since=week)
    yield "aborted, of one role, for a week", Filters({"outcome": ("aborted",)}, roles=("admin",), since=week)
    yield "a filter that acted", Filters(filters=("card",))
    yield "under one policy", Filters(bundles=("0" * 58 + "abcdef",))
    yield "a word in many texts", Filters(texts=("医保",))
    yield "a rare phrase", Filters(texts=("医保报销住院",))
    yield "three words", Filters(texts=("医保 budget 手术",))
    yield "a withheld value", Filters(values=("4111 1111",), digests=(Digests(b"k" * 32),))
    yield "never finished", Filters(unfinished=True)


def ask(log: Path) -> list[Asked]:
    """The time of each question."""
    with open_index(log, notice=print) as index:
        return [_ask(index, question, filters) for question, filters in questions(index)]


def _ask(index: Index, question: str, filters: Filters) -> Asked:
    listed, counted, number = [], [], 0
    for _ in range(_TIMES):
        start = time.perf_counter()
        search(index, filters, limit=_ROWS)
        middle = time.perf_counter()
        number = count(index, filters)
        listed.append(middle - start)
        counted.append(time.perf_counter() - middle)
    return Asked(question, min(listed) * 1e3, min(counted) * 1e3, number)


def main(argv: list[str] | None = None) -> None:
    """Measure, then print a table, or JSON of the same figures."""
    parser = argparse.ArgumentParser(description="Speed of the review index.")
    parser.add_argument("--records", type=int, default=1_000_000, help="length of the log")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where the log is written")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="hangu-", dir=options.folder) as folder:
        log = Path(folder) / "log"
        write_log(log, options.records)
        built, asked = build(log, options.records), ask(log)
    if options.json:
        figures = {"build": asdict(built), "query": [asdict(each) for each in asked]}
        sys.stdout.buffer.write(orjson.dumps(figures, option=orjson.OPT_INDENT_2) + b"\n")
        return
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(
        f"{built.records} records, {built.log_mb:.0f} MB: index of {built.index_mb:.0f} MB in {built.seconds:.1f} s "
        f"({built.cpu_seconds:.1f} s of processor time in two processes), at most {built.peak_mb:.0f} MB of memory"
    )
    print(f"{'question':36}{'newest 50':>12}{'count':>12}{'cases':>10}")
    for each in asked:
        print(f"{each.question:36}{each.list_ms:9.1f} ms{each.count_ms:9.1f} ms{each.cases:10}")


if __name__ == "__main__":
    main()
