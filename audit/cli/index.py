"""`audit index`: bring the index that `query` and `show` use up to date, or build it anew."""

import argparse
import json
from pathlib import Path

from audit.cli.common import BAD, FINE, USAGE, fail
from audit.cli.indexed import indexed, say
from audit.errors import AuditError, Tampered


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--index", type=Path, metavar="FILE", help="where the index is: DIR.index.sqlite")
    parser.add_argument("--rebuild", action="store_true", help="build it anew, whatever is there")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(options: argparse.Namespace) -> int:
    """0: up to date; 1: a line of the log is none; 2: usage, no log, or no place for the index."""
    from audit.review.index import place_of

    try:
        with indexed("index", options.directory, options.index, rebuild=options.rebuild) as index:
            (events,) = index.connection.execute("SELECT count(*) FROM event").fetchone()
        place = place_of(options.directory, options.index)
    except Tampered as error:
        return fail(error, BAD)
    except AuditError as error:
        return fail(error, USAGE)
    if options.json:
        print(json.dumps({"index": str(place), "origin": index.origin, "events": events}))
    else:
        say("index")(f"{events} events of {index.origin} in {place}")
    return FINE
