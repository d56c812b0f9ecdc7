"""`audit query`: find what happened, by who, what, when, under which rule, and how it ended."""

import argparse
import getpass
import json
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from audit.cli.common import BAD, FINE, USAGE, fail, positive
from audit.errors import AuditError, ReviewFailed, Tampered
from audit.review import recorded

if TYPE_CHECKING:
    from audit.review.filters import Filters
    from audit.review.index import Index
    from audit.review.search import Case

_LIMIT = 50
# Options that compare a field, each with what to call its value and what it is; `audit.review.filters.PLAIN` by `dest`.
_PLAIN = {
    "subject": ("S", "who asked, as records name it"),
    "model": ("M", "id of the model"),
    "rule": ("R", "the rule that decided: policy.csv:5:1"),
    "request-id": ("ID", "one request"),
    "event": ("E", "name of the event: docs/events.md"),
    "code": ("C", "error code: docs/errors.md"),
    "outcome": ("O", "completed, content_filter, aborted or failed"),
    "route": ("R", "name of the endpoint"),
    "client": ("C", "client of the token"),
    "issuer": ("I", "issuer of the token"),
    "tenant": ("T", "tenant of the token"),
    "address": ("A", "the caller's address"),
}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = "Finds events. All filters must hold; of one that is given several times, any."
    parser.add_argument("directories", type=Path, nargs="+", metavar="DIR", help="log directories, one for each host")
    parser.add_argument("--since", metavar="T", help="from this time on: date, RFC 3339 time, or age such as 2h or 7d")
    parser.add_argument("--until", metavar="T", help="before this time")
    for name, (what, explained) in _PLAIN.items():
        parser.add_argument(f"--{name}", action="append", default=[], metavar=what, help=explained)
    parser.add_argument("--role", action="append", default=[], metavar="R", help="a role of the caller")
    parser.add_argument("--decision", action="append", default=[], choices=("allow", "deny"), help="what policy said")
    parser.add_argument("--status", action="append", default=[], type=int, metavar="N", help="HTTP status of a refusal")
    parser.add_argument(
        "--filter", action="append", default=[], metavar="F", help="name of a filter that acted, or type of what it found"
    )
    parser.add_argument("--policy", action="append", default=[], metavar="DIGEST", help="start of a policy's digest")
    parser.add_argument(
        "--text", action="append", default=[], metavar="WORDS", help="texts kept in clear with all these words"
    )
    parser.add_argument(
        "--value",
        action="append",
        default=[],
        metavar="V",
        help="a value that a filter withheld, or a whole prompt or answer; `-` asks for it. Needs --hmac-key",
    )
    parser.add_argument(
        "--hmac-key", type=Path, action="append", default=[], metavar="FILE", help="key of the digests in the log"
    )
    parser.add_argument("--unfinished", action="store_true", help="admitted requests of which no end is recorded")
    parser.add_argument("--limit", type=positive, default=_LIMIT, metavar="N", help=f"at most so many ({_LIMIT})")
    parser.add_argument("--order", choices=("newest", "oldest"), default="newest", help="which come first")
    parser.add_argument("--count", action="store_true", help="only say how many there are")
    parser.add_argument("--index", type=Path, metavar="FILE", help="where the index is: DIR.index.sqlite")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    recorded.configure(parser)


def run(options: argparse.Namespace) -> int:
    """0: answered, also with nothing; 1: a line of the log is none; 2: usage, no index, no writer to record the read."""
    try:
        if options.index is not None and len(options.directories) > 1:
            return fail("--index is for one log; of several, each has its own beside it", USAGE)
        filters = _filters(options)
        with ExitStack() as stack:
            indexes = [stack.enter_context(_opened(directory, options.index)) for directory in options.directories]
            if options.count:
                return _count(options, filters, indexes)
            return _list(options, filters, indexes)
    except Tampered as error:
        return fail(error, BAD)
    except AuditError as error:
        return fail(error, USAGE)
