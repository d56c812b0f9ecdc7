"""`audit serve`: the writer process."""

import argparse
from pathlib import Path

from audit.cli.common import BAD, USAGE, fail, positive, seconds
from audit.errors import AuditError, KeyUnusable, LogBusy, NotCanonical

BUSY = 3


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--key", type=Path, required=True, help="Ed25519 private key, PEM PKCS #8, mode 0600")
    parser.add_argument("--socket", type=Path, required=True, help="Unix socket to listen on")
    parser.add_argument("--origin", required=True, help="name of this log, in every checkpoint and receipt")
    parser.add_argument(
        "--exit-when-idle", type=seconds, metavar="S", help="seal and exit S seconds after the last client"
    )
    parser.add_argument(
        "--heartbeat-seconds",
        type=seconds,
        default=60.0,
        metavar="S",
        help="record a heartbeat after S seconds without a record; 0: never",
    )
    parser.add_argument("--max-segment-bytes", type=positive, default=64 << 20, metavar="N")
    parser.add_argument(
        "--segment-seconds", type=positive, default=3600, metavar="N", help="a new segment each N seconds"
    )
    parser.add_argument(
        "--allow-uid", type=int, action="append", default=[], metavar="UID", help="another user who may write"
    )
    parser.add_argument("--ready-fd", type=int, metavar="N", help="where to write the ready line, instead of stdout")


def run(options: argparse.Namespace) -> int:
    """0: sealed; 1: tampered, key unusable or log given up; 2: usage; 3: another writer."""
    from audit.journal import Rotation
    from audit.serve import ServeOptions, serve
    from audit.writer import Timers

    wanted = ServeOptions(
        directory=options.directory,
        key=options.key,
        socket=options.socket,
        origin=options.origin,
        timers=Timers(options.heartbeat_seconds, options.exit_when_idle),
        rotation=Rotation(options.max_segment_bytes, options.segment_seconds),
        allow_uids=tuple(options.allow_uid),
        ready_fd=options.ready_fd,
    )
    try:
        return serve(wanted)
    except LogBusy as error:
        return fail(error, BUSY)
    except (KeyUnusable, NotCanonical) as error:
        return fail(error, USAGE)
    except (AuditError, OSError) as error:
        return fail(error, BAD)
