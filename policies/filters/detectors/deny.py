"""Words that must not pass, in any spelling that reads the same."""

from collections.abc import Iterable
from itertools import takewhile
from typing import Final

from policies.filters.charset import CharSet
from policies.filters.fold import INVISIBLE, fold_char
from policies.filters.pattern import PatternError, parse_class
from policies.filters.rule import NOTHING, Rule
from policies.filters.syntax import Alt, Chars, Repeat, Seq, Syntax

MAX_TERMS: Final = 1000
MAX_TERM: Final = 100
_ALPHANUMERIC: Final = CharSet.chars("0-9A-Za-z")
_BETWEEN: Final = Repeat(Chars(parse_class(r" ._*/|~+\-")), 0, 2)
_SPACE: Final = Repeat(Chars(parse_class(r" \s._*/|~+\-")), 0, 4)
_Parts = tuple[Syntax, ...]
_SHORT: Final = 3  # letters of a word too short to look for with something between them


def deny_terms(terms: Iterable[str]) -> tuple[Rule, ...]:
    """Rules for the terms: without regard to case, width, accents, look-alike letters, and dots or spaces between.

    A term that starts or ends in an ASCII letter or digit matches only as a whole word. Raises PatternError for a term
    that has no visible character.
    """
    groups: dict[tuple[CharSet, CharSet], list[_Parts]] = {}
    for term in terms:
        letters = "".join(char for char in map(fold_char, term.strip()) if char != INVISIBLE)
        if not letters.strip():
            raise PatternError(0, "term has no visible character")
        edges = (_edge(letters[0]), _edge(letters[-1]))
        groups.setdefault(edges, []).append(_parts(letters))
    return tuple(Rule("DENY_TERM", _shared(terms), before, after) for (before, after), terms in groups.items())


def _edge(char: str) -> CharSet:
    return _ALPHANUMERIC if char in _ALPHANUMERIC else NOTHING


def _parts(letters: str) -> _Parts:
    between = len(letters) > _SHORT or not letters.isascii()
    parts: list[Syntax] = []
    for word in letters.split():
        if parts:
            parts.append(_SPACE)
        for place, char in enumerate(word):
            if place and between:
                parts.append(_BETWEEN)
            parts.append(Chars(CharSet.of([(ord(char), ord(char))]).any_case()))
    return tuple(parts)


def _shared(terms: Iterable[_Parts]) -> Syntax:
    """One tree for all terms, in which common beginnings stand once: a tenth of the automaton for a long list."""
    by_first: dict[Syntax, list[_Parts]] = {}
    for term in terms:
        by_first.setdefault(term[0], []).append(term)
    options = []
    for same in by_first.values():
        common = list(takewhile(lambda parts: len(set(parts)) == 1, zip(*same, strict=False)))
        head = [parts[0] for parts in common]
        rests = [term[len(head) :] for term in same]
        longer = [rest for rest in rests if rest]
        if longer:
            tree = _shared(longer)
            head.append(tree if len(longer) == len(rests) else Repeat(tree, 0, 1))
        options.append(head[0] if len(head) == 1 else Seq(tuple(head)))
    return options[0] if len(options) == 1 else Alt(tuple(options))
