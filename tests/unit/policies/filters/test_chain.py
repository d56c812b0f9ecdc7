"""policies/filters/chain.py: what a chain does with a text that somebody made to hurt it."""

import time
from collections.abc import Callable

import pytest

from policies.filters.chain import Chain
from policies.filters.detectors import DETECTORS
from policies.filters.detectors.control import control_tokens
from policies.filters.detectors.deny import deny_terms
from policies.filters.fold import MAX_RUN
from policies.filters.pattern import parse
from policies.filters.rule import Filter, Rule
from policies.filters.stream import StreamFinishedError
from policies.filters.verdict import Hit, Screened

_CARD = "4111111111111111"
_CARDS = Filter("cards", "redact", DETECTORS["CREDIT_CARD"]())
_FULL = Chain(
    "full",
    [
        Filter("control", "block", control_tokens()),
        *(Filter(name.lower(), "redact", rules()) for name, rules in DETECTORS.items()),
    ],
)


def _raise(_: str) -> bool:
    raise ZeroDivisionError


def test_text_without_anything_passes_unchanged() -> None:
    """A harmless text passes as the very same string."""
    text = "请总结一下这份报告。Thanks — 42 pages, 3.5 MB\n"
    assert _FULL.screen(text) == Screened(text)


def test_hit_never_shows_the_value() -> None:
    """Neither the result nor its hits hold the matched value."""
    assert _CARD not in repr(_FULL.screen(f"card {_CARD}"))


def test_block_cuts_at_the_start_of_the_match() -> None:
    """A blocking match ends the text where it starts, whole and streamed, and nothing passes afterwards."""
    text = f"卡{_CARD}，<|system|> secret"
    hits = (Hit("credit_card", "CREDIT_CARD", "redact", 1, 17), Hit("control", "CONTROL_TOKEN", "block", 18, 28))
    assert _FULL.screen(text) == Screened("卡[CREDIT_CARD]，", hits, hits[1])
    stream = _FULL.open()
    assert "".join(stream.feed(char).text for char in text) == "卡[CREDIT_CARD]，"
    assert stream.feed("more") == Screened("", (), hits[1])
    assert stream.finish() == Screened("", (), hits[1])


def test_filter_that_raises_blocks() -> None:
    """A check that fails withholds everything from the place where it failed."""
    chain = Chain("c", [_CARDS, Filter("broken", "flag", (Rule("ODD", parse("odd"), valid=_raise),))])
    hit = Hit("broken", "ODD", "block", 6, 7)
    assert chain.screen("even, odd, even") == Screened("even, ", (hit,), hit)


def test_lone_surrogate_blocks() -> None:
    """Half of a surrogate pair cannot be encoded, so nothing behind it can be vouched for."""
    screened = _FULL.screen(f"a {_CARD} \ud83d b")
    assert screened.text == "a [CREDIT_CARD] "
    assert screened.blocked == Hit("unreadable-text", "INVALID_TEXT", "block", 19, 20)


def test_nul_is_data() -> None:
    """NUL passes, and a value beside it is found."""
    assert _FULL.screen(f"a\0{_CARD}\0b").text == "a\0[CREDIT_CARD]\0b"


def test_longest_tolerated_run_of_invisible_characters_hides_nothing() -> None:
    """A value spread out by long runs of invisible characters is found, and one character more blocks."""
    spread = ("\u200b" * MAX_RUN).join(_CARD)
    assert _FULL.screen(f"a {spread} b").text == "a [CREDIT_CARD] b"
    blocked = _FULL.screen(("\u200b" * (MAX_RUN + 1)).join(_CARD))
    assert blocked.blocked is not None
    assert blocked.text == "4" + "\u200b" * MAX_RUN


def test_run_of_invisible_characters_across_chunks() -> None:
    """Cutting the run does not restart its count."""
    stream = _FULL.open()
    pieces = [stream.feed("\u2060" * 8) for _ in range(5)]
    assert pieces[4].blocked == Hit("unreadable-text", "INVALID_TEXT", "block", MAX_RUN, MAX_RUN + 1)


def test_flag_never_hides_a_value_from_a_filter_that_acts() -> None:
    """A flagged stretch is searched for what must be withheld."""
    chain = Chain("c", [Filter("note", "flag", (Rule("NOTE", parse(r"card \d{16} today")),)), _CARDS])
    screened = chain.screen(f"card {_CARD} today")
    assert screened.text == "card [CREDIT_CARD] today"
    assert [hit.action for hit in screened.hits] == ["flag", "redact"]


def test_longest_match_wins_then_the_first_filter() -> None:
    """At one place the longer match counts, and between equal ones the order of the chain."""
    short, long, same = (Filter(name, "redact", (Rule(name, parse(body)),)) for name, body in
                         (("SHORT", "ab"), ("LONG", "abc"), ("SAME", "ab[c]")))  # fmt: skip
    assert Chain("c", [short, long, same]).screen("abcd").text == "[LONG]d"
    assert Chain("c", [short, same, long]).screen("abcd").text == "[SAME]d"


def test_recorder_is_given_each_withheld_value_in_folded_spelling() -> None:
    """The callback gets filter, type and value of what was redacted or blocked, once each."""
    seen: list[tuple[str, str, str]] = []
    _FULL.screen("４１１１\u200b1111 11111111, <|User|>", lambda *found: seen.append(found))
    assert seen == [("credit_card", "CREDIT_CARD", "41111111 11111111"), ("control", "CONTROL_TOKEN", "<|User|>")]


def test_long_value_reaches_the_recorder_cut() -> None:
    """What is swallowed without limit is handed over up to 4,096 characters."""
    seen: list[str] = []
    _FULL.screen("ghp_" + "a1" * 50_000, lambda _filter, _type, value: seen.append(value))
    assert [len(value) for value in seen] == [4096]


def test_stream_is_finished_once() -> None:
    """Text that comes after the end is an error, not a leak."""
    stream = _FULL.open()
    stream.finish()
    with pytest.raises(StreamFinishedError):
        stream.feed("x")
    with pytest.raises(StreamFinishedError):
        stream.finish()


@pytest.mark.parametrize("piece", ["a.b-c_1", "4 ", "a@b", "<|a", "-----BEGIN ", "中文"])
def test_holdback_is_bounded(piece: str) -> None:
    """A stream never keeps back more visible characters than the chain says."""
    stream, pending = _FULL.open(), 0
    for char in piece * 300:
        pending += 1 - len(stream.feed(char).text)
        assert pending <= _FULL.holdback


_HOSTILE: dict[str, str] = {
    "digits": "4",
    "at signs": "a@",
    "brackets": "(",
    "card after card that fails its check": "4111 1111 1111 1112 ",
    "groups": "4444 ",
    "zero width": "4\u200b",
    "private keys": "-----BEGIN PRIVATE KEY-----",
    "token beginnings": "sk-",
    "assignments": "password: ",
    "letters": "aB3",
    "Han and plates": "京A1234",
}


def _stream(text: str) -> None:
    stream = _FULL.open()
    for at in range(0, len(text), 4):
        stream.feed(text[at : at + 4])
    stream.finish()


@pytest.mark.parametrize("piece", _HOSTILE.values(), ids=_HOSTILE.keys())
@pytest.mark.parametrize("screen", [_FULL.screen, _stream], ids=["whole", "stream"])
def test_hostile_text_costs_linear_time(screen: Callable[[str], object], piece: str) -> None:
    """Four times the text takes nowhere near sixteen times as long."""
    small, large = (piece * (size // len(piece)) for size in (10_000, 40_000))
    screen(small)
    assert min(_seconds(screen, large) for _ in range(2)) < 9 * min(_seconds(screen, small) for _ in range(2)) + 0.05


def _seconds(screen: Callable[[str], object], text: str) -> float:
    start = time.process_time()
    screen(text)
    return time.process_time() - start


def test_deny_terms_by_the_thousand() -> None:
    """The largest allowed list of terms compiles and works."""
    terms = [f"项目{chr(0x4E00 + n)}{chr(0x5E00 + n)}" for n in range(500)] + [
        f"operation {n:03}x" for n in range(1000)
    ]
    chain = Chain("c", [Filter("terms", "block", deny_terms(terms))])
    assert chain.screen("谈谈 项.目.一.帀 吧").blocked is not None
    assert chain.screen("about Operation 499X now").blocked is not None
    assert chain.screen("about operation 499y now").blocked is None
