"""One thing to look for: a bounded body, what may stand beside it, and a check of the value."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from policies.filters.charset import CharSet
from policies.filters.syntax import Syntax
from policies.filters.verdict import Action

NOTHING: Final = CharSet(())


@dataclass(frozen=True, slots=True)
class Tail:
    """What is withheld behind a matched body: characters of `chars`, as many as come, but no further than `end`.

    For values without an upper length. `chars` are ASCII; `end` matches only those, and from one start in one way only.
    """

    chars: CharSet
    end: Syntax | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Matches `body` between characters outside `not_before` and `not_after`, if `valid` says so of the folded value.

    At one place the longest match wins. `lead`, if there is one, must match directly before the value.
    """

    type: str
    body: Syntax
    not_before: CharSet = NOTHING
    not_after: CharSet = NOTHING
    valid: Callable[[str], bool] | None = None
    lead: Syntax | None = None
    tail: Tail | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """A named step of a chain: its rules and what happens where one of them matches.

    `replacement` is None for the type in brackets, such as `[EMAIL]`.
    """

    name: str
    action: Action
    rules: tuple[Rule, ...]
    replacement: str | None = None
