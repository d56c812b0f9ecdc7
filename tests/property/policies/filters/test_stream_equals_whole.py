"""Laws of the filter chains: the sweep means what it says, and no way of cutting a text changes the outcome."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
import re2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.filters.chain import Chain
from policies.filters.charset import CharSet
from policies.filters.detectors import DETECTORS
from policies.filters.detectors.control import control_tokens
from policies.filters.detectors.deny import deny_terms
from policies.filters.fold import INVISIBLE, MAX_RUN, fold_char
from policies.filters.pattern import parse
from policies.filters.rule import Filter, Rule, Tail
from policies.filters.syntax import longest, rendered, shortest
from policies.filters.verdict import Hit, Screened

_DIGITS = CharSet.chars("0-9")


def _is_even(value: str) -> bool:
    return sum(char.isdecimal() for char in value) % 2 == 0


SMALL = Chain(
    "small",
    [
        Filter("number", "redact", (Rule("NUMBER", parse(r"1\d{0,3}(?:-\d{2}){0,2}"), _DIGITS, _DIGITS, _is_even),)),
        Filter("mail", "redact", (Rule("MAIL", parse(r"[a-c1]{1,4}@(?:[a-c]{1,3}\.){1,2}[a-c]{2,3}")),), ""),
        Filter("note", "flag", (Rule("NOTE", parse(r"[a-c1@.]{5,9}")), Rule("NOTE", parse(r"aa"))),),
        Filter("led", "redact", (Rule("LED", parse(r"[0-9a-c]{2,5}"), lead=parse(r"[密c]:? {0,2}")),)),
        Filter("key", "redact", (Rule("KEY", parse(r"-b"), tail=Tail(CharSet.chars("-0-9a-c"), parse(r"-c-"))),)),
        Filter("role", "block", (Rule("ROLE", parse(r"<\|[ab]{1,3}\|>")),)),
        Filter("word", "block", deny_terms(["caba", "密钥"])),
    ],
)  # fmt: skip
FULL = Chain(
    "full",
    [
        Filter("control", "flag", control_tokens()),
        Filter("words", "redact", deny_terms(["operation marigold", "黑市交易"])),
        *(Filter(name.lower(), "redact", rules()) for name, rules in DETECTORS.items()),
    ],
)

_SMALL_PIECES = [
    "1", "11", "1-", "-12", "a", "b", "c", "@", ".", "a@b.cc", "aa", "<|a|>", "<|", "|>", "密", "钥",
    "c:", ": ", " ", "-b", "-c-", "2", "\u200b", "\u00ad\u2060", "１", "а", "𝟙", "中", "\0", "\n",
    "é", "c a.b a", "\u200b" * 30, "ｃ",
]  # fmt: skip
_FULL_PIECES = [
    "4111 1111 ", "1111-1111", "4111111111111111", "6225-8824-9850-5429-692", "325-22", "-3032",
    "123456789", "ssn: ", "bob@", "example", ".com", "@", " (at) ", "11010519491231002", "X",
    "13812345678", "+86 ", "DE89 3704 0044 ", "0532 0130 00", "10.0.", "0.1", "2001:db8::", "1", "<|sys",
    "tem|>", "[gMASK]", "sk-", "ghp_", "a1B2c3D4e5" * 4, "-----BEGIN ", "PRIVATE KEY-----",
    "-----END PRIVATE KEY-----", "password: ", "密码：", "eyJhbGciOi", ".eyJ", "京A", "12345", "护照",
    "E12345678", "operation ", "mari", "gold", "黑市", "交易",
    "eD1naHBfQ09Pdmp1ZDBJcWJIeTNQdkRqRWdYU1F3SFdoV2c5MFdnNUVY", "请", "，", " ", "\n", "\u200b",
    "\ufeff", "４", "٤", "𝟜", "а", "\0", "https://u:p4ss", "word@h.com/",
]  # fmt: skip


def _texts(pieces: list[str]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(pieces) | st.characters(exclude_categories=["Cs"]), max_size=24).map("".join)


def _cuts(text: str, sizes: list[int]) -> Iterator[str]:
    bounds = [0]
    for size in sizes * (len(text) // max(1, sum(sizes)) + 1) or [1] * len(text):
        bounds.append(min(len(text), bounds[-1] + size))
    bounds.append(len(text))
    return (text[start:end] for start, end in pairwise(bounds))


def _streamed(chain: Chain, chunks: Iterator[str]) -> Screened:
    stream = chain.open()
    pieces = [stream.feed(chunk) for chunk in chunks] + [stream.finish()]
    hits = tuple(hit for piece in pieces for hit in piece.hits)
    return Screened("".join(piece.text for piece in pieces), hits, pieces[-1].blocked)


@dataclass
class _Naive:
    """The documented meaning of a chain, computed place by place and length by length."""

    chain: Chain
    text: str
    out: str = ""
    hits: list[Hit] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.text, self.unreadable = _readable(self.text)
        kept = [(fold_char(char), index) for index, char in enumerate(self.text) if fold_char(char) != INVISIBLE]
        self.folded = "".join(char for char, _ in kept)
        self.at = [*(index for _, index in kept), len(self.text)]

    def run(self) -> Screened:
        place = flagged = done = 0  # done: original characters dealt with
        while place < len(self.folded):
            found = [m for m in self._matches(place) if m[1]]
            acting = max((m for m in found if m[0].action != "flag"), key=lambda m: m[1], default=None)
            noting = max((m for m in found if m[0].action == "flag"), key=lambda m: m[1], default=None)
            if acting is None:
                if noting and self.at[place] >= flagged:
                    flagged = self._hit(noting[0], noting[2], place, noting[1]).end
                place += 1
                continue
            step, end, rule = acting
            if step.action != "block" and rule.tail is not None:
                end = self._tail(rule.tail, end)
            hit = self._hit(step, rule, place, end)
            self.out += self.text[done : hit.start]
            if step.action == "block":
                return Screened(self.out, tuple(self.hits), hit)
            self.out += f"[{rule.type}]" if step.replacement is None else step.replacement
            place, done = end, hit.end
        self.out += self.text[done:]
        if self.unreadable:
            self.hits.append(self.unreadable)
        return Screened(self.out, tuple(self.hits), self.unreadable)

    def _matches(self, place: int) -> Iterator[tuple[Filter, int, Rule]]:
        for step in self.chain.filters:
            for rule in step.rules:
                yield step, self._end(rule, place), rule

    def _end(self, rule: Rule, place: int) -> int:
        before = self.folded[place - 1 : place] if place else "\0"
        if before in rule.not_before:
            return 0
        if rule.lead is not None and not re2.search(rendered(rule.lead) + r"\z", self.folded[:place]):
            return 0
        body = re2.compile(rendered(rule.body))
        for end in range(min(len(self.folded), place + longest(rule.body)), place + shortest(rule.body) - 1, -1):
            value = self.folded[place:end]
            after = self.folded[end : end + 1] or "\0"
            if after not in rule.not_after and body.fullmatch(value) and (rule.valid is None or rule.valid(value)):
                return end
        return 0

    def _tail(self, tail: Tail, place: int) -> int:
        start = place
        while place < len(self.folded) and self.folded[place] in tail.chars:
            place += 1
            if tail.end is not None and re2.search(f"(?:{rendered(tail.end)})" + r"\z", self.folded[start:place]):
                break
        return place

    def _hit(self, step: Filter, rule: Rule, place: int, end: int) -> Hit:
        hit = Hit(step.name, rule.type, step.action, self.at[place], self.at[end - 1] + 1)
        self.hits.append(hit)
        return hit


def _readable(text: str) -> tuple[str, Hit | None]:
    """The text up to where it cannot be read, and the block for that."""
    run = 0
    for index, char in enumerate(text):
        run = run + 1 if fold_char(char) == INVISIBLE else 0
        if run > MAX_RUN:
            return text[:index], Hit("unreadable-text", "INVALID_TEXT", "block", index, index + 1)
    return text, None


@pytest.mark.parametrize(("chain", "pieces"), [(SMALL, _SMALL_PIECES), (FULL, _FULL_PIECES)], ids=["small", "full"])
def test_whole_text_means_the_documented_sweep(chain: Chain, pieces: list[str]) -> None:
    """Screening a text gives what trying every rule at every place with every length gives."""

    @settings(max_examples=300 if chain is SMALL else 60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_texts(pieces))
    def law(text: str) -> None:
        assert chain.screen(text) == _Naive(chain, text).run()

    law()


@pytest.mark.parametrize(("chain", "pieces"), [(SMALL, _SMALL_PIECES), (FULL, _FULL_PIECES)], ids=["small", "full"])
def test_every_cut_gives_what_the_whole_gives(chain: Chain, pieces: list[str]) -> None:
    """However a text is cut into chunks, the text, the hits and the block are those of the whole text."""

    @settings(max_examples=350, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_texts(pieces), st.lists(st.lists(st.integers(0, 9), max_size=8), min_size=2, max_size=2))
    def law(text: str, cuts: list[list[int]]) -> None:
        whole = chain.screen(text)
        for sizes in ([1], *cuts):
            assert _streamed(chain, _cuts(text, sizes)) == whole

    law()


@pytest.mark.parametrize(("chain", "pieces"), [(SMALL, _SMALL_PIECES), (FULL, _FULL_PIECES)], ids=["small", "full"])
def test_nothing_passes_before_it_is_decided(chain: Chain, pieces: list[str]) -> None:
    """At any moment, what a stream has let through is a beginning of what the whole text lets through."""

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_texts(pieces), st.integers(1, 7))
    def law(text: str, size: int) -> None:
        whole, stream, passed = chain.screen(text), chain.open(), ""
        for chunk in _cuts(text, [size]):
            passed += stream.feed(chunk).text
            assert whole.text.startswith(passed)

    law()
