"""`audit rewrap`: hand the sealed texts over to another auditor key. The texts themselves are not touched."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from audit.cli.acting import acting
from audit.cli.common import BAD, FINE, USAGE, fail
from audit.errors import AuditUnavailable, ContentsUnavailable, KeyUnusable, LogBusy, RecordRefused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    from audit.contents.rewrap import Rewrapped
    from audit.contents.store import Store


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--contents", type=Path, required=True, metavar="DIR", help="folder of the sealed texts")
    parser.add_argument("--auditor-key", type=Path, required=True, metavar="OLD", help="private key in use until now")
    parser.add_argument("--to", type=Path, required=True, metavar="NEW", help="public key of the new pair")
    parser.add_argument("--socket", type=Path, help="the writer's socket: the change is recorded")
    parser.add_argument("--unrecorded", action="store_true", help="work on a copy of the folder, without a record")


def run(options: argparse.Namespace) -> int:
    """0: every key is with the new auditor; 1: some are not, or the store failed; 2: usage, or no writer."""
    from audit.contents.auditor import load_private, load_public
    from audit.contents.rewrap import rewrap
    from audit.contents.store import maintenance, open_store

    if options.socket is None and not options.unrecorded:
        return fail("give --socket, so that the change is recorded, or --unrecorded", USAGE)
    try:
        old, new = load_private(options.auditor_key), load_public(options.to)
        store = open_store(options.contents)
        with maintenance(store):
            done = rewrap(store, old, new) if options.unrecorded else _recorded(options.socket, store, old, new)
    except (KeyUnusable, AuditUnavailable, RecordRefused, LogBusy) as error:
        return fail(error, USAGE)
    except ContentsUnavailable as error:
        return fail(error, BAD)
    return _say(done)


def _recorded(socket: Path, store: "Store", old: "X25519PrivateKey", new: "X25519PublicKey") -> "Rewrapped":
    """Record, rewrap, record: after a crash the log says at least that keys were about to be handed over."""
    from audit.contents.auditor import key_id
    from audit.contents.rewrap import rewrap

    with acting(socket) as log:
        log.event("content.rewrapping", auditor=key_id(new))
        done = rewrap(store, old, new)
        log.event("content.rewrapped", auditor=key_id(new), keys=done.moved, problems=len(done.problems))
    return done


def _say(done: "Rewrapped") -> int:
    print(
        f"{done.moved} keys moved, {done.already} were with this auditor already, {len(done.problems)} cannot be moved"
    )
    for problem in done.problems[:20]:
        fail(problem, BAD)
    return BAD if done.problems else FINE
