"""Says what a verification found, to a person or as JSON, and shows progress on a terminal."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from audit.directory import segment_files, segments_of
from audit.errors import Tampered
from audit.verify import CLEAN, TAMPERED, Report

_BAR = 40
_WORTH_A_BAR = 32 << 20


def show(report: Report, *, as_json: bool) -> None:
    """Print the report to stdout. A reader who hangs up early (`| head`) does not change the exit code."""
    try:
        print(json.dumps(asdict(report), ensure_ascii=False) if as_json else describe(report), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def describe(report: Report) -> str:
    """The report for a reader: the verdict first, then what it stands on."""
    verdict = {CLEAN: "clean", TAMPERED: f"TAMPERED: {report.problem}"}.get(report.state, _torn(report))
    counts = f"{report.records} records, {report.checkpoints} checkpoints, {report.recoveries} torn tails set aside"
    rows = [
        verdict,
        f"  origin       {report.origin}",
        f"  lines        {report.lines} in {report.segments} segments: {counts}",
        f"  time         {report.first_time} to {report.last_time}",
        f"  signed       {report.signed} lines, by {' then '.join(report.keys) or 'nobody'}",
        f"  anchored     {_anchored(report)}",
        f"  end          {'sealed by an orderly stop' if report.ended else 'open: being written, or killed'}",
    ]
    if report.purged:
        rows.insert(
            3, f"  purged       the lines before {report.purged}, as signed lines say; {report.first} is the first"
        )
    return "\n".join(rows)


def _anchored(report: Report) -> str:
    if not report.anchored:
        return "nothing: a cut behind a checkpoint is not seen"
    return f"{report.anchored} lines, up to {report.anchored_time}; a later cut behind a checkpoint is not seen"


def _torn(report: Report) -> str:
    return (
        f"torn tail: {report.unsigned_lines} lines and {report.unsigned_bytes} bytes behind the last checkpoint, "
        "never acknowledged (a writer at work may be writing them just now)"
    )


def progress_bar(directory: Path) -> Callable[[int], None] | None:
    """A callable that takes the bytes just read and draws on stderr, or None where no one is looking or it is quick.

    The bytes are those of the files, compressed where they are.
    """
    if not sys.stderr.isatty():
        return None
    try:
        files = segment_files(directory)
    except (OSError, Tampered):
        return None
    total = sum(files[name] for name in segments_of(files))
    return Bar(total, sys.stderr).advance if total >= _WORTH_A_BAR else None


class Bar:
    """A bar that is drawn again when there is something new to see, not with each piece read."""

    def __init__(self, total: int, stream: TextIO) -> None:
        self._total = total
        self._stream = stream
        self._done = 0
        self._drawn = -1

    def advance(self, count: int) -> None:
        """`count` more bytes are done. A log that grows meanwhile, or is read again in part, stays at its end."""
        self._done = min(self._total, self._done + count)
        permille = 1000 * self._done // self._total
        if permille == self._drawn:
            return
        self._drawn = permille
        filled = "#" * (_BAR * permille // 1000)
        end = "\n" if self._done == self._total else ""
        text = f"\r[{filled:<{_BAR}}] {permille / 10:5.1f} % of {self._total >> 20} MiB{end}"
        self._stream.write(text)
        self._stream.flush()
