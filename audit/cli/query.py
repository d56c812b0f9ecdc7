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

from audit.cli.common import BAD, FINE, USAGE, fail, positive, unicode_text
from audit.cli.indexed import indexed, say
from audit.errors import AuditError, ReviewFailed, Tampered
from audit.review import recorded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.review.filters import Filters
    from audit.review.index import Index
    from audit.review.search import Case

_LIMIT, _MOST = 50, 100_000
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
    "user": ("U", "login name of who read the log, or destroyed sealed texts"),
}
_CHOICES = ("decision", "status")
_SAY = say("query")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = "Finds events. All filters must hold; of one that is given several times, any."
    parser.add_argument("directories", type=Path, nargs="+", metavar="DIR", help="log directories, one for each host")
    parser.add_argument("--since", metavar="T", help="from this time on: date, RFC 3339 time, or age such as 2h or 7d")
    parser.add_argument("--until", metavar="T", help="before this time")
    for name, (what, explained) in _PLAIN.items():
        parser.add_argument(f"--{name}", type=unicode_text, action="append", default=[], metavar=what, help=explained)
    parser.add_argument(
        "--role", action="append", type=unicode_text, default=[], metavar="R", help="a role of the caller"
    )
    parser.add_argument("--decision", action="append", default=[], choices=("allow", "deny"), help="what policy said")
    parser.add_argument(
        "--status", action="append", default=[], type=_status, metavar="N", help="HTTP status of a refusal"
    )
    parser.add_argument(
        "--filter",
        type=unicode_text,
        action="append",
        default=[],
        metavar="F",
        help="name of a filter that acted, or type of what it found",
    )
    parser.add_argument(
        "--policy", action="append", type=unicode_text, default=[], metavar="DIGEST", help="start of a policy's digest"
    )
    parser.add_argument(
        "--text",
        type=unicode_text,
        action="append",
        default=[],
        metavar="WORDS",
        help="texts kept in clear with all these words",
    )
    parser.add_argument(
        "--value",
        type=unicode_text,
        action="append",
        default=[],
        metavar="V",
        help="a value that a filter withheld, or a whole prompt or answer; `-` asks for it. Needs --hmac-key",
    )
    parser.add_argument(
        "--hmac-key", type=Path, action="append", default=[], metavar="FILE", help="key of the digests in the log"
    )
    parser.add_argument("--unfinished", action="store_true", help="admitted requests of which no end is recorded")
    parser.add_argument("--limit", type=_limit, default=_LIMIT, metavar="N", help=f"at most so many ({_LIMIT})")
    parser.add_argument("--order", choices=("newest", "oldest"), default="newest", help="which come first")
    parser.add_argument("--count", action="store_true", help="only say how many there are")
    parser.add_argument("--index", type=Path, metavar="FILE", help="where the index is: DIR.index.sqlite")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    recorded.configure(parser)


def run(options: argparse.Namespace) -> int:
    """0: answered, also with nothing; 1: a line of the log is none; 2: usage, no index, no writer for the record."""
    try:
        if options.index is not None and len(options.directories) > 1:
            return fail("--index is for one log; of several, each has its own beside it", USAGE)
        filters = _filters(options)
        with ExitStack() as stack:
            directories = dict.fromkeys(directory.resolve() for directory in options.directories)
            indexes = [stack.enter_context(indexed("query", directory, options.index)) for directory in directories]
            if options.count:
                return _count(options, filters, indexes)
            return _list(options, filters, indexes)
    except Tampered as error:
        return fail(error, BAD)
    except AuditError as error:
        return fail(error, USAGE)


def _filters(options: argparse.Namespace) -> "Filters":
    """What was asked for. Raises `ReviewFailed`, `ExportFailed` for a time, `KeyUnusable`."""
    from audit.digests import load_digests
    from audit.export.selection import parse_time
    from audit.review.filters import Filters

    now = datetime.now(UTC)
    if options.value and not options.hmac_key:
        raise ReviewFailed("--value: values are found by their keyed digests; give the key's file with --hmac-key")
    plain = {name: tuple(getattr(options, name)) for name in (*(n.replace("-", "_") for n in _PLAIN), *_CHOICES)}
    return Filters(
        plain={name: values for name, values in plain.items() if values},
        since=parse_time(options.since, now) if options.since else None,
        until=parse_time(options.until, now) if options.until else None,
        roles=tuple(options.role),
        filters=tuple(options.filter),
        bundles=tuple(options.policy),
        texts=tuple(options.text),
        values=tuple(_asked("value: ") if value == "-" else value for value in options.value),
        digests=tuple(load_digests(file) for file in options.hmac_key) if options.value or options.text else (),
        unfinished=options.unfinished,
    )


def _status(digits: str) -> int:
    """An HTTP status."""
    value = int(digits)
    if not 100 <= value <= 999:
        raise ValueError(digits)
    return value


def _limit(digits: str) -> int:
    """How many cases may be held in memory to be merged and shown; `audit export` has no such bound."""
    value = positive(digits)
    if value > _MOST:
        raise ValueError(digits)
    return value


def _asked(prompt: str) -> str:
    """What neither the command line nor the shell's history shall hold."""
    return getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


def _count(options: argparse.Namespace, filters: "Filters", indexes: "Sequence[Index]") -> int:
    from audit.review.search import count

    number = sum(count(index, filters) for index in indexes)
    recorded.record_read(options, "query", {**filters.described(), "count": True}, results=number)
    print(json.dumps({"count": number}) if options.json else number)
    return FINE


def _list(options: argparse.Namespace, filters: "Filters", indexes: "Sequence[Index]") -> int:
    from audit.review.search import search
    from audit.review.table import show

    newest = options.order == "newest"
    found = [search(index, filters, limit=options.limit + 1, newest_first=newest) for index in indexes]
    cases = list(islice(merge(*found, key=_by_time, reverse=newest), options.limit + 1))
    more, cases = len(cases) > options.limit, cases[: options.limit]
    recorded.record_read(options, "query", {**filters.described(), "limit": options.limit}, results=len(cases))
    if options.json:
        for case in cases:
            print(json.dumps(case.fields(), ensure_ascii=False))
    elif cases:
        show(cases, several=len(indexes) > 1)
    if more:
        _SAY(f"there are more than these {options.limit}; see --limit, --since and --until")
    elif not cases:
        _SAY("nothing found")
    return FINE


def _by_time(case: "Case") -> str:
    return case.time
