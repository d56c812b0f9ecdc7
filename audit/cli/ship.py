"""`audit ship`: send the log on to syslog and OTLP receivers as it grows."""

import argparse
from pathlib import Path

from audit.cli.common import BAD, FINE, USAGE, fail, positive, seconds
from audit.errors import AuditError


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument(
        "--to",
        action="append",
        required=True,
        metavar="URL",
        help="syslog+udp://HOST[:514], syslog+tcp://HOST[:514], syslog+tls://HOST[:6514], otlp+http://HOST[:4318], "
        "otlp+https://…; may be given several times",
    )
    parser.add_argument("--cursor", type=Path, required=True, help="file that keeps how far each target has got")
    parser.add_argument("--format", choices=("jsonl", "cef", "ocsf"), default="jsonl", help="text of syslog messages")
    parser.add_argument(
        "--max-message-bytes", type=positive, metavar="N", help="longest syslog message (2048 on UDP, else 8192)"
    )
    parser.add_argument("--ca-file", type=Path, metavar="FILE", help="certificates that TLS targets are held against")
    parser.add_argument("--client-cert", type=Path, metavar="FILE", help="our certificate and key for TLS targets, PEM")
    parser.add_argument("--every", type=seconds, default=1.0, metavar="S", help="seconds between two looks at the log")
    parser.add_argument(
        "--max-buffer", type=positive, default=1000, metavar="N", help="records that a target holds in memory"
    )
    parser.add_argument("--once", action="store_true", help="ship what is there, trying once, and exit")


def run(options: argparse.Namespace) -> int:
    """0: every target has everything; 1: one has not, or the log was cut or changed; 2: usage."""
    from audit.ship.courier import Pace
    from audit.ship.run import ShipOptions, ship
    from audit.ship.sender import Trust
    from audit.ship.target import MIN_MESSAGE, Wishes, parse_target

    if options.max_message_bytes is not None and options.max_message_bytes < MIN_MESSAGE:
        return fail(f"--max-message-bytes: every receiver must take {MIN_MESSAGE}", USAGE)
    if len(set(options.to)) < len(options.to):
        return fail("--to: the same target twice", USAGE)
    wishes = Wishes(options.format, options.max_message_bytes, Trust(options.ca_file, options.client_cert))
    try:
        wanted = ShipOptions(
            directory=options.directory,
            targets=[parse_target(url, wishes) for url in options.to],
            cursor=options.cursor,
            pace=Pace(options.max_buffer, max(options.every, 0.05)),
            once=options.once,
        )
        return FINE if ship(wanted) else BAD
    except AuditError as error:
        return fail(error, USAGE)
