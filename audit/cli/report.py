"""`audit report`: use, refusals, rules, filters and what stands out, as a page or a PDF."""

import argparse
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from audit.cli.common import BAD, FINE, USAGE, fail
from audit.errors import AuditError, ReviewFailed, Tampered
from audit.review import recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from audit.report.period import Period
    from audit.report.summary import Summary
    from audit.review.index import Index
    from audit.verify import Report

_FORMATS = (".html", ".pdf")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directories", type=Path, nargs="+", metavar="DIR", help="log directories, one for each host")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="new file: .html or .pdf, mode 0600")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    parser.add_argument("--since", metavar="T", help="from this time on: date, RFC 3339 time, or age such as 7d")
    parser.add_argument("--until", metavar="T", help="before this time")
    parser.add_argument(
        "--key", type=Path, action="append", default=[], help="verify the logs first: one key for all, or one for each"
    )
    parser.add_argument("--index", type=Path, metavar="FILE", help="where the index is: DIR.index.sqlite")
    recorded.configure(parser)


def run(options: argparse.Namespace) -> int:
    """0: written; 1: a log is tampered with (the report is written and says so); 2: usage, no writer, the disk."""
    try:
        if problem := _misused(options):
            return fail(problem, USAGE)
        return _report(options)
    except Tampered as error:
        return fail(error, BAD)
    except AuditError as error:
        return fail(error, USAGE)


def _misused(options: argparse.Namespace) -> str | None:
    if options.out.suffix not in _FORMATS:
        return f"--out {options.out}: a report is .html or .pdf"
    if len(options.key) not in (0, 1, len(options.directories)):
        return "--key: give one key for all logs, or one for each in their order"
    if options.index is not None and len(options.directories) > 1:
        return "--index is for one log; of several, each has its own beside it"
    return None


def _report(options: argparse.Namespace) -> int:
    from audit.export.output import open_output

    render = _renderer(options.out.suffix)
    integrity, sound = _integrity(options)
    with ExitStack() as stack:
        summary = _summary(options, stack, integrity)
        recorded.record_read(options, "report", {"since": summary.since, "until": summary.until})
        with open_output(str(options.out), options.directories[0], force=options.force) as stream:
            stream.write(render(summary))
    return FINE if sound else BAD


def _renderer(suffix: str) -> "Callable[[Summary], bytes]":
    """Raises `ReviewFailed` where the package that draws is not installed."""
    try:
        import reportlab  # noqa: F401 - whether it is there is all that is asked
    except ModuleNotFoundError as error:
        raise ReviewFailed("reports need `reportlab`: pip install 'hangu[review]'") from error
    from audit.report import html, pdf

    return pdf.render if suffix == ".pdf" else lambda summary: html.render(summary).encode()


def _integrity(options: argparse.Namespace) -> tuple[tuple[tuple[str, str], ...], bool]:
    """What the verifier says of each log, and whether all are sound."""
    from audit.keys import load_public
    from audit.verdict import progress_bar
    from audit.verify import TAMPERED, verify

    if not options.key:
        return tuple((str(directory), "not verified: no --key was given") for directory in options.directories), True
    keys = options.key if len(options.key) > 1 else options.key * len(options.directories)
    found, sound = [], True
    for directory, key in zip(options.directories, keys, strict=True):
        public, origin = load_public(key)
        report = verify(directory, public, origin, (), progress_bar(directory))
        sound = sound and report.state != TAMPERED
        found.append((report.origin or str(directory), _said(report)))
    return tuple(found), sound


def _said(report: "Report") -> str:
    verdict = f"TAMPERED: {report.problem}" if report.problem else report.state
    anchored = f"{report.anchored} anchored" if report.anchored else "no anchor given"
    return (
        f"{verdict}; {report.lines} lines from {report.first_time} to {report.last_time}, "
        f"{report.signed} covered by signatures, {anchored}, {report.recoveries} torn tails set aside"
    )


def _summary(options: argparse.Namespace, stack: ExitStack, integrity: tuple[tuple[str, str], ...]) -> "Summary":
    from audit.cli.indexed import indexed
    from audit.report.collect import Frame, between, collect

    directories = dict.fromkeys(directory.resolve() for directory in options.directories)
    logs = [(each, stack.enter_context(indexed("report", each, options.index))) for each in directories]
    period = _period(options, [index for _, index in logs])
    made = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return collect(logs, period, Frame(*between(period), made, integrity))


def _period(options: argparse.Namespace, indexes: "Sequence[Index]") -> "Period":
    """What was asked for; where nothing was, all that there is."""
    from audit.export.selection import parse_time
    from audit.report.collect import bounds
    from audit.report.period import microseconds, period

    now = datetime.now(UTC)
    known = bounds(indexes)
    if known is None:
        raise ReviewFailed("there is nothing in these logs to report on")
    since = microseconds(parse_time(options.since, now)) if options.since else known[0]
    until = microseconds(parse_time(options.until, now)) if options.until else known[1] + 1
    if since >= until:
        raise ReviewFailed("the period ends before it begins")
    return period(since, until)
