"""Everything the log has on one record: the records of its request, the policy that decided, and the proof of all that.

Only where to look comes from the index. The lines are read from the log again and proved under its newest checkpoint,
and the policy's text is held against the digest that the request's own record names.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.errors import NotCanonical, NotProvable, ProofInvalid, ReviewFailed, Tampered, UnreadableLog
from audit.evidence.check import Finding, check_pack
from audit.evidence.write import packed
from audit.prove import Prover
from audit.proven import Line, parse_line
from audit.review.index import Index


@dataclass(frozen=True, slots=True)
class Dossier:
    """What was found. Without a `finding` nothing is proved: `problem` says why, `lines` are as they stand there."""

    origin: str
    lines: tuple[tuple[int, Line], ...]  # what was asked for, each with its index; the finding has the rest
    finding: Finding | None
    problem: str | None


def gather(index: Index, directory: Path, public: Ed25519PublicKey, origin: str | None, wanted: int | str) -> Dossier:
    """The dossier on a line of this index, or on a request. `origin` is that of the key, None for any.

    Raises `ReviewFailed` where the log has no such thing, and `UnreadableLog`.
    """
    asked = _asked(index.connection, wanted)
    if not asked:
        raise ReviewFailed(f"{directory}: there is no record of a request `{str(wanted)[:80]}`")
    prover = Prover(directory, public, origin)
    try:
        indices = asked | set(_context(index.connection, asked))
        finding = check_pack(packed(prover.prove(prover.newest(), indices), public, origin), public, origin)
    except (NotProvable, ProofInvalid, Tampered, NotCanonical) as error:
        lines = tuple(_as_they_stand(prover, asked))
        if not lines:
            raise ReviewFailed(f"{directory}: {error}") from error
        return Dossier(index.origin, lines, None, str(error))
    return Dossier(index.origin, tuple(each for each in finding.lines if each[0] in asked), finding, None)


def _asked(connection: sqlite3.Connection, wanted: int | str) -> set[int]:
    """The line asked for, with the other record of its request; or all records of a request."""
    where = "idx = ?1 OR finished = ?1" if isinstance(wanted, int) else "request_id = ?1"
    sql = f"SELECT idx, finished FROM event WHERE {where}"  # noqa: S608 - the value is a parameter
    found = {index for row in connection.execute(sql, [wanted]) for index in row if index is not None}
    return found | ({wanted} if isinstance(wanted, int) else set())


def _context(connection: sqlite3.Connection, asked: set[int]) -> Iterator[int]:
    """Where the policy stands under which these records came about, and the start of a worker that had it."""
    for index in asked:
        row = connection.execute("SELECT bundle FROM event WHERE idx = ? AND bundle IS NOT NULL", [index]).fetchone()
        if row is None:
            continue
        before = index
        for event in ("gateway.started", "policy.activated"):
            sql = "SELECT max(idx) FROM event WHERE name = ? AND bundle = ? AND idx < ?"
            (newest,) = connection.execute(sql, [event, *row, before]).fetchone()
            if newest is not None:
                yield newest
                before = newest
        parts = "SELECT max(event) FROM policy WHERE bundle = ? AND event < ? GROUP BY path, part"
        yield from (part for (part,) in connection.execute(parts, [*row, before]))


def _as_they_stand(prover: Prover, asked: set[int]) -> Iterator[tuple[int, Line]]:
    for index in sorted(asked):
        with suppress(NotProvable, Tampered, NotCanonical, UnreadableLog):
            yield index, parse_line(prover.line(index).line, index)
