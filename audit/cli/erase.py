"""`audit erase`: make the sealed texts of a person, or all old ones, unreadable for ever. The log stays whole."""

import argparse
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from audit.cli.acting import acting
from audit.cli.common import BAD, FINE, USAGE, fail, positive
from audit.errors import AuditUnavailable, ContentsUnavailable, LogBusy, RecordRefused

if TYPE_CHECKING:
    from audit.contents.erasure import Doomed
    from audit.contents.store import Store


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("subject", nargs="?", metavar="SUBJECT", help="whose texts, as records name the `subject`")
    parser.add_argument(
        "--older-than-days", type=positive, metavar="N", help="everybody's texts of more than N days ago"
    )
    parser.add_argument("--contents", type=Path, required=True, metavar="DIR", help="folder of the sealed texts")
    parser.add_argument("--socket", type=Path, required=True, help="the writer's socket: an erasure is recorded")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be destroyed")
    parser.add_argument("--json", action="store_true", help="what was destroyed as one JSON object")


def run(options: argparse.Namespace) -> int:
    """0: destroyed and recorded, or there was nothing; 1: not everything could be destroyed; 2: usage, or no writer."""
    from audit.contents.store import maintenance, open_store

    if (options.subject is None) == (options.older_than_days is None):
        return fail("give either SUBJECT or --older-than-days N", USAGE)
    try:
        store = open_store(options.contents)
        with maintenance(store):
            return _erase(options, store)
    except (AuditUnavailable, RecordRefused, LogBusy) as error:
        return fail(f"nothing more is destroyed: {error}", USAGE)
    except ContentsUnavailable as error:
        return fail(error, BAD)


def _erase(options: argparse.Namespace, store: "Store") -> int:
    """Record, destroy, record: after a crash the log says at least that keys were about to be destroyed."""
    from audit.contents.erasure import destroy

    doomed = _doomed(options, store)
    if options.dry_run:
        return _say(options, doomed, "would be destroyed")
    with acting(options.socket) as log:
        told = log.bind(subject=options.subject, older_than_days=options.older_than_days, keys=len(doomed.keys))
        if doomed:
            told.event("content.erasing")
            destroy(doomed)
        told.event("content.erased", files=len(doomed.texts))
    return _say(options, doomed, "destroyed")


def _doomed(options: argparse.Namespace, store: "Store") -> "Doomed":
    from audit.contents.erasure import of_subject, older_than

    if options.subject is not None:
        return of_subject(store, options.subject)
    days = timedelta(days=min(options.older_than_days, 365_000))
    return older_than(store, datetime.now(UTC) - days)


def _say(options: argparse.Namespace, doomed: "Doomed", what: str) -> int:
    keys, files = len(doomed.keys), len(doomed.texts)
    if options.json:
        print(json.dumps({"done": what == "destroyed", "keys": keys, "files": files}))
    elif not doomed:
        whom = "this subject; is it written as the records name it?" if options.subject is not None else "that age"
        print(f"there is no key of {whom}")
    else:
        print(f"{keys} keys and {files} files of texts {what}")
    return FINE
