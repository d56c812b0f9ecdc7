"""`audit show`: a record with all that belongs to it, the rule that decided as it was, and the proof."""

import argparse
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from audit.cli.common import BAD, FINE, USAGE, fail, unicode_text
from audit.cli.indexed import indexed
from audit.errors import AuditError, ReviewFailed, Tampered
from audit.review import recorded

if TYPE_CHECKING:
    from audit.contents.reveal import Revealed
    from audit.review.dossier import Dossier

_INDEX = re.compile(r"[0-9]{1,15}")
_RECEIPT = re.compile(r"(\S{1,255})/([0-9]{1,15})")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument(
        "wanted",
        type=unicode_text,
        metavar="WHAT",
        help="index of a record, receipt (origin/index, `Hangu-Record`), or request id",
    )
    parser.add_argument("--key", type=Path, required=True, help="public key: PEM, or a verifier key line")
    parser.add_argument("--auditor-key", type=Path, metavar="FILE", help="open sealed texts; needs --contents")
    parser.add_argument("--contents", type=Path, metavar="DIR", help="folder of the sealed texts")
    parser.add_argument(
        "--hmac-key", type=Path, action="append", default=[], metavar="FILE", help="check digests of opened texts, too"
    )
    parser.add_argument("--index", type=Path, metavar="FILE", help="where the index is: DIR.index.sqlite")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    recorded.configure(parser)


def run(options: argparse.Namespace) -> int:
    """0: shown and proved; 1: not proved, or a sealed text cannot be opened; 2: usage, or there is no such record."""
    from audit.review.telling import as_json, as_text

    try:
        dossier = _gather(options)
        revealed = _open(options, dossier) if options.auditor_key else []
        filters = {"wanted": options.wanted} | ({"opened": len(revealed)} if options.auditor_key else {})
        recorded.record_read(options, "show", filters, results=len(dossier.lines))
    except Tampered as error:
        return fail(error, BAD)
    except AuditError as error:
        return fail(error, USAGE)
    found = as_json(dossier, revealed)
    print(json.dumps(found, ensure_ascii=False) if options.json else as_text(dossier, revealed))
    closed = any(each.text is None for each in revealed)
    return FINE if dossier.finding is not None and not closed else BAD


def _gather(options: argparse.Namespace) -> "Dossier":
    from audit.keys import load_public
    from audit.review.dossier import gather

    if options.auditor_key and not options.contents:
        raise ReviewFailed("--auditor-key opens texts of a contents store: name its folder with --contents")
    public, origin = load_public(options.key)
    with indexed("show", options.directory, options.index) as index:
        return gather(index, options.directory, public, origin, _wanted(options.wanted, index.origin))


def _wanted(wanted: str, origin: str) -> int | str:
    """An index of this log, or a request id. Raises `ReviewFailed` for a receipt of another log."""
    if _INDEX.fullmatch(wanted):
        return int(wanted)
    receipt = _RECEIPT.fullmatch(wanted)
    if receipt is None:
        return wanted
    if receipt[1] != origin:
        raise ReviewFailed(f"the receipt is of the log `{receipt[1][:80]}`, this one is `{origin}`")
    return int(receipt[2])


def _open(options: argparse.Namespace, dossier: "Dossier") -> "list[Revealed]":
    from audit.contents.auditor import load_private
    from audit.contents.opener import Opener
    from audit.contents.reveal import reveal
    from audit.contents.store import open_store
    from audit.digests import load_digests

    opener = Opener(open_store(options.contents), load_private(options.auditor_key), dossier.origin)
    digests = tuple(load_digests(file) for file in options.hmac_key)
    return [each for index, line in dossier.lines for each in reveal(index, line.body, opener, digests)]
