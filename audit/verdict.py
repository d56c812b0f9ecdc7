"""Says what a verification found, to a person or as JSON, and shows progress on a terminal."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

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
    anchored = f"{report.anchored} lines" if report.anchored else "nothing: a cut behind a checkpoint is not seen"
    rows = [
        verdict,
        f"  origin       {report.origin}",
        f"  lines        {report.lines} in {report.segments} segments: {counts}",
        f"  time         {report.first_time} to {report.last_time}",
        f"  signed       {report.signed} lines",
        f"  anchored     {anchored}",
        f"  end          {'sealed by an orderly stop' if report.ended else 'open: being written, or killed'}",
    ]
    return "\n".join(rows)


def _torn(report: Report) -> str:
    return (
        f"torn tail: {report.unsigned_lines} lines and {report.unsigned_bytes} bytes behind the last checkpoint, "
        "never acknowledged (a writer at work may be writing them just now)"
    )


def progress_bar(directory: Path) -> Callable[[int], None] | None:
    """A callable that takes the bytes just read and draws on stderr, or None where no one is looking or it is quick."""
    if not sys.stderr.isatty():
        return None
    total = sum(file.lstat().st_size for file in directory.glob("*.log"))
    if total < _WORTH_A_BAR:
        return None
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        filled = min(_BAR, _BAR * done // total)
        end = "\n" if done >= total else ""
        sys.stderr.write(f"\r[{'#' * filled}{' ' * (_BAR - filled)}] {done >> 20} of {total >> 20} MiB{end}")

    return advance
