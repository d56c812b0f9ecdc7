r"""The pattern language of filters: a small, bounded part of regular expressions.

    a  \.  \d  \w  \s  .  [a-z]  [^a-z]  (?:ab|cd)  x?  x{3}  x{2,64}

Every repeat has an upper end, so that a stream knows how much text an unfinished match may need. There are no anchors,
boundaries, groups that capture, look-arounds or back-references: what may stand beside a match is said by the boundary
classes of its rule. Literals are folded like the text that they meet.
"""

from collections.abc import Iterable
from typing import Final, NoReturn

from policies.filters.charset import CharSet
from policies.filters.fold import INVISIBLE, fold_char
from policies.filters.syntax import Alt, Chars, Repeat, Seq, Syntax, any_case, longest, shortest, weight

MAX_REPEAT: Final = 64
MAX_LENGTH: Final = 512
_MAX_WEIGHT: Final = 4096
_MAX_DEPTH: Final = 16
_MAX_FOLDED_RANGE: Final = 1024  # a longer range is a whole script: its characters are not folded one by one
_CLASSES: Final = {
    "d": CharSet.chars("0-9"),
    "w": CharSet.chars("0-9A-Za-z_"),
    "s": CharSet.chars(" \t\r\n"),
}
_CONTROLS: Final = {"n": "\n", "r": "\r", "t": "\t"}
_ANY: Final = CharSet.chars("\n").inverted()
_REFUSED_GROUPS: Final = {
    "?=": "look-ahead is not allowed; use `not_after`",
    "?!": "look-ahead is not allowed; use `not_after`",
    "?<": "look-behind and named groups are not allowed; use `not_before`",
    "?P": "named groups are not allowed; write `(?:…)`",
}


class PatternError(Exception):
    """A pattern that is not in the language. `offset` is the place in it, counted in characters from 0."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message


def parse(pattern: str, *, ignore_case: bool = False, max_repeat: int = MAX_REPEAT) -> Syntax:
    """The syntax tree of a pattern that matches 1 to 512 characters. Raises PatternError for anything else."""
    tree = _Parser(pattern, max_repeat).whole()
    if shortest(tree) == 0:
        raise PatternError(0, "pattern must not match the empty text")
    if longest(tree) > MAX_LENGTH:
        raise PatternError(0, f"pattern may match at most {MAX_LENGTH} characters, this one {longest(tree)}")
    if weight(tree) > _MAX_WEIGHT:
        raise PatternError(0, "pattern is too large once its repeats are written out")
    return any_case(tree) if ignore_case else tree


def parse_class(text: str) -> CharSet:
    """The characters of `a-z0-9.` or `\\d`, as inside brackets. Raises PatternError."""
    parser = _Parser(text + "]", MAX_REPEAT)
    chars = parser.class_items()
    if not parser.done():
        raise PatternError(parser.at, "`]` must be written `\\]`")
    return chars


def literal(text: str) -> Syntax:
    """Exactly this text, folded; characters that the fold drops are left out. Raises PatternError if none is left."""
    parts = tuple(Chars(CharSet.chars(char)) for char in map(fold_char, text) if char != INVISIBLE)
    if not parts:
        raise PatternError(0, "text has no visible character")
    return Seq(parts)


def lead_words(words: Iterable[str], within: int) -> Syntax:
    """One of the words in any case, then at most `within` other characters on the line. Raises PatternError."""
    named = Alt(tuple(any_case(literal(word)) for word in words))
    return Seq((named, Repeat(Chars(_ANY), 0, within))) if within else named


class _Parser:
    """Recursive descent over one pattern; `at` is the next character."""

    def __init__(self, pattern: str, max_repeat: int) -> None:
        self.pattern = pattern
        self.at = 0
        self._max_repeat = max_repeat

    def done(self) -> bool:
        return self.at >= len(self.pattern)

    def whole(self) -> Syntax:
        if self.done():
            self._fail("pattern must not be empty")
        tree = self._options(0)
        if not self.done():
            self._fail("`)` closes nothing")
        return tree

    def _options(self, depth: int) -> Syntax:
        if depth > _MAX_DEPTH:
            self._fail(f"groups are nested deeper than {_MAX_DEPTH}")
        options = [self._sequence(depth)]
        while self._accept("|"):
            options.append(self._sequence(depth))
        return options[0] if len(options) == 1 else Alt(tuple(options))

    def _sequence(self, depth: int) -> Syntax:
        parts: list[Syntax] = []
        while not self.done() and self._peek() not in "|)":
            parts.append(self._repeated(self._one(depth)))
        if not parts:
            self._fail("an alternative must not be empty")
        return parts[0] if len(parts) == 1 else Seq(tuple(parts))

    def _one(self, depth: int) -> Syntax:
        char = self._take()
        if char == "(":
            return self._group(depth)
        if char == "[":
            inverted = self._accept("^")
            chars = self.class_items()
            return Chars(chars.inverted() if inverted else chars)
        if char == ".":
            return Chars(_ANY)
        if char == "\\":
            return Chars(self._escaped())
        if char in "^$":
            self._fail("anchors are not allowed; use `not_before` and `not_after`", back=1)
        if char in "*+?{":
            self._fail(f"`{char}` repeats nothing", back=1)
        return Chars(self._folded(char))

    def _group(self, depth: int) -> Syntax:
        refused = _REFUSED_GROUPS.get(self.pattern[self.at : self.at + 2])
        if refused:
            self._fail(refused, back=1)
        if self.pattern[self.at : self.at + 2] != "?:":
            self._fail("a group is written `(?:…)`", back=1)
        self.at += 2
        inner = self._options(depth + 1)
        if not self._accept(")"):
            self._fail("`(` is never closed")
        return inner

    def _repeated(self, part: Syntax) -> Syntax:
        start = self.at
        if self._accept("?"):
            low, high = 0, 1
        elif self._accept("{"):
            low, high = self._bounds(start)
        elif not self.done() and self._peek() in "*+":
            self._fail(f"every repeat needs an upper end; write `{{0,{self._max_repeat}}}` or less")
        else:
            return part
        if not self.done() and self._peek() in "?*+{":
            self._fail("a repeat cannot be repeated; the longest match is always taken")
        return Repeat(part, low, high)

    def _bounds(self, start: int) -> tuple[int, int]:
        end = self.pattern.find("}", self.at)
        low, comma, high = self.pattern[self.at : max(end, self.at)].partition(",")
        if comma and not high and low.isdecimal():
            self._fail("every repeat needs an upper end")
        high = high if comma else low
        if not all(
            n.isascii() and n.isdecimal() and len(n) <= 4 for n in (low, high)
        ):  # four digits are beyond every limit
            self._fail("a repeat is written `{3}` or `{2,8}`", back=1)
        if not int(low) <= int(high) or not 1 <= int(high) <= self._max_repeat:
            self.at = start
            self._fail(f"a repeat must end between 1 and {self._max_repeat} and not before it starts")
        self.at = end + 1
        return int(low), int(high)

    def class_items(self) -> CharSet:
        """The members up to and with the closing bracket."""
        found = CharSet(())
        while not self._accept("]"):
            start = self.at
            low = self._member()
            if self.pattern[self.at : self.at + 1] == "-" and self.pattern[self.at + 1 : self.at + 2] not in {"]", ""}:
                self.at += 1
                found |= self._range(low, self._member(), start)
            else:
                found |= self._folded(low) if isinstance(low, str) else low
        if not found:
            self._fail("a class must not be empty", back=1)
        return found

    def _member(self) -> str | CharSet:
        char = self._take("`[` is never closed")
        if char == "[":
            self._fail("`[` in a class must be written `\\[`", back=1)
        if char != "\\":
            return char
        return self._escape()

    def _range(self, low: str | CharSet, high: str | CharSet, start: int) -> CharSet:
        if not isinstance(low, str) or not isinstance(high, str) or low > high:
            self.at = start
            self._fail("a range goes from a lower to a higher character")
        whole = CharSet.of([(ord(low), ord(high))])
        if ord(high) < 128 or ord(high) - ord(low) > _MAX_FOLDED_RANGE:  # ASCII folds to itself
            return whole
        folded = "".join(fold_char(chr(code)) for code in range(ord(low), ord(high) + 1)).replace(INVISIBLE, "")
        return CharSet.of([*whole.ranges, *((ord(c), ord(c)) for c in folded)])

    def _escaped(self) -> CharSet:
        escaped = self._escape()
        return self._folded(escaped) if isinstance(escaped, str) else escaped

    def _escape(self) -> str | CharSet:
        char = self._take("`\\` at the end escapes nothing")
        if char in _CLASSES:
            return _CLASSES[char]
        if char in _CONTROLS:
            return _CONTROLS[char]
        if not char.isascii() or char.isalnum():
            self._fail(
                "back-references are not allowed" if char in "123456789" else f"unknown escape `\\{char}`", back=2
            )
        return char

    def _folded(self, char: str) -> CharSet:
        folded = fold_char(char)
        if folded == INVISIBLE or char == "\0":
            self._fail("an invisible character never matches: the fold drops it", back=1)
        return CharSet.of([(ord(folded), ord(folded))])

    def _peek(self) -> str:
        return self.pattern[self.at]

    def _take(self, missing: str = "pattern ends too early") -> str:
        if self.done():
            self._fail(missing)
        self.at += 1
        return self.pattern[self.at - 1]

    def _accept(self, char: str) -> bool:
        if self.pattern[self.at : self.at + 1] != char:
            return False
        self.at += 1
        return True

    def _fail(self, message: str, back: int = 0) -> NoReturn:
        raise PatternError(self.at - back, message)
