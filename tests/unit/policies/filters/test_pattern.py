"""policies/filters/pattern.py, syntax.py and charset.py: the bounded pattern language."""

import re
from contextlib import suppress

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from policies.filters.charset import CharSet
from policies.filters.pattern import PatternError, lead_words, literal, parse, parse_class
from policies.filters.syntax import Alt, Chars, Repeat, Seq, Syntax, first, longest, prefixes, rendered, shortest


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        (r"ab", ["ab"], ["a", "AB", "abc"]),
        (r"\d{2,4}", ["12", "1234"], ["1", "12345"]),
        (r"a(?:b|cd)?e", ["ae", "abe", "acde"], ["acе", "abcde"]),
        (r"[a-c\-\]]{2}", ["a-", "]b"], ["d-", "a"]),
        (r"[^a-z]", ["A", "中", "\n"], ["a", "\0"]),
        (r"\w.\s", ["a中 "], ["a\n ", "中a "]),
        (r"é[０-９]", ["e5"], ["é5"]),
        (r"[\d.]{3}", ["1.2"], ["1,2"]),
        (r"\(\)\\", ["()\\"], ["()"]),
        (r"[中-文]", ["中", "亿"], ["一"]),
    ],
)
def test_pattern_means_what_a_regular_expression_means(pattern: str, yes: list[str], no: list[str]) -> None:
    """The part of the language that is left has its usual meaning, on folded text."""
    compiled = re2.compile(rendered(parse(pattern)))
    assert all(compiled.fullmatch(text) for text in yes)
    assert not any(compiled.fullmatch(text) for text in no)


@pytest.mark.parametrize(
    ("pattern", "offset", "message"),
    [
        ("", 0, "empty"),
        ("a*", 1, "upper end"),
        ("a+", 1, "upper end"),
        ("a{2,}", 2, "upper end"),
        ("a{65}", 1, "between 1 and 64"),
        ("a{3,2}", 1, "between 1 and 64"),
        ("a{0}", 1, "between 1 and 64"),
        ("a{x}", 1, "written"),
        ("a{2", 1, "written"),
        ("a{２}", 1, "written"),
        ("a??", 2, "cannot be repeated"),
        ("a{2}{2}", 4, "cannot be repeated"),
        ("*a", 0, "repeats nothing"),
        ("^a", 0, "anchors"),
        ("a$", 1, "anchors"),
        ("(a)", 0, "written `(?:…)`"),
        ("(?=a)", 0, "look-ahead"),
        ("(?<!a)b", 0, "look-behind"),
        ("(?P<n>a)", 0, "named"),
        ("(?i)a", 0, "written `(?:…)`"),
        ("(?:a", 4, "never closed"),
        ("a)", 1, "closes nothing"),
        ("a|", 2, "empty"),
        (r"a\1", 1, "back-references"),
        (r"a\b", 1, "unknown escape"),
        ("a\\", 2, "escapes nothing"),
        ("[", 1, "never closed"),
        ("[]", 1, "empty"),
        ("[z-a]", 1, "range"),
        (r"[\d-z]", 1, "range"),
        ("[[:alpha:]]", 1, "written `\\[`"),
        ("a?", 0, "empty text"),
        ("a\u200b", 1, "invisible"),
        ("\0", 0, "invisible"),
        ("(?:a{64}){9}", 0, "at most 512"),
        ("(?:(?:a?){64}){64}b", 0, "at most 512"),
        ("(?:" * 30 + "a" + ")" * 30, 51, "nested"),
        ("(?:" * 5000, 51, "nested"),
    ],
)
def test_pattern_outside_the_language_is_refused_with_its_place(pattern: str, offset: int, message: str) -> None:
    """Whatever has no bound, or that a stream could not decide, is an error that points at it."""
    with pytest.raises(PatternError) as caught:
        parse(pattern)
    assert (caught.value.offset, message in caught.value.message) == (offset, True), caught.value.message


@given(st.text(alphabet="ab[](){},|?*+\\^$.-09:=<!Pdw\u200b中\0", max_size=12))
def test_no_pattern_raises_anything_else(pattern: str) -> None:
    """Any text is a pattern that RE2 takes, or a PatternError."""
    with suppress(PatternError):
        re2.compile(rendered(parse(pattern)))


@given(st.text(max_size=6))
def test_class_has_no_way_out_of_its_brackets(text: str) -> None:
    """Any text is a class that RE2 takes, or a PatternError."""
    with suppress(PatternError):
        re2.compile(parse_class(text).rendered())


_TREES: st.SearchStrategy[Syntax] = st.recursive(
    st.sampled_from("abc").map(lambda char: Chars(CharSet.chars(char))),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Seq(tuple(parts)))
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: Alt(tuple(parts)))
        | st.tuples(inner, st.integers(0, 2), st.integers(1, 2)).map(lambda t: Repeat(t[0], min(t[1], t[2]), t[2]))
    ),
    max_leaves=6,
)


@given(_TREES, st.text(alphabet="abc", max_size=6))
def test_prefix_closure_matches_the_beginnings_and_nothing_else(tree: Syntax, text: str) -> None:
    """A text is in the closure exactly if some match begins with it: RE2 and Python's own engine agree."""
    closure, whole = re2.compile(rendered(prefixes(tree))), re.compile(_python(tree))
    if whole.fullmatch(text):
        assert all(closure.fullmatch(text[:end]) for end in range(len(text) + 1))
        assert shortest(tree) <= len(text) <= longest(tree)
        assert not text or text[0] in first(tree)
    if closure.fullmatch(text) and longest(tree) <= 6:
        rest = longest(tree) - len(text)
        assert any(whole.fullmatch(text + more) for more in _words(rest))


def _python(tree: Syntax) -> str:
    return re.sub(r"\\x\{([0-9a-f]+)\}", lambda m: re.escape(chr(int(m[1], 16))), rendered(tree))


def _words(length: int) -> list[str]:
    words = [""]
    for _ in range(length):
        words += [word + char for word in words for char in "abc"]
    return words


def test_literal_is_folded() -> None:
    """A word is looked for in the spelling that folded text has."""
    assert re2.fullmatch(rendered(literal("Ａ\u200bé.")), "Ae.")
    with pytest.raises(PatternError):
        literal("\u200b")


def test_lead_takes_any_case_and_stays_near() -> None:
    """A lead is one of its words and at most so many characters behind it."""
    lead = re2.compile(rendered(lead_words(["工号", "Id"], 2)))
    assert all(lead.fullmatch(text) for text in ("工号", "iD: ", "ID"))
    assert not lead.fullmatch("id   ")


def test_charset_keeps_its_laws() -> None:
    """Ranges merge, an inverse leaves nothing over but NUL, and each member's first byte is known."""
    chars = CharSet.chars("a-cb-fé中-")
    assert chars.ranges == ((45, 45), (97, 102), (233, 233), (0x4E2D, 0x4E2D))
    assert (chars | chars.inverted()).ranges == ((1, 0x10FFFF),)
    assert chars.first_bytes() == {45, *range(97, 103), 0xC3, 0xE4}
    assert CharSet.of([(0xD900, 0xE001)]).first_bytes() == {0xED, 0xEE}
