"""`audit keygen`: a new key pair."""

import argparse
from pathlib import Path

from audit.cli.common import FINE, USAGE, fail
from audit.errors import KeyUnusable


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--key", type=Path, required=True, help="new private key file")
    parser.add_argument("--public", type=Path, required=True, help="new public key file")
    parser.add_argument(
        "--auditor", action="store_true", help="a pair that texts are sealed to, instead of a signing key"
    )


def run(options: argparse.Namespace) -> int:
    if options.auditor:
        from audit.contents.auditor import generate
    else:
        from audit.keys import generate

    try:
        generate(options.key, options.public)
    except KeyUnusable as error:
        return fail(error, USAGE)
    return FINE
