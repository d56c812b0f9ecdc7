"""Every read of the log stands in the log: who read, with which command, looking for what.

    recorded.configure(parser)                                  # --socket and --unrecorded
    record_read(options, "query", {"subject": ["alice"]}, results=12)

Call `record_read` before anything that was read is shown. It returns once the record is durable, so a read that cannot
be recorded shows nothing. What is searched for in texts must not be in `filters`: see `concealed`.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from audit.cli.acting import acting
from audit.directory import SOCKET, printable
from audit.errors import AuditUnavailable, RecordRefused

if TYPE_CHECKING:
    from audit.digests import Digests

VARIABLE = "HANGU_AUDIT_SOCKET"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options that `record_read` goes by."""
    parser.add_argument(
        "--socket",
        type=Path,
        metavar="S",
        help=f"the writer's socket: this read is recorded first. Default: {VARIABLE}, else DIR/{SOCKET}",
    )
    parser.add_argument(
        "--unrecorded", action="store_true", help="do not record this read: for a copy of the log without its writer"
    )


def record_read(
    options: argparse.Namespace, command: str, filters: Mapping[str, object], *, results: int | None = None
) -> None:
    """Write `audit.read` through the writer of each log that is read, and return once that is durable.

    `options` has `directory` (a path) or `directories` (paths), `socket` and `unrecorded`. With a socket, one record
    goes there; else one to the writer in each of the directories. With `unrecorded` none is written and stderr says so.
    Raises `AuditUnavailable` where no writer takes it, `RecordRefused` where `filters` has no place in a record.
    """
    directories = _directories(options)
    if options.unrecorded:
        print(f"audit {command}: this read is NOT recorded", file=sys.stderr)
        return
    for socket in _sockets(options.socket, directories):
        _record(socket, command, filters, directories, results)


def concealed(text: str, digests: "Iterable[Digests]" = ()) -> dict[str, object]:
    """What a record may say of a text that was searched for: its length, and its digest under each key at hand."""
    found: dict[str, object] = {"chars": len(text)}
    hmacs = [{"hmac": each.withheld(text), "key": each.id} for each in digests]
    return found | ({"hmacs": hmacs} if hmacs else {})


def _directories(options: argparse.Namespace) -> list[Path]:
    several = getattr(options, "directories", None)
    return list(dict.fromkeys(several)) if several else [options.directory]


def _sockets(given: Path | None, directories: list[Path]) -> list[Path]:
    named = given or os.environ.get(VARIABLE)
    return [Path(named)] if named else [directory / SOCKET for directory in directories]


def _record(
    socket: Path, command: str, filters: Mapping[str, object], directories: list[Path], results: int | None
) -> None:
    logs = [str(directory.absolute()) for directory in directories]
    try:
        with acting(socket) as log:
            log.event("audit.read", command=command, filters=dict(filters), logs=logs, results=results)
    except AuditUnavailable as error:
        raise AuditUnavailable(
            f"this read cannot be recorded at {printable(str(socket))}, so nothing is shown: {error}. "
            "Name the writer's socket with --socket; --unrecorded reads a copy of the log without its writer"
        ) from error
    except RecordRefused as error:
        raise RecordRefused(f"this read cannot be recorded, so nothing is shown: {error}") from error
