"""`audit reveal`: the sealed texts of one request, for the auditor."""

import argparse
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.cli.common import BAD, FINE, USAGE, fail
from audit.errors import AuditUnavailable, ContentsUnavailable, KeyUnusable, RecordRefused, Tampered, UnreadableLog
from audit.review import recorded

if TYPE_CHECKING:
    from audit.contents.reveal import Revealed


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("wanted", type=_index_or_request, metavar="INDEX|REQUEST-ID", help="a record, or a request")
    parser.add_argument("--contents", type=Path, required=True, metavar="DIR", help="folder of the sealed texts")
    parser.add_argument("--auditor-key", type=Path, required=True, help="the auditor's private key, PEM, mode 0600")
    parser.add_argument("--hmac-key", type=Path, action="append", default=[], help="check digests with this key, too")
    recorded.configure(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object for each text")


def run(options: argparse.Namespace) -> int:
    """0: all texts shown; 1: a text cannot be opened, or is not the one that was recorded; 2: usage."""
    try:
        found = _find(options)
    except (KeyUnusable, ContentsUnavailable, UnreadableLog, AuditUnavailable, RecordRefused, OSError) as error:
        return fail(error, USAGE)
    except Tampered as error:
        return fail(error, BAD)
    if not found:
        return fail(f"{options.directory}: `{options.wanted}` has no sealed text", BAD)
    for each in found:
        print(json.dumps(_as_json(each), ensure_ascii=False) if options.json else _as_text(each))
    return BAD if any(each.text is None or each.digest == "differs" for each in found) else FINE


def _find(options: argparse.Namespace) -> "list[Revealed]":
    from audit.contents.auditor import load_private
    from audit.contents.opener import Opener
    from audit.contents.reveal import origin_of, records_with, reveal
    from audit.contents.store import open_store
    from audit.digests import load_digests

    opener = Opener(open_store(options.contents), load_private(options.auditor_key), origin_of(options.directory))
    digests = tuple(load_digests(file) for file in options.hmac_key)
    records = records_with(options.directory, options.wanted)
    found = [each for index, record in records for each in reveal(index, record, opener, digests)]
    recorded.record_read(options, "reveal", {"wanted": str(options.wanted)}, results=len(found))
    return found


def _index_or_request(text: str) -> int | str:
    if re.fullmatch(r"[0-9]{1,15}", text):
        return int(text)
    if re.fullmatch(r"[!-~]{1,128}", text):
        return text
    raise ValueError(text)


def _as_json(each: "Revealed") -> dict[str, Any]:
    head = {"index": each.index, "request_id": each.request, "subject": each.subject, "direction": each.direction}
    found = {"messages": each.messages() if each.text is not None else None, "whole": each.whole}
    return head | found | {"digest": each.digest, "problem": each.problem}


def _as_text(each: "Revealed") -> str:
    head = f"record {each.index}, {each.direction} of {_clean(each.request)} by {_clean(each.subject)}"
    if each.text is None:
        return f"{head}: cannot be opened: {_clean(each.problem or '')}"
    part = "" if each.whole else ", only its beginning was kept"
    lines = [f"{head} (digest: {each.digest}{part})"]
    lines += [f"{_clean(role)}: {_clean(content)}" for role, content in each.messages()]
    return "\n".join(lines)


def _clean(text: str) -> str:
    """A caller's text, safe to show on a terminal: only line ends and tabs of its control characters stay."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
