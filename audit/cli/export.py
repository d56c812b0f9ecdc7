"""`audit export`: selected records for other tools, or an evidence pack of a few for an outsider."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from audit.cli.common import BAD, FINE, USAGE, fail
from audit.errors import AuditError, LogChanged, Tampered
from audit.review import recorded

if TYPE_CHECKING:
    from audit.checkpoint import Checkpoint
    from audit.export.selection import Selection

_FORMATS = ("csv", "jsonl", "parquet", "ocsf", "cef", "otel")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--format", choices=_FORMATS, help="of the rows; see docs/export.md")
    parser.add_argument("--since", metavar="T", help="from this time on: date, RFC 3339 time, or age such as 2h or 7d")
    parser.add_argument("--until", metavar="T", help="before this time")
    parser.add_argument("--event", action="append", default=[], metavar="E", help="only events of this name")
    parser.add_argument("--subject", action="append", default=[], metavar="S", help="only records of this subject")
    parser.add_argument("--out", metavar="FILE", help="new file, mode 0600, or `-` for stdout")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    parser.add_argument("--bom", action="store_true", help="start CSV with a byte order mark, for Excel with Chinese")
    parser.add_argument("--verified", action="store_true", help="verify the log first, and export what it signs only")
    parser.add_argument("--key", type=Path, help="public key for --verified and --evidence")
    parser.add_argument("--evidence", type=Path, metavar="FILE", help="write an evidence pack instead of rows")
    parser.add_argument("--request-id", action="append", default=[], metavar="ID", help="for --evidence: a request")
    parser.add_argument("--index", action="append", type=int, default=[], metavar="I", help="for --evidence: a record")
    parser.add_argument(
        "--anchor", action="append", type=Path, default=[], help="for --evidence: checkpoints kept apart"
    )
    recorded.configure(parser)


def run(options: argparse.Namespace) -> int:
    """0: written; 1: the log is tampered with or was changed meanwhile; 2: usage, nobody records the read, the disk."""
    try:
        if problem := _misused(options):
            return fail(problem, USAGE)
        if options.evidence is not None:
            _write_evidence(options)
        else:
            _write_rows(options)
    except (Tampered, LogChanged) as error:
        return fail(error, BAD)
    except AuditError as error:
        return fail(error, USAGE)
    return FINE


def _misused(options: argparse.Namespace) -> str | None:
    """What is wrong with the arguments together."""
    if (options.evidence or options.verified) and options.key is None:
        return "--key: the public key is needed, from a source other than this machine"
    if options.evidence is not None:
        if options.format or options.out:
            return "--evidence has a format and a file of its own"
        return None if options.request_id or options.index else "--evidence: which --request-id or --index?"
    if options.format is None or options.out is None:
        return "--format and --out are needed, or --evidence"
    if options.request_id or options.index or options.anchor:
        return "--request-id, --index and --anchor are for --evidence"
    if options.bom and options.format != "csv":
        return "--bom is for --format csv"
    if options.format == "parquet" and options.out == "-" and sys.stdout.isatty():
        return "--out: Parquet is not for a terminal"
    return None


def _write_rows(options: argparse.Namespace) -> None:
    from audit.export.export import export, origin_of
    from audit.export.formats import CSV_WITH_BOM, FORMATS
    from audit.export.output import open_output

    selection = _selection(options)
    with open_output(options.out, options.directory, force=options.force) as stream:
        recorded.record_read(options, "export", {"format": options.format, **selection.described()})
        checkpoint = _checkpoint(options)
        origin = origin_of(options.directory, checkpoint)
        sink = (CSV_WITH_BOM if options.bom else FORMATS[options.format])(stream, origin)
        exported = export(options.directory, selection, sink, checkpoint)
        sink.finish()
    state = "verified" if origin.verified else "NOT verified (see --verified)"
    _say(f"{exported.records} records of {exported.lines} lines of {origin.name}, {state}")


def _write_evidence(options: argparse.Namespace) -> None:
    from audit.evidence import Selection, write_pack
    from audit.evidence.anchors import read_notes
    from audit.export.output import outside
    from audit.keys import load_public

    out = outside(options.evidence, options.directory)
    public, origin = load_public(options.key)
    notes = [note for file in options.anchor for note in read_notes(file)]
    wanted = Selection(tuple(options.index), tuple(options.request_id))
    asked = {"request_ids": options.request_id, "indices": options.index}
    recorded.record_read(options, "export", {"evidence": {name: ids for name, ids in asked.items() if ids}})
    write_pack(options.directory, public, wanted, out, notes, origin)
    _say(f"evidence in {out}; check it with `audit prove --check {out} --key K`")


def _checkpoint(options: argparse.Namespace) -> "Checkpoint | None":
    """The newest checkpoint of the log, verified, where that was asked for."""
    if not options.verified:
        return None
    from audit.export.export import verified_checkpoint
    from audit.keys import load_public
    from audit.verdict import progress_bar

    public, origin = load_public(options.key)
    return verified_checkpoint(options.directory, public, origin, progress_bar(options.directory))


def _selection(options: argparse.Namespace) -> "Selection":
    from audit.export.selection import Selection, parse_time

    now = datetime.now(UTC)
    since = parse_time(options.since, now) if options.since else None
    until = parse_time(options.until, now) if options.until else None
    return Selection(since, until, tuple(options.event), tuple(options.subject))


def _say(text: str) -> None:
    print(f"audit export: {text}", file=sys.stderr)
