"""`audit origins`: the signed list of all hosts' logs, and the verification of all of them against it."""

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from audit.cli.common import FINE, USAGE, fail, positive
from audit.cli.verify import TAMPERED, TORN
from audit.errors import KeyUnusable, NotCanonical, UnreadableLog

if TYPE_CHECKING:
    from audit.checkpoint import LogKey

_START = 4096  # characters of a file of anchors, within which its first note begins
_EXIT = {"clean": FINE, "torn": TORN, "tampered": TAMPERED}


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    sign = actions.add_parser("sign", help="issue a list")
    sign.add_argument("logs", type=Path, nargs="+", metavar="VKEY", help="file with a log's verifier key line")
    sign.add_argument("--key", type=Path, required=True, help="private key of the installation, kept off every host")
    sign.add_argument("--name", required=True, help="name of the installation, in the list and its key line")
    sign.add_argument("--serial", type=positive, required=True, help="1, and one more for each later list")
    sign.add_argument("--out", type=Path, required=True, help="new file for the list")
    sign.set_defaults(action=_sign)
    verify = actions.add_parser("verify", help="verify the logs of all hosts")
    verify.add_argument("list", type=Path, metavar="LIST")
    verify.add_argument("directories", type=Path, nargs="+", metavar="DIR", help="log directories, one for each origin")
    verify.add_argument("--key", type=Path, required=True, help="verifier key line of the installation")
    verify.add_argument("--serial", type=positive, default=1, help="refuse a list with a lower serial than this")
    verify.add_argument("--anchor", type=Path, action="append", default=[], help="file of checkpoints of one log")
    verify.add_argument("--json", action="store_true", help="report as one JSON object")
    verify.set_defaults(action=_verify)


def run(options: argparse.Namespace) -> int:
    """0: all clean; 3: a torn tail; 10: tampered, or a log is missing or not on the list; 2: usage."""
    try:
        return int(options.action(options))
    except (KeyUnusable, NotCanonical, UnreadableLog, OSError) as error:
        return fail(error, USAGE)


def _sign(options: argparse.Namespace) -> int:
    from audit.checkpoint import Signer
    from audit.keys import load_private
    from audit.origins import make_list, sign_list

    signer = Signer(options.name, load_private(options.key))
    origins = make_list(options.serial, datetime.now(UTC).date(), map(_named_key, options.logs))
    with options.out.open("x", encoding="utf-8") as stream:
        stream.write(sign_list(origins, signer))
    print(f"{options.out}: {len(origins.keys)} logs, serial {origins.serial}\nverifier key: {signer.key.vkey}")
    return FINE


def _verify(options: argparse.Namespace) -> int:
    from audit.installation import verify_all
    from audit.origins import read_list
    from audit.verdict import describe, progress_bar

    origins = read_list(options.list, _named_key(options.key))
    if origins.serial < options.serial:
        raise NotCanonical(f"{options.list}: serial {origins.serial}, but {options.serial} has been seen before")
    found = verify_all(origins, options.directories, _by_origin(options.anchor), progress_bar)
    if options.json:
        reports = [{"directory": str(directory), **asdict(report)} for directory, report in found.reports]
        summary = {"state": found.state, "serial": origins.serial, "issued": origins.issued.isoformat()}
        print(json.dumps({**summary, "problems": found.problems, "logs": reports}, ensure_ascii=False))
    else:
        print(f"{found.state}: list {origins.serial} of {origins.issued}, {len(origins.keys)} logs")
        print("\n".join([*found.problems, *(f"{path}: {describe(report)}" for path, report in found.reports)]))
    return _EXIT[found.state]


def _named_key(file: Path) -> "LogKey":
    from audit.checkpoint import LogKey
    from audit.keys import load_public

    public, name = load_public(file)
    if name is None:
        raise KeyUnusable(f"{file}: a verifier key line is needed, which names its log or its installation")
    return LogKey(name, public)


def _by_origin(files: Iterable[Path]) -> dict[str, list[Path]]:
    """Files of anchors by the origin that the first note in each names, if it is a note: that shows later."""
    found: dict[str, list[Path]] = {}
    for file in files:
        with file.open(encoding="utf-8", errors="replace") as stream:
            origin = stream.read(_START).lstrip("\n").partition("\n")[0]
        found.setdefault(origin, []).append(file)
    return found
