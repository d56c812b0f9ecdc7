"""What a chain says about a text."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Action = Literal["redact", "block", "flag"]

OnWithheld = Callable[[str, str, str], None]
"""Called as (filter, type, value) for each value that is withheld, so that a recorder can keep a keyed hash of it.

The value is in its folded spelling and at most 4,096 characters long; it must not be stored as it is.
"""


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that matched: which filter, what kind of value, and where; never the value itself.

    `start` and `end` count code points of the text as the chain was given it (for a stream: from its first chunk on).
    """

    filter: str
    type: str
    action: Action
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Screened:
    """The text that may pass, in full or as one piece of a stream. After a block nothing more passes."""

    text: str
    hits: tuple[Hit, ...] = ()
    blocked: Hit | None = None
