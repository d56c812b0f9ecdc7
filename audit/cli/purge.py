"""`audit purge`: remove old segments, through the running writer or, where none runs, with its key."""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

from audit.cli.common import BAD, FINE, USAGE, days, fail
from audit.errors import AuditError, KeyUnusable, NotCanonical, RecordRefused

_KEEP_DAYS = 365
_PATIENCE = 60.0  # seconds for the writer to hash and remove what one request covers


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument(
        "--keep-days",
        type=days,
        default=_KEEP_DAYS,
        metavar="N",
        help=f"keep what has a line of the last N days (default {_KEEP_DAYS}, at least 183)",
    )
    parser.add_argument("--socket", type=Path, help="socket of the running writer, which then purges its own log")
    parser.add_argument("--key", type=Path, help="the log's private key, where no writer runs")
    parser.add_argument("--origin", help="name of the log, with --key")
    parser.add_argument("--dry-run", action="store_true", help="list what would go, and do nothing")


def run(options: argparse.Namespace) -> int:
    """0: done, or nothing to do; 1: refused, or the log cannot be written; 2: usage."""
    ways = (options.dry_run, options.socket is not None, options.key is not None and options.origin is not None)
    if sum(ways) != 1:
        return fail("one of --dry-run, --socket, and --key with --origin is needed", USAGE)
    try:
        rows = _listed(options) if options.dry_run else _by_writer(options) if options.socket else _by_key(options)
        for row in rows:
            print(row)
    except (KeyUnusable, NotCanonical, FileNotFoundError, NotADirectoryError) as error:
        return fail(error, USAGE)
    except (AuditError, OSError) as error:
        return fail(error, BAD)
    return FINE


def _listed(options: argparse.Namespace) -> Iterator[str]:
    from audit.purge import cutoff, plan

    what = plan(options.directory, cutoff(options.keep_days, time.time_ns()), most=None)
    yield from (content.file for content in what.removed) if what else ()


def _by_writer(options: argparse.Namespace) -> Iterator[str]:
    from audit.client import AuditClient

    client = AuditClient(options.socket, timeout=_PATIENCE)
    try:
        while names := client.purge(options.keep_days):
            yield from names
    finally:
        client.close()


def _by_key(options: argparse.Namespace) -> Iterator[str]:
    from audit.checkpoint import Signer
    from audit.directory import segments
    from audit.journal import Journal, Rotation
    from audit.keys import load_private
    from audit.purge import cutoff

    signer = Signer(options.origin, load_private(options.key))
    cutoff(options.keep_days, time.time_ns())  # refused before the log is opened
    if not segments(options.directory):
        raise RecordRefused(f"{options.directory}: not a log directory, there is no segment")
    journal = Journal(options.directory, signer, Rotation(), time.time_ns())
    try:
        while names := journal.purge(options.keep_days, time.time_ns()):
            yield from names
    finally:
        journal.close(time.time_ns())
