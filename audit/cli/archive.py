"""`audit archive`: compress old segments where they are, beside a writer at work."""

import argparse
import time
from pathlib import Path

from audit.cli.common import BAD, FINE, USAGE, days, fail
from audit.errors import ArchiveFailed, LogBusy, Tampered

_DAY_NS = 86_400 * 1_000_000_000


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument(
        "--older-than-days", type=days, default=0, metavar="N", help="only segments last written to N days ago or more"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be compressed, and do nothing")


def run(options: argparse.Namespace) -> int:
    """0: done, or nothing to do; 1: the log is bad, or something stands in the way; 2: usage."""
    from audit.archive import archivable, archive

    try:
        names = archivable(options.directory, time.time_ns() - options.older_than_days * _DAY_NS)
        for name in names:
            if not options.dry_run:
                archive(options.directory, name)
            print(f"{name}.gz")
    except (FileNotFoundError, NotADirectoryError) as error:
        return fail(error, USAGE)
    except (ArchiveFailed, LogBusy, Tampered, OSError) as error:
        return fail(error, BAD)
    return FINE
