"""The sealed texts of a record, opened and checked against what the record says of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import orjson

from audit import canonical
from audit.bodies import claims
from audit.contents.opener import Opener, read_sealed
from audit.contents.sealer import Direction
from audit.digests import Digests
from audit.directory import segments
from audit.errors import ContentsUnreadable, NotCanonical, Tampered, UnreadableLog
from audit.find import find, member
from audit.reader import entries

Check = Literal["matches", "differs", "not checked"]
_DIRECTIONS: Final[tuple[Direction, ...]] = ("prompt", "completion")


@dataclass(frozen=True, slots=True)
class Revealed:
    """One sealed text of one record. `text` is None where it cannot be opened; `problem` then says why.

    `digest` compares the text with the record's own HMAC: `not checked` without its key, or where `whole` is false,
    since the digest is over all of an answer.
    """

    index: int
    request: str
    subject: str
    direction: Direction
    text: bytes | None
    whole: bool
    digest: Check
    problem: str | None

    def messages(self) -> list[tuple[str, str]]:
        """The text as (role, content) messages; an answer is one of the assistant. Nothing where there is no text.

        A prompt that is no list of messages was sealed by something else than a gateway: it is shown as it is.
        """
        if self.text is None:
            return []
        if self.direction == "completion":
            return [("assistant", self.text.decode("utf-8", "replace"))]
        try:
            return [(str(role), str(content)) for role, content in orjson.loads(self.text)]
        except (ValueError, TypeError):
            return [("?", self.text.decode("utf-8", "replace"))]


def reveal(index: int, record: Mapping[str, Any], opener: Opener, digests: tuple[Digests, ...]) -> list[Revealed]:
    """Every sealed text of the record at `index`; empty where it has none. One that cannot be opened says why."""
    return [
        _reveal_one(index, record, direction, opener, digests)
        for direction in _DIRECTIONS
        if isinstance(record.get(direction), dict) and "sealed" in record[direction]
    ]


def records_with(directory: Path, wanted: int | str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The record at an index, or those of a request id, each with its index.

    Raises `Tampered`, also where a line holds no record, and `OSError` like `audit.reader.entries`.
    """
    if isinstance(wanted, int):
        entry = next(entries(directory, wanted), None)
        if entry is not None and (entry.index, entry.kind) == (wanted, b"rec"):
            yield wanted, _record(wanted, entry.body)
        return
    for line in find(directory, segments(directory), member("request_id", wanted)):
        if line.kind == b"rec" and (record := _record(line.index, line.body)).get("request_id") == wanted:
            yield line.index, record


def origin_of(directory: Path) -> str:
    """The origin that the log's first line names. Raises `UnreadableLog` where there is none, `Tampered`, `OSError`."""
    first = next(entries(directory), None)
    if first is None:
        raise UnreadableLog(f"{directory}: not a log directory, there is no segment with a line")
    try:
        return claims(first.body).origin
    except NotCanonical as error:
        raise Tampered(first.file, 1, str(error)) from error


def _record(index: int, body: bytes) -> dict[str, Any]:
    try:
        return canonical.parse(body)
    except NotCanonical as error:
        raise Tampered(f"line {index}", 0, f"holds no record: {error}") from error


def _reveal_one(
    index: int, record: Mapping[str, Any], direction: Direction, opener: Opener, digests: tuple[Digests, ...]
) -> Revealed:
    content = record[direction]
    request, subject = str(record.get("request_id")), str(record.get("subject"))
    whole = content.get("whole") is not False
    try:
        text = opener.open(subject, request, direction, read_sealed(content["sealed"]))
    except ContentsUnreadable as error:
        return Revealed(index, request, subject, direction, None, whole, "not checked", str(error))
    check = _check(text, direction, content, digests) if whole else "not checked"
    return Revealed(index, request, subject, direction, text, whole, check, None)


def _check(text: bytes, direction: Direction, content: Mapping[str, Any], known: tuple[Digests, ...]) -> Check:
    for digests in known:
        if digests.id == content.get("key"):
            return "matches" if digests.sealed(direction, text) == content.get("hmac") else "differs"
    return "not checked"
