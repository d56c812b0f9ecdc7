"""`audit keygen`: a new key pair."""

import argparse
from pathlib import Path

from audit.cli.common import FINE, USAGE, fail
from audit.errors import KeyUnusable, NotCanonical


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--key", type=Path, required=True, help="new private key file")
    parser.add_argument("--public", type=Path, required=True, help="new public key file")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--origin", help="name of the log: the public file is then a verifier key line, which names it")
    kind.add_argument(
        "--auditor", action="store_true", help="a pair that texts are sealed to, instead of a signing key"
    )


def run(options: argparse.Namespace) -> int:
    try:
        if options.auditor:
            from audit.contents import auditor

            auditor.generate(options.key, options.public)
        else:
            from audit import keys

            keys.generate(options.key, options.public, options.origin)
    except (KeyUnusable, NotCanonical) as error:
        return fail(error, USAGE)
    return FINE
