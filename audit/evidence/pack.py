"""The file `NAME.evidence.json`: a `Pack` as canonical JSON and one LF. docs/evidence.md specifies every byte.

Reading is strict: every member is there, has its type, and is known; the bytes are the one spelling of the value. So no
byte can be changed, added or repeated without another meaning or a refusal. Errors name the place in the file.
"""

import base64
import binascii
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from audit import canonical
from audit.checkpoint import parse_vkey
from audit.errors import KeyUnusable, NotCanonical, ProofInvalid, UnreadableLog
from audit.merkle import HASH_SIZE
from audit.proven import Extension, Handover, Inclusion, Proven

FORMAT = "hangu-evidence/1"
MAX_BYTES = 256 << 20  # of a pack
MAX_NODES = 64  # of a proof: no log has 2^64 lines

_T = TypeVar("_T")
_Members = dict[str, object]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a pack claims about one request: whether all its records are there, from its beginning to its end."""

    request_id: str
    complete: bool


@dataclass(frozen=True, slots=True)
class Pack:
    """Lines of one log under one checkpoint, and the requests whose records they are."""

    proven: Proven
    requests: tuple[Claim, ...]


def encode(pack: Pack) -> bytes:
    """The bytes of the file."""
    proven = pack.proven
    value: dict[str, object] = {
        "anchors": [{"note": each.note, "proof": _written(each.proof)} for each in proven.anchors],
        "checkpoint": proven.note,
        "contents": [],
        "format": FORMAT,
        "keys": [
            {
                "checkpoint": each.checkpoint.decode(),
                "end": each.end.decode(),
                "included": _written(each.included),
                "index": each.index,
                "key": each.key.vkey,
                "proof": _written(each.proof),
            }
            for each in proven.handovers
        ],
        "lines": [
            {"index": each.index, "line": each.line.decode(), "proof": _written(each.proof)} for each in proven.lines
        ],
        "requests": [{"complete": each.complete, "request_id": each.request_id} for each in pack.requests],
    }
    return canonical.encode(value) + b"\n"


def decode(raw: bytes) -> Pack:
    """The pack in these bytes, in form: nothing is proved yet. Raises `ProofInvalid` for any other bytes."""
    try:
        value = canonical.parse(raw.removesuffix(b"\n")) if raw.endswith(b"\n") else {}
    except NotCanonical as error:
        raise ProofInvalid(f"not an evidence pack: {error}") from error
    if value.get("format") != FORMAT:
        raise ProofInvalid(f"not an evidence pack of the format `{FORMAT}`, ended by one LF")
    members = _members("pack", value, {"anchors", "checkpoint", "contents", "format", "keys", "lines", "requests"})
    if members["contents"] != []:
        raise ProofInvalid("contents: this version of the format has none")
    return Pack(
        Proven(
            note=_text("checkpoint", members["checkpoint"]),
            handovers=_each("keys", members["keys"], _handover),
            lines=_each("lines", members["lines"], _inclusion),
            anchors=_each("anchors", members["anchors"], _extension),
        ),
        _each("requests", members["requests"], _claim),
    )


def read_pack(file: Path) -> Pack:
    """The pack in a file. Raises like `decode`, and `UnreadableLog` where the file cannot be read or is too large."""
    try:
        with file.open("rb") as stream:
            if os.fstat(stream.fileno()).st_size > MAX_BYTES:
                raise UnreadableLog(f"{file}: larger than {MAX_BYTES >> 20} MiB, which no evidence pack is")
            raw = stream.read(MAX_BYTES)
    except (OSError, ValueError) as error:
        raise UnreadableLog(f"{file}: {error}") from error
    return decode(raw)


def _handover(place: str, value: object) -> Handover:
    members = _members(place, value, {"checkpoint", "end", "included", "index", "key", "proof"})
    try:
        key = parse_vkey(_text(f"{place}.key", members["key"]))
    except KeyUnusable as error:
        raise ProofInvalid(f"{place}.key: {error}") from error
    if key.vkey != members["key"]:
        raise ProofInvalid(f"{place}.key: not in its one form")
    return Handover(
        key=key,
        index=_index(place, members["index"]),
        end=_text(f"{place}.end", members["end"]).encode(),
        checkpoint=_text(f"{place}.checkpoint", members["checkpoint"]).encode(),
        proof=_nodes(f"{place}.proof", members["proof"]),
        included=_nodes(f"{place}.included", members["included"]),
    )


def _inclusion(place: str, value: object) -> Inclusion:
    members = _members(place, value, {"index", "line", "proof"})
    line = _text(f"{place}.line", members["line"]).encode()
    return Inclusion(_index(place, members["index"]), line, _nodes(f"{place}.proof", members["proof"]))


def _extension(place: str, value: object) -> Extension:
    members = _members(place, value, {"note", "proof"})
    return Extension(_text(f"{place}.note", members["note"]), _nodes(f"{place}.proof", members["proof"]))


def _claim(place: str, value: object) -> Claim:
    members = _members(place, value, {"complete", "request_id"})
    complete = members["complete"]
    if not isinstance(complete, bool):
        raise ProofInvalid(f"{place}.complete: must be true or false")
    return Claim(_text(f"{place}.request_id", members["request_id"]), complete)


def _members(place: str, value: object, names: set[str]) -> _Members:
    if not isinstance(value, dict) or value.keys() != names:
        raise ProofInvalid(f"{place}: must have exactly the members {', '.join(f'`{name}`' for name in sorted(names))}")
    return value


def _each(place: str, value: object, read: Callable[[str, object], _T]) -> tuple[_T, ...]:
    return tuple(read(f"{place}[{number}]", each) for number, each in enumerate(_list(place, value)))


def _list(place: str, value: object) -> list[object]:
    if not isinstance(value, list):
        raise ProofInvalid(f"{place}: must be a list")
    return value


def _text(place: str, value: object) -> str:
    if not isinstance(value, str):
        raise ProofInvalid(f"{place}: must be a text")
    return value


def _index(place: str, value: object) -> int:
    if type(value) is not int or value < 0:
        raise ProofInvalid(f"{place}.index: must be an integer, 0 or more")
    return value


def _nodes(place: str, value: object) -> tuple[bytes, ...]:
    nodes = tuple(_node(place, each) for each in _list(place, value))
    if len(nodes) > MAX_NODES:
        raise ProofInvalid(f"{place}: longer than any proof is")
    return nodes


def _node(place: str, value: object) -> bytes:
    try:
        node = base64.b64decode(_text(place, value), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProofInvalid(f"{place}: not base64") from error
    if len(node) != HASH_SIZE or base64.b64encode(node).decode() != value:  # spare bits would let a byte change unseen
        raise ProofInvalid(f"{place}: a node is the base64 of {HASH_SIZE} bytes, in its one form")
    return node


def _written(proof: tuple[bytes, ...]) -> list[str]:
    return [base64.b64encode(node).decode() for node in proof]
