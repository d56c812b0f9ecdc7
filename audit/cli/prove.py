"""`audit prove`: a proof from a log as a file that convinces without the log, and the check of such a file.

Standard library and `cryptography` only; recording that the log was read takes a host with the gateway on it.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audit.cli.common import FINE, USAGE, fail
from audit.errors import (
    AuditUnavailable,
    KeyUnusable,
    NotProvable,
    ProofInvalid,
    RecordRefused,
    Tampered,
    UnreadableLog,
)
from audit.review import recorded

if TYPE_CHECKING:
    from audit.evidence import Finding, Pack
    from audit.prove import Prover

REFUSED = 10


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, nargs="?", metavar="DIR")
    parser.add_argument("--key", type=Path, required=True, help="public key: PEM, or a verifier key line")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--index", type=int, metavar="I", help="prove line I")
    what.add_argument("--receipt", metavar="ORIGIN/I", help="prove the record of this `Hangu-Record` header")
    what.add_argument("--request-id", metavar="ID", help="prove all records of a request, with the policy that decided")
    what.add_argument(
        "--consistency", type=Path, nargs="+", metavar="NOTE", help="prove that the log continues an older checkpoint"
    )
    what.add_argument("--check", type=Path, metavar="PACK", help="check an evidence pack; no log is needed")
    parser.add_argument("--at", type=int, metavar="SIZE", help="under the checkpoint of SIZE lines, not the newest")
    parser.add_argument("--commit", action="store_true", help="under the checkpoint of the line's own commit")
    parser.add_argument(
        "--anchor", type=Path, action="append", default=[], metavar="FILE", help="checkpoints kept elsewhere"
    )
    parser.add_argument(
        "--witness-key", action="append", default=[], metavar="VKEY", help="verifier key line of a witness"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the proof to this new file")
    parser.add_argument("--explain", action="store_true", help="say step by step what is proved")
    parser.add_argument("--json", action="store_true", help="print what is shown as one JSON object")
    recorded.configure(parser)


def run(options: argparse.Namespace) -> int:
    """0: proved; 10: the pack or the log does not show it; 2: usage, no such line or request."""
    try:
        if problem := _misused(options):
            return fail(problem, USAGE)
        return _check(options) if options.check else _prove(options)
    except (ProofInvalid, Tampered) as error:
        return fail(error, REFUSED)
    except (KeyUnusable, NotProvable, UnreadableLog, AuditUnavailable, RecordRefused) as error:
        return fail(error, USAGE)


def _check(options: argparse.Namespace) -> int:
    return check_file(
        options.check,
        options.key,
        options.anchor,
        options.witness_key,
        as_json=options.json,
        detailed=options.explain,
    )


def check_file(
    file: Path,
    key: Path,
    anchors: Sequence[Path] = (),
    witnesses: Sequence[str] = (),
    *,
    as_json: bool = False,
    detailed: bool = False,
) -> int:
    """Check a pack, print what it shows, and return the exit code: 0 good, 10 refused, 2 usage."""
    from audit.cosignature import parse_witness_key
    from audit.evidence.anchors import read_notes
    from audit.evidence.check import check_pack
    from audit.evidence.pack import read_pack
    from audit.keys import load_public

    try:
        public, origin = load_public(key)
        notes = [note for each in anchors for note in read_notes(each)]
        pack = read_pack(file)
        finding = check_pack(pack, public, origin, notes, [parse_witness_key(each) for each in witnesses])
    except ProofInvalid as error:
        return fail(error, REFUSED)
    except (KeyUnusable, NotProvable, UnreadableLog) as error:
        return fail(error, USAGE)
    show(pack, finding, as_json=as_json, detailed=detailed)
    return FINE


def show(pack: "Pack", finding: "Finding", *, as_json: bool, detailed: bool) -> None:
    """Print to stdout. A reader who hangs up early (`| head`) does not change the exit code."""
    from audit.evidence.explain import explain
    from audit.evidence.summary import explained, summary

    text = json.dumps(explained(finding), ensure_ascii=False) if as_json else ""
    try:
        print(text or (explain(pack, finding) if detailed else summary(finding)), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _misused(options: argparse.Namespace) -> str | None:
    """What is wrong with the arguments together."""
    if options.check is None and options.directory is None:
        return "give a log directory, or --check PACK"
    if options.check is not None and (options.out or options.at is not None or options.commit):
        return "--out, --at and --commit are for making a proof"
    if options.consistency is not None and (len(options.consistency) > 2 or options.at is not None or options.commit):
        return "--consistency takes an older note and, unless the newest checkpoint is meant, a newer one"
    if options.commit and (options.at is not None or (options.index is None and options.receipt is None)):
        return "--commit is for --index or --receipt, without --at"
    return None


def _prove(options: argparse.Namespace) -> int:
    from audit.evidence.anchors import read_notes
    from audit.evidence.check import check_pack
    from audit.evidence.pack import encode
    from audit.evidence.write import packed, save
    from audit.keys import load_public
    from audit.prove import Prover

    public, origin = load_public(options.key)
    prover = Prover(options.directory, public, origin)
    anchors = [note for file in options.anchor for note in read_notes(file)]
    indices: Iterable[int] = ()
    if options.consistency is not None:
        older, *newer = (read_notes(file) for file in options.consistency)
        note, anchors = newer[0][-1] if newer else prover.newest(), [*anchors, *older]
    else:
        indices = _indices(options, prover)
        note = _checkpoint(options, prover)
    pack = packed(prover.prove(note, indices, anchors), public, origin)
    recorded.record_read(options, "prove", {"indices": sorted(indices)})
    if options.out is not None:
        save(options.out, encode(pack))
    show(pack, check_pack(pack, public, origin), as_json=options.json, detailed=options.explain)
    return FINE


def _indices(options: argparse.Namespace, prover: "Prover") -> Iterable[int]:
    from audit.evidence.select import Selection, choose

    if options.request_id is not None:
        return choose(options.directory, prover, Selection(request_ids=(options.request_id,)))
    if options.receipt is None:
        return (options.index,)
    origin, _, index = options.receipt.rpartition("/")
    if not (index.isascii() and index.isdigit() and len(index) < 17):
        raise NotProvable("a receipt reads `<origin>/<index>`")
    if origin != prover.origin:
        raise NotProvable("the receipt is of another log than this one")
    return (int(index),)


def _checkpoint(options: argparse.Namespace, prover: "Prover") -> str:
    """The note to prove under."""
    if options.at is not None:
        return prover.at(options.at)
    if options.commit:
        return prover.over(*_indices(options, prover))
    return prover.newest()
