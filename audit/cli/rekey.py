"""`audit rekey`: hand a log over to its next signing key, while no writer runs."""

import argparse
import time
from pathlib import Path

from audit.cli.common import BAD, FINE, USAGE, fail
from audit.errors import AuditError, KeyUnusable, NotCanonical, UnreadableLog


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--key", type=Path, required=True, help="private key that signed the log so far")
    parser.add_argument("--new-key", type=Path, required=True, help="private key that signs from now on")
    parser.add_argument("--origin", required=True, help="name of the log")


def run(options: argparse.Namespace) -> int:
    """0: done; 1: the log is bad, held by a writer, or cannot be written; 2: usage."""
    from audit.checkpoint import Signer
    from audit.keys import load_private
    from audit.rekey import rekey

    try:
        old, new = (Signer(options.origin, load_private(file)) for file in (options.key, options.new_key))
        rekey(options.directory, old, new, time.time_ns())
    except (KeyUnusable, NotCanonical, UnreadableLog) as error:
        return fail(error, USAGE)
    except (AuditError, OSError) as error:
        return fail(error, BAD)
    print(f"from now on the verifier key is: {new.key.vkey}")
    return FINE
