"""`audit witness`: a witness for the logs of others (https://c2sp.org/tlog-witness)."""

import argparse
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from audit.cli.common import BAD, FINE, USAGE, fail
from audit.errors import AuditError, KeyUnusable, LogBusy, NotCanonical

if TYPE_CHECKING:
    from audit.anchors.witness import Witness
    from audit.anchors.witness_state import WitnessState
    from audit.checkpoint import LogKey

BUSY = 3


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    keygen = actions.add_parser("keygen", help="make a witness: its key and its memory")
    keygen.add_argument("--name", required=True, help="name in every cosignature, such as witness.example.org/1")
    keygen.add_argument("--key", type=Path, required=True, help="new private key file")
    keygen.add_argument("--state", type=Path, required=True, metavar="DIR", help="new folder for what it cosigned")
    keygen.set_defaults(action=_keygen)
    serve = actions.add_parser("serve", help="answer submissions over HTTP")
    serve.add_argument("--listen", required=True, metavar="ADDRESS", help="HOST:PORT, or unix:PATH behind a proxy")
    serve.add_argument("--key", type=Path, required=True, help="the witness's private key")
    serve.add_argument("--state", type=Path, required=True, metavar="DIR", help="folder that `keygen` made")
    serve.add_argument(
        "--log", action="append", required=True, metavar="VKEY", help="verifier key line of a log, or a file with it"
    )
    serve.set_defaults(action=_serve)


def run(options: argparse.Namespace) -> int:
    """0: done, or ended by a signal; 1: memory damaged, or no socket; 2: usage; 3: another witness has the memory."""
    try:
        return int(options.action(options))
    except LogBusy as error:
        return fail(error, BUSY)
    except (KeyUnusable, NotCanonical, ValueError) as error:
        return fail(error, USAGE)
    except (AuditError, OSError) as error:
        return fail(error, BAD)


def _keygen(options: argparse.Namespace) -> int:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from audit.anchors.witness_state import create_state
    from audit.cosignature import WitnessKey
    from audit.keys import write_key_file

    private = Ed25519PrivateKey.generate()
    key = WitnessKey(options.name, private.public_key())
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    write_key_file(options.key, private.private_bytes(encoding, form, serialization.NoEncryption()), 0o600)
    create_state(options.state, key)
    print(key.vkey)
    return FINE


def _serve(options: argparse.Namespace) -> int:
    from audit.anchors.durable import locked
    from audit.anchors.witness_http import WitnessServer, listen
    from audit.anchors.witness_state import LOCK, WitnessState

    state = WitnessState(options.state)
    with locked(options.state / LOCK, "another witness uses this memory"):
        witness = _witness(options, state)
        with listen(options.listen) as listener, WitnessServer(listener, witness) as server:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
            print(f"ready {_name(options.listen, listener.getsockname())}", flush=True)
            print(f"audit witness: {state.key.vkey} cosigns {', '.join(sorted(witness.origins))}", file=sys.stderr)
            server.serve_forever(poll_interval=0.2)
    return FINE


def _witness(options: argparse.Namespace, state: "WitnessState") -> "Witness":
    from audit.anchors.witness import Witness
    from audit.cosignature import Cosigner
    from audit.keys import load_private

    cosigner = Cosigner(state.key.name, load_private(options.key))
    if cosigner.key.vkey != state.key.vkey:
        raise KeyUnusable(f"{options.key}: not the key of the witness whose memory {options.state} is")
    return Witness(cosigner, state, [_log(value) for value in options.log], time.time)


def _log(value: str) -> "LogKey":
    from audit.checkpoint import parse_vkey
    from audit.keys import read_key_file

    return parse_vkey(
        value
        if "+" in value and not Path(value).is_file()
        else read_key_file(Path(value))[0].decode("ascii", "replace")
    )


def _name(wanted: str, bound: object) -> str:
    """The address as it is, the port chosen where 0 was wanted."""
    if isinstance(bound, tuple):
        host = f"[{bound[0]}]" if ":" in str(bound[0]) else str(bound[0])
        return f"{host}:{bound[1]}"
    return wanted
