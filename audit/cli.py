"""`python -m audit serve | verify | keygen`. Each command imports only what it runs."""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from audit.errors import AuditError, KeyUnusable, LogBusy, NotCanonical, UnreadableLog

CLEAN, BAD, USAGE, BUSY, TORN, TAMPERED = 0, 1, 2, 3, 3, 10


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    try:
        options = _parser().parse_args(argv)
    except SystemExit as error:  # argparse has said what is wrong
        return USAGE if error.code else CLEAN
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        return BAD


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="audit", description="The tamper-evident log: write it, check it.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_serve(commands.add_parser("serve", help="hold a log directory and write what clients send"))
    _add_verify(commands.add_parser("verify", help="recompute a log and check every signature that covers it"))
    _add_keygen(commands.add_parser("keygen", help="make a signing key and its public half"))
    return parser


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--key", type=Path, required=True, help="Ed25519 private key, PEM PKCS #8, mode 0600")
    parser.add_argument("--socket", type=Path, required=True, help="Unix socket to listen on")
    parser.add_argument("--origin", required=True, help="name of this log, in every checkpoint and receipt")
    parser.add_argument(
        "--exit-when-idle", type=_seconds, metavar="S", help="seal and exit S seconds after the last client"
    )
    parser.add_argument("--max-segment-bytes", type=_positive, default=64 << 20, metavar="N")
    parser.add_argument(
        "--segment-seconds", type=_positive, default=3600, metavar="N", help="a new segment each N seconds"
    )
    parser.add_argument(
        "--allow-uid", type=int, action="append", default=[], metavar="UID", help="another user who may write"
    )
    parser.add_argument("--ready-fd", type=int, metavar="N", help="where to write the ready line, instead of stdout")
    parser.set_defaults(run=_serve)


def _serve(options: argparse.Namespace) -> int:
    """0: sealed; 1: tampered, key unusable or log given up; 2: usage; 3: another writer."""
    from audit.journal import Rotation
    from audit.serve import ServeOptions, serve

    wanted = ServeOptions(
        directory=options.directory,
        key=options.key,
        socket=options.socket,
        origin=options.origin,
        exit_when_idle=options.exit_when_idle,
        rotation=Rotation(options.max_segment_bytes, options.segment_seconds),
        allow_uids=tuple(options.allow_uid),
        ready_fd=options.ready_fd,
    )
    try:
        return serve(wanted)
    except LogBusy as error:
        return _fail(error, BUSY)
    except (KeyUnusable, NotCanonical) as error:
        return _fail(error, USAGE)
    except (AuditError, OSError) as error:
        return _fail(error, BAD)


def _add_keygen(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--key", type=Path, required=True, help="new private key file")
    parser.add_argument("--public", type=Path, required=True, help="new public key file")
    parser.set_defaults(run=_keygen)


def _keygen(options: argparse.Namespace) -> int:
    from audit.keys import generate

    try:
        generate(options.key, options.public)
    except KeyUnusable as error:
        return _fail(error, USAGE)
    return CLEAN


def _add_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument(
        "--key", type=Path, required=True, help="public key: PEM, or a verifier key line (name+id+base64)"
    )
    parser.add_argument("--anchor", type=Path, action="append", default=[], help="file of checkpoints kept elsewhere")
    parser.add_argument("--json", action="store_true", help="report as one JSON object")
    parser.set_defaults(run=_verify)


def _verify(options: argparse.Namespace) -> int:
    """0: clean; 3: torn tail; 10: tampered; 2: usage."""
    from audit.anchor import load_anchors
    from audit.keys import load_public
    from audit.report import progress_bar, show
    from audit.verify import verify

    try:
        public, origin = load_public(options.key)
        anchors = [checkpoint for file in options.anchor for checkpoint in load_anchors(file, public)]
        report = verify(options.directory, public, origin, anchors, progress_bar(options.directory))
    except (KeyUnusable, UnreadableLog) as error:
        return _fail(error, USAGE)
    show(report, as_json=options.json)
    return {"clean": CLEAN, "torn": TORN, "tampered": TAMPERED}[report.state]


def _fail(error: Exception, code: int) -> int:
    print(f"audit: {error}", file=sys.stderr)
    return code


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf:
        raise ValueError(text)
    return value


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value
