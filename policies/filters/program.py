"""The rules of a chain compiled into one: where something could match, and what matches there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import re2

from policies.filters.rule import Filter, Rule
from policies.filters.syntax import first, longest, prefixes, rendered, weight
from policies.filters.verdict import Action

EDGE: Final = b"\0"  # stands before and behind every text; no pattern matches it
CONTEXT: Final = 256  # bytes that stay known before a value, for its lead and for the end of a tail
_ATTEMPTS: Final = 40  # shorter matches tried when the longest is not valid
_MEMORY: Final = 16 << 20  # RE2's limit for one automaton, bytes
_MIN_SET: Final = 3  # from this many rules on, one search for all of them is the faster way to rule most out
_GROUP: Final = 1300  # weight of the rules that share an automaton for unfinished matches
_UTF8: Final = 4  # bytes of a character at most


@dataclass(frozen=True, slots=True)
class Placed:
    """A rule of a chain, ready to run. Offsets are bytes of the searched text."""

    rule: Rule
    filter: str
    action: Action
    replacement: str
    find: Any  # re2 has no types
    match: Any
    lead: Any
    led: Any
    lead_reach: int  # bytes of the longest lead
    stop: Any
    stop_reach: int  # bytes of the longest end of a tail

    def end(self, data: bytes, start: int) -> int:
        """Where the longest valid match at byte `start` ends; 0 when there is none."""
        left = previous(data, start)
        limit, valid = len(data), self.rule.valid
        if self.led is not None and self.led.search(data[max(0, start - CONTEXT) : start]) is None:
            return 0
        for _ in range(_ATTEMPTS):
            found = self.match.match(data, left, limit)
            if found is None:
                return 0
            end = previous(data, found.end())
            if valid is None or valid(data[start:end].decode()):
                return end
            limit = found.end() - 1
        return 0

    def led_candidate(self, data: bytes, start: int) -> int:
        """The first byte from `start` on, near behind a lead, where the body matches; -1 when there is none."""
        while True:
            lead = self.lead.search(data, max(0, start - self.lead_reach))
            if lead is None:
                return -1
            body = self.find.search(data, previous(data, max(start, lead.start() + 1)))
            if body is None:
                return -1
            start = following(data, body.start())
            if start <= lead.start() + self.lead_reach:
                return start

    def tail_end(self, data: bytes, start: int) -> int:
        """Where the tail that is searched from byte `start` on ends; -1 when it has not ended."""
        tail = self.rule.tail
        found = None if tail is None else self.stop.search(data, start)
        if tail is None or found is None:
            return -1
        at: int = found.start()
        inside = data[at : following(data, at)].decode() in tail.chars
        return found.end() if inside else at


class FilterFailed(Exception):
    """A rule's own check raised. `placed` is the rule, `start` the byte where it was tried."""

    def __init__(self, placed: Placed, start: int) -> None:
        super().__init__(f"filter `{placed.filter}` failed")
        self.placed = placed
        self.start = start


class Match(NamedTuple):
    """A rule that matches, and the byte where its match ends."""

    placed: Placed
    end: int


class Program:
    """All rules of a chain, in order. Rules with a lead are kept apart: without a lead in sight they cost nothing."""

    __slots__ = ("_any", "_first", "_placed", "_reach", "find", "holdback", "lead", "led", "live", "live_led")

    def __init__(self, filters: Sequence[Filter]) -> None:
        """Compile the rules, of which there must be one. Raises re2.error when they are too large together."""
        placed = tuple(_placed(step, rule) for step in filters for rule in step.rules)
        free = [p for p in placed if p.rule.lead is None]
        self.led = tuple(p for p in placed if p.rule.lead is not None)
        self._placed = placed
        self._first = _by_first_byte(placed)
        self._any = _anchored_set(placed)
        self.find = _compile("|".join(_bounded(p.rule) for p in free) or _NEVER)
        self.live = tuple(_compile(_endings(group)) for group in _grouped(free))
        self.live_led = tuple(_compile(_endings(group)) for group in _grouped(self.led))
        self.lead = _compile("|".join(rendered(p.rule.lead) for p in self.led if p.rule.lead is not None) or _NEVER)
        self.holdback = max(longest(p.rule.body) for p in placed)
        self._reach = _UTF8 * (self.holdback + 2)

    def starting(self, data: bytes, start: int) -> Sequence[Placed]:
        """The rules whose body matches at byte `start`, in order, and perhaps some that do not."""
        rules = self._first[data[start]]
        if len(rules) < _MIN_SET:
            return rules
        left = previous(data, start)
        found = self._any.Match(data[left : left + self._reach])
        return [self._placed[index] for index in sorted(found)] if found else rules  # none: RE2 ran out of memory


class Search:
    """A program at work on one text that starts with EDGE. Each place is asked for once, from left to right."""

    __slots__ = ("_data", "_leads", "_next", "_next_led", "_program")

    def __init__(self, program: Program, data: bytes, start: int) -> None:
        self._program = program
        self._data = data
        self._leads = bool(program.led) and program.lead.search(data, max(0, start - CONTEXT)) is not None
        self._next = 0
        self._next_led = [0] * len(program.led)

    def candidate(self, start: int) -> int:
        """The first byte from `start` on where some rule matches, checks aside; -1 when none does."""
        if 0 <= self._next < start:
            found = self._program.find.search(self._data, previous(self._data, start))
            self._next = -1 if found is None else following(self._data, found.start())
        if not self._leads:
            return self._next
        for place, placed in enumerate(self._program.led):
            if 0 <= self._next_led[place] < start:
                self._next_led[place] = placed.led_candidate(self._data, start)
        return min((at for at in (self._next, *self._next_led) if at >= 0), default=-1)

    def unfinished(self, start: int) -> int:
        """The first byte from `start` on from which the text to its end could still become a match, else its end."""
        data, left = self._data, previous(self._data, start)
        patterns = self._program.live + self._program.live_led if self._leads else self._program.live
        found = (pattern.search(data, left) for pattern in patterns)
        return min((following(data, match.start()) for match in found if match is not None), default=len(data))

    def best(self, start: int) -> tuple[Match | None, Match | None]:
        """At byte `start`: the match to act on, and the match to flag."""
        acting: Match | None = None
        flagging: Match | None = None
        for placed in self._program.starting(self._data, start):
            if placed.led is not None and not self._leads:
                continue
            try:
                end = placed.end(self._data, start)
            except Exception as error:  # any failure of a check means block
                raise FilterFailed(placed, start) from error
            if placed.action == "flag":
                flagging = _longer(flagging, placed, end)
            else:
                acting = _longer(acting, placed, end)
        return acting, flagging


def _longer(known: Match | None, placed: Placed, end: int) -> Match | None:
    return Match(placed, end) if end > (known.end if known else 0) else known


def previous(data: bytes, at: int) -> int:
    """Where the character before byte `at` starts."""
    at -= 1
    while data[at] & 0xC0 == 0x80:  # a UTF-8 continuation byte
        at -= 1
    return at


def following(data: bytes, at: int) -> int:
    """Where the character after the one at byte `at` starts."""
    lead = data[at]
    return at + (1 if lead < 0x80 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4)


def _placed(step: Filter, rule: Rule) -> Placed:
    bounded = _bounded(rule)
    return Placed(
        rule,
        step.name,
        step.action,
        f"[{rule.type}]" if step.replacement is None else step.replacement,
        find=_compile(bounded),
        match=_compile(bounded, longest_match=True),
        lead=None if rule.lead is None else _compile(rendered(rule.lead)),
        led=None if rule.lead is None else _compile(rendered(rule.lead) + r"\z"),
        lead_reach=0 if rule.lead is None else _UTF8 * longest(rule.lead),
        stop=_stop(rule),
        stop_reach=longest(rule.tail.end) if rule.tail is not None and rule.tail.end is not None else 0,
    )


def _bounded(rule: Rule) -> str:
    return f"{rule.not_before.rendered_outside()}(?:{rendered(rule.body)}){rule.not_after.rendered_outside()}"


def _stop(rule: Rule) -> Any:
    if rule.tail is None:
        return None
    outside = rule.tail.chars.rendered_outside()
    return _compile(outside if rule.tail.end is None else f"{rendered(rule.tail.end)}|{outside}")


def _grouped(placed: Sequence[Placed]) -> list[list[Placed]]:
    """The rules in groups that are not too large together.

    One automaton for all would need a state for every combination of half-matched rules, and a new text makes new ones:
    on prose one group for the strict chain costs ten times as much as these.
    """
    groups: list[list[Placed]] = []
    room = 0
    for p in sorted(placed, key=lambda p: weight(p.rule.body)):
        room -= weight(p.rule.body)
        if room < 0 or not groups:
            groups.append([])
            room = _GROUP - weight(p.rule.body)
        groups[-1].append(p)
    return groups


def _endings(placed: Sequence[Placed]) -> str:
    """One pattern for every text that ends in an unfinished match, with the character before it."""
    grouped: dict[str, list[str]] = {}
    for p in placed:
        grouped.setdefault(p.rule.not_before.rendered_outside(), []).append(rendered(prefixes(p.rule.body)))
    return "(?:" + "|".join(f"{left}(?:{'|'.join(bodies)})" for left, bodies in grouped.items()) + r")\z"


def _by_first_byte(placed: Sequence[Placed]) -> tuple[tuple[Placed, ...], ...]:
    starts = [(p, first(p.rule.body).first_bytes()) for p in placed]
    return tuple(tuple(p for p, bytes_ in starts if byte in bytes_) for byte in range(256))


def _anchored_set(placed: Sequence[Placed]) -> Any:
    patterns = re2.Set.MatchSet(_options())
    for p in placed:
        patterns.Add(_bounded(p.rule).encode())
    patterns.Compile()
    return patterns


_NEVER: Final = r"[^\x{0}-\x{10ffff}]"


def _compile(pattern: str, *, longest_match: bool = False) -> Any:
    options = _options()
    options.longest_match = longest_match
    return re2.compile(pattern.encode(), options)


def _options() -> Any:
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    return options
