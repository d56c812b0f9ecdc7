"""`audit verify`: standard library and `cryptography` only."""

import argparse
from pathlib import Path

from audit.cli.common import FINE, USAGE, fail
from audit.errors import KeyUnusable, UnreadableLog

TORN, TAMPERED = 3, 10


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument(
        "--key", type=Path, required=True, help="public key: PEM, or a verifier key line (name+id+base64)"
    )
    parser.add_argument("--anchor", type=Path, action="append", default=[], help="file of checkpoints kept elsewhere")
    parser.add_argument("--json", action="store_true", help="report as one JSON object")


def run(options: argparse.Namespace) -> int:
    """0: clean; 3: torn tail; 10: tampered; 2: usage."""
    from audit.anchor import load_anchors
    from audit.keys import load_public
    from audit.verdict import progress_bar, show
    from audit.verify import verify

    try:
        public, origin = load_public(options.key)
        anchors = [checkpoint for file in options.anchor for checkpoint in load_anchors(file, public)]
        report = verify(options.directory, public, origin, anchors, progress_bar(options.directory))
    except (KeyUnusable, UnreadableLog) as error:
        return fail(error, USAGE)
    show(report, as_json=options.json)
    return {"clean": FINE, "torn": TORN, "tampered": TAMPERED}[report.state]
