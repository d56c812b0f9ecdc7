"""A chain of filters over a text, whole or as a stream.

All rules of a chain run in one sweep from left to right. At the first place where a rule matches, the longest match
wins, and between equal lengths the rule that stands first. It is withheld as a whole and the sweep goes on behind it.
A rule that only flags never hides a value from a rule that acts: the sweep goes on inside its match.
"""

from collections.abc import Sequence

from policies.filters.program import Program
from policies.filters.rule import Filter
from policies.filters.stream import ChainStream
from policies.filters.verdict import OnWithheld, Screened


class Chain:
    """Filters in order; `name` is the chain's name in the bundle. Safe to use from several threads."""

    __slots__ = ("_program", "filters", "name")

    def __init__(self, name: str, filters: Sequence[Filter]) -> None:
        """Compile the filters, which must hold at least one rule."""
        self.name = name
        self.filters = tuple(filters)
        self._program = Program(self.filters)

    @property
    def holdback(self) -> int:
        """The most visible characters that a stream keeps back while it cannot decide."""
        return self._program.holdback

    def screen(self, text: str, on_withheld: OnWithheld | None = None) -> Screened:
        """What may pass of a whole text."""
        return ChainStream(self._program, on_withheld).last(text)

    def open(self, on_withheld: OnWithheld | None = None) -> ChainStream:
        """A stream whose pieces, put together, are exactly what `screen` gives for the whole text."""
        return ChainStream(self._program, on_withheld)
