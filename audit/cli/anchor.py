"""`audit anchor`: bring checkpoints to witnesses and stores, and fetch them back."""

import argparse
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from audit.cli.common import BAD, FINE, USAGE, fail, positive, seconds
from audit.errors import AnchorFailed, AuditError, KeyUnusable, LogBusy, NotCanonical, Tampered

if TYPE_CHECKING:
    from audit.anchors.anchoring import Anchoring
    from audit.anchors.s3_store import Retention
    from audit.checkpoint import LogKey

BUSY, TAMPERED = 3, 10
LAST_ROUND = 8.0  # seconds that the round after a signal may take
_SHORTEST = 0.05  # seconds between two rounds: with none, a core would do nothing else
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, nargs="?", metavar="DIR", help="log directory; not needed with --fetch")
    parser.add_argument("--key", type=Path, required=True, help="the log's public key: PEM, or a verifier key line")
    parser.add_argument("--state", type=Path, metavar="FILE", help="memory of this process, outside the log directory")
    parser.add_argument(
        "--to",
        action="append",
        default=[],
        metavar="TARGET",
        help="file, folder/ or URL (s3://bucket/prefix) for notes",
    )
    parser.add_argument(
        "--witness", action="append", nargs=2, default=[], metavar=("URL", "VKEY"), help="witness and its verifier key"
    )
    parser.add_argument("--every", type=seconds, default=60.0, metavar="S", help="a round each S seconds (60)")
    parser.add_argument("--once", action="store_true", help="one round; exit 1 where a target was not reached")
    parser.add_argument("--timeout", type=seconds, default=10.0, metavar="S", help="for each network step (10)")
    parser.add_argument(
        "--retain-days", type=positive, metavar="N", help="hold each S3 object by Object Lock for N days"
    )
    parser.add_argument("--retain-mode", choices=("COMPLIANCE", "GOVERNANCE"), default="COMPLIANCE")
    fetching = parser.add_argument_group("fetching notes back, for `audit verify --anchor`")
    fetching.add_argument("--fetch", metavar="TARGET", help="collect the notes of the log from a target, then exit")
    fetching.add_argument("--out", type=Path, metavar="FILE", help="where the notes go")
    fetching.add_argument("--origin", help="name of the log, where --key is PEM and no DIR is given")
    fetching.add_argument("--other-key", type=Path, action="append", default=[], help="further public key of the log")
    fetching.add_argument("--last", type=_count, default=100, metavar="N", help="the newest N sizes (100), 0 for all")
    fetching.add_argument(
        "--cosigned-by", action="append", default=[], metavar="VKEY", help="leave out notes that lack this witness"
    )


def run(options: argparse.Namespace) -> int:
    """0: done; 1: a target was not reached, nothing to fetch; 2: usage; 3: another process anchors; 10: tampered."""
    try:
        return _fetch(options) if options.fetch else _anchor(options)
    except Tampered as error:
        return fail(f"TAMPERED: {error}; nothing is anchored any more", TAMPERED)
    except LogBusy as error:
        return fail(error, BUSY)
    except (AuditError, OSError) as error:
        return fail(error, USAGE)


def _anchor(options: argparse.Namespace) -> int:
    from audit.anchors.durable import locked
    from audit.anchors.open_target import local_path
    from audit.export.output import outside

    if options.directory is None or options.state is None or not (options.to or options.witness):
        raise NotCanonical("DIR, --state and at least one --to or --witness are needed")
    for path in (options.state, *filter(None, map(local_path, options.to))):
        outside(path.absolute(), options.directory)
    if options.retain_days and not any(word.startswith(("s3://", "s3a://")) for word in options.to):
        raise NotCanonical("--retain-days holds objects in S3, and no --to names any")
    with locked(options.state.with_name(f"{options.state.name}.lock"), "another process anchors with this state"):
        anchoring = _anchoring(options)
        if options.once:
            return FINE if anchoring.round() else BAD
        return _rounds(anchoring, max(options.every, _SHORTEST))


def _rounds(anchoring: "Anchoring", every: float) -> int:
    """Rounds until a signal, and one more after it, so that what the writer sealed at its end is anchored too."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    stopping = False
    while True:
        try:
            anchoring.round(LAST_ROUND if stopping else None)
        except (Tampered, KeyUnusable):
            raise
        except (AuditError, OSError) as error:  # no log yet, or a full disk: the next round tries again
            _say(str(error))
        if stopping:
            return FINE
        stopping = signal.sigtimedwait(_SIGNALS, every) is not None


def _anchoring(options: argparse.Namespace) -> "Anchoring":
    from audit.anchors.anchoring import Anchoring, Source
    from audit.anchors.open_target import open_store
    from audit.anchors.target import Kept
    from audit.anchors.witness_client import WitnessTarget
    from audit.cosignature import parse_witness_key
    from audit.keys import load_public

    public, origin = load_public(options.key)
    witnesses = [WitnessTarget(url, parse_witness_key(_line(key)), options.timeout) for url, key in options.witness]
    stores = [Kept(open_store(word, options.timeout, _retention(options))) for word in options.to]
    names = [*(witness.name for witness in witnesses), *(store.name for store in stores)]
    if len(set(names)) != len(names):
        raise NotCanonical("a target is named twice")
    source = Source(options.directory, public, origin)
    rest = max(options.every, _SHORTEST)
    return Anchoring(source, options.state, witnesses, stores, timeout=options.timeout, rest=rest, say=_say)


def _fetch(options: argparse.Namespace) -> int:
    from audit.anchors.durable import replace_file
    from audit.anchors.fetch import fetch
    from audit.anchors.open_target import open_store
    from audit.cosignature import parse_witness_key
    from audit.export.output import outside

    if options.out is None:
        raise NotCanonical("--fetch needs --out FILE")
    if options.directory is not None:
        outside(options.out, options.directory)
    witnesses = [parse_witness_key(_line(key)) for key in options.cosigned_by]
    keys = list(_log_keys(options))
    try:
        found = fetch(open_store(options.fetch, options.timeout, None), keys, witnesses, options.last)
    except AnchorFailed as error:
        return fail(f"{options.fetch}: {error}", BAD)
    if found.left_out:
        _say(f"{options.fetch}: {found.left_out} notes left out, not signed or cosigned by the given keys")
    if not found.notes:
        return fail(f"{options.fetch}: no note of `{keys[0].origin}`", BAD)
    replace_file(options.out, "\n".join(found.notes).encode(), 0o644)
    print(f"{options.out}: {len(found.notes)} notes of {keys[0].origin}")
    return FINE


def _log_keys(options: argparse.Namespace) -> Iterable["LogKey"]:
    from audit.anchors.history import first_look
    from audit.checkpoint import LogKey
    from audit.keys import load_public

    public, origin = load_public(options.key)
    origin = options.origin or origin
    if origin is None and options.directory is not None:
        origin = first_look(options.directory, public, None).seen.checkpoint.origin
    if origin is None:
        raise KeyUnusable(f"{options.key}: does not name the log: give --origin, a verifier key line, or DIR")
    yield LogKey(origin, public)
    for file in options.other_key:
        yield LogKey(origin, load_public(file)[0])


def _retention(options: argparse.Namespace) -> "Retention | None":
    from audit.anchors.s3_store import Retention

    return Retention(options.retain_days, options.retain_mode) if options.retain_days else None


def _line(word: str) -> str:
    """A verifier key line: `word` itself, or what is in the file of that name."""
    from audit.keys import read_key_file

    return word if "+" in word else read_key_file(Path(word))[0].decode("utf-8", "replace")


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError(text)
    return value


def _say(text: str) -> None:
    print(f"audit anchor: {text}", file=sys.stderr, flush=True)
