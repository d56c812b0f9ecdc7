"""Chooses the lines of a log that belong into a pack: what was asked for, and what it takes to understand that.

A record of a request brings all records of that request, the text of the policy that decided, and the newest start of a
worker under that policy, which names the model's files. All of this is found in two passes over the log's bytes.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from audit.directory import first_index, segments
from audit.errors import NotCanonical, NotProvable, Tampered
from audit.evidence.policy import ACTIVATED, FILE, STARTED, files_of
from audit.evidence.stories import Record, is_of_request, stories_of, text_of
from audit.find import find, member
from audit.prove import Prover
from audit.proven import parse_line


@dataclass(frozen=True, slots=True)
class Selection:
    """What someone asks evidence for. At least one of the two is not empty."""

    indices: tuple[int, ...] = ()
    request_ids: tuple[str, ...] = ()


@dataclass(slots=True)
class _Bundles:
    """Where the texts of policies stand, while the log is read in order."""

    files: dict[str, dict[tuple[str, object], int]] = field(default_factory=dict)
    active: dict[str, frozenset[int]] = field(default_factory=dict)
    started: dict[str, int] = field(default_factory=dict)

    def take(self, record: Record) -> None:
        bundle = text_of(record.body, "bundle")
        if record.event == FILE:
            key = text_of(record.body, "path"), record.body.get("part")
            self.files.setdefault(bundle, {})[key] = record.index
        elif record.event == STARTED:
            self.started[bundle] = record.index
        elif record.event == ACTIVATED:
            paths = files_of(record)
            texts = {index for (path, _), index in self.files.get(bundle, {}).items() if path in paths}
            self.active[bundle] = frozenset((*texts, record.index))


def choose(directory: Path, prover: Prover, wanted: Selection) -> set[int]:
    """The indices of all lines for the pack.

    Raises `NotProvable` where a line or request is not in the log, `Tampered` where lines are not what a writer writes.
    """
    chosen = set(wanted.indices)
    ids = set(wanted.request_ids)
    for index in wanted.indices:
        entry = prover.line(index)
        body = _body(entry.file, entry.line, index)
        if entry.kind == b"rec" and is_of_request(body):
            ids.add(text_of(body, "request_id"))
    if not ids:
        return chosen
    names = segments(directory)
    records = [each for each in _records(directory, names, "request_id", ids) if is_of_request(each.body)]
    if missing := ids - {text_of(each.body, "request_id") for each in records}:
        raise NotProvable(f"no record of the request `{min(missing)[:80]}` is in the log")
    chosen.update(each.index for each in records)
    return chosen | _context(directory, names, [story.records[0] for story in stories_of(records)])


def _context(directory: Path, names: Sequence[str], openings: Iterable[Record]) -> set[int]:
    """The lines that show under which policy, and with which model, these records came about."""
    waiting = sorted(openings, key=lambda each: each.index)
    before = [name for name in names if waiting and first_index(name) < waiting[-1].index]
    chosen: set[int] = set()
    policies: set[str] = set()
    known = _Bundles()

    def settle(opening: Record) -> None:
        bundle = text_of(opening.body, "bundle")
        if bundle in known.active and bundle not in policies:
            policies.add(bundle)
            chosen.update(known.active[bundle])
        if bundle in known.started:
            chosen.add(known.started[bundle])

    for record in _records(directory, before, "event", (FILE, ACTIVATED, STARTED)):
        while waiting and waiting[0].index < record.index:
            settle(waiting.pop(0))
        known.take(record)
    for opening in waiting:
        settle(opening)
    return chosen


def _records(directory: Path, names: Sequence[str], name: str, values: Iterable[str]) -> Iterator[Record]:
    """The records whose member `name` is one of these values, in order."""
    wanted = set(values)
    for found in find(directory, names, member(name, *wanted)):
        if found.kind == b"rec":
            body = _body(f"line {found.index} of the log", found.line, found.index)
            if body.get(name) in wanted:
                yield Record(found.index, "", body)


def _body(place: str, line: bytes, index: int) -> dict[str, object]:
    try:
        return parse_line(line, index).body
    except NotCanonical as error:
        raise Tampered(place, 0, str(error)) from error
