"""`audit verify`: standard library and `cryptography` only."""

import argparse
from pathlib import Path

from audit.cli.common import FINE, USAGE, fail
from audit.errors import KeyUnusable, UnreadableLog

TORN, TAMPERED = 3, 10


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, metavar="DIR", help="log directory, or a file: an evidence pack")
    parser.add_argument(
        "--key", type=Path, required=True, help="public key: PEM, or a verifier key line (name+id+base64)"
    )
    parser.add_argument("--anchor", type=Path, action="append", default=[], help="file of checkpoints kept elsewhere")
    parser.add_argument(
        "--witness-key",
        action="append",
        default=[],
        metavar="VKEY",
        help="verifier key line of a witness that must have cosigned every anchor given",
    )
    parser.add_argument("--json", action="store_true", help="report as one JSON object")


def run(options: argparse.Namespace) -> int:
    """0: clean; 3: torn tail; 10: tampered; 2: usage."""
    from audit.anchor import load_anchors
    from audit.cosignature import parse_witness_key
    from audit.keys import load_public
    from audit.verdict import progress_bar, show
    from audit.verify import verify

    directory = options.directory
    if directory.is_file():
        from audit.cli.prove import check_file

        return check_file(directory, options.key, options.anchor, options.witness_key, as_json=options.json)
    if options.witness_key and not options.anchor:
        return fail("a witness vouches for an anchor: give one with --anchor", USAGE)
    try:
        public, origin = load_public(options.key)
        witnesses = [parse_witness_key(line) for line in options.witness_key]
        anchors = [note for file in options.anchor for note in load_anchors(file, public, directory, witnesses)]
        report = verify(directory, public, origin, anchors, progress_bar(directory))
    except (KeyUnusable, UnreadableLog) as error:
        return fail(error, USAGE)
    show(report, as_json=options.json)
    return {"clean": FINE, "torn": TORN, "tampered": TAMPERED}[report.state]
