"""The syntax tree of a bounded pattern, and its prefix closure.

The closure of a pattern matches every beginning of every text that the pattern matches, the empty and the whole one
included. It tells a stream whether what has arrived could still become a match:

    pre(AB) = pre(A) | A·pre(B)        pre(A|B) = pre(A) | pre(B)
    pre(A{m,n}) = A{0,n-1}·pre(A)      pre(c) = c?
"""

from dataclasses import dataclass

from policies.filters.charset import CharSet


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of a set."""

    chars: CharSet


@dataclass(frozen=True, slots=True)
class Seq:
    """One part after another; never empty."""

    parts: "tuple[Syntax, ...]"


@dataclass(frozen=True, slots=True)
class Alt:
    """One of several; never empty."""

    options: "tuple[Syntax, ...]"


@dataclass(frozen=True, slots=True)
class Repeat:
    """Between `low` and `high` times, both included."""

    part: "Syntax"
    low: int
    high: int


Syntax = Chars | Seq | Alt | Repeat


def rendered(node: Syntax) -> str:
    """The tree as an RE2 pattern."""
    match node:
        case Chars(chars):
            return chars.rendered()
        case Seq(parts):
            return "".join(map(rendered, parts))
        case Alt(options):
            return "(?:" + "|".join(map(rendered, options)) + ")"
        case Repeat(part, low, high):
            inner = rendered(part) if isinstance(part, Chars) else f"(?:{rendered(part)})"
            return f"{inner}{{{low},{high}}}"


def prefixes(node: Syntax) -> Syntax:
    """The prefix closure."""
    match node:
        case Chars():
            return Repeat(node, 0, 1)
        case Alt(options):
            return Alt(tuple(map(prefixes, options)))
        case Repeat(part, _, high):
            return prefixes(part) if high == 1 else Seq((Repeat(part, 0, high - 1), prefixes(part)))
        case Seq(parts):
            closure = prefixes(parts[-1])
            for part in reversed(parts[:-1]):
                started = Seq((part, closure))
                closure = Repeat(started, 0, 1) if isinstance(part, Chars) else Alt((prefixes(part), started))
            return closure


def shortest(node: Syntax) -> int:
    """Characters in the shortest match."""
    match node:
        case Chars():
            return 1
        case Seq(parts):
            return sum(map(shortest, parts))
        case Alt(options):
            return min(map(shortest, options))
        case Repeat(part, low, _):
            return low * shortest(part)


def longest(node: Syntax) -> int:
    """Characters in the longest match."""
    match node:
        case Chars():
            return 1
        case Seq(parts):
            return sum(map(longest, parts))
        case Alt(options):
            return max(map(longest, options))
        case Repeat(part, _, high):
            return high * longest(part)


def weight(node: Syntax) -> int:
    """Character steps once every repeat is written out: what an automaton for the pattern costs."""
    match node:
        case Chars():
            return 1
        case Seq(parts):
            return sum(map(weight, parts))
        case Alt(options):
            return sum(map(weight, options))
        case Repeat(part, _, high):
            return high * weight(part)


def first(node: Syntax) -> CharSet:
    """The characters a match can start with."""
    match node:
        case Chars(chars):
            return chars
        case Alt(options):
            return CharSet.of(r for option in options for r in first(option).ranges)
        case Repeat(part, _, _):
            return first(part)
        case Seq(parts):
            found = CharSet(())
            for part in parts:
                found |= first(part)
                if shortest(part):
                    break
            return found


def any_case(node: Syntax) -> Syntax:
    """The same pattern without a difference between ASCII capital and small letters."""
    match node:
        case Chars(chars):
            return Chars(chars.any_case())
        case Seq(parts):
            return Seq(tuple(map(any_case, parts)))
        case Alt(options):
            return Alt(tuple(map(any_case, options)))
        case Repeat(part, low, high):
            return Repeat(any_case(part), low, high)
