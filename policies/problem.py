"""Mistakes in policy files: where they stand, what was expected, and a near word where there is one."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

_MAX_PROBLEMS: Final = 500  # a hostile file must not turn into a report larger than itself


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file. Line and column start at 1; columns count code points."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake, where it stands and what was expected instead."""

    location: Location
    message: str

    def __str__(self) -> str:
        return f"{self.location}: {self.message}"


class SourceError(Exception):
    """A source cannot be used. `problems` holds every mistake found, in file order; there is at least one."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class Problems:
    """Collects mistakes so that one run reports them all."""

    __slots__ = ("_found", "count")

    def __init__(self) -> None:
        self._found: set[Problem] = set()
        self.count = 0  # of everything ever added, kept or not: whether a step went well is seen from its change

    def __iter__(self) -> Iterator[Problem]:
        return iter(sorted(self._found))

    def add(self, location: Location, message: str) -> None:
        """Note a mistake. Repeats are kept once, and everything after the first 500 is left out."""
        self.count += 1
        if len(self._found) < _MAX_PROBLEMS:
            self._found.add(Problem(location, message))

    def raise_if_any(self) -> None:
        """Raise SourceError with everything collected so far, or return when there is nothing."""
        if self._found:
            raise SourceError(self)


def quoted(text: str, limit: int = 60) -> str:
    """User text for a message: in backticks, clipped, with everything unprintable escaped."""
    clipped = text if len(text) <= limit else text[:limit] + "…"
    return "`" + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in clipped) + "`"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint that starts with a space when a known word is near, else the empty string."""
    near = difflib.get_close_matches(word[:64], list(known), n=1, cutoff=0.6)
    return f" (did you mean `{near[0]}`?)" if near else ""
