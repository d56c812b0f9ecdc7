"""policies/filters/fold.py: one folded character for each visible one."""

import pytest

from policies.filters.fold import MAX_RUN, fold, fold_char


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("abc 123\n\t\0", "abc 123\n\t\0"),
        ("客户，请看：（一）！", "客户，请看：（一）！"),
        ("４１１１－１１", "4111-11"),
        ("٤٢ ४२ 𝟜𝟚 ④② ❹❷ ⁴²", "42 42 42 42 42 42"),
        ("ＡＢ＠ｃ．ｄ", "AB@c.d"),
        ("é ü ñ Å", "e u n A"),
        ("раsswоrd ΑΒΕ", "password ABE"),
        ("–—−‐", "----"),
        ("a\u00a0b\u3000c", "a b c"),
        ("＜｜ｘ｜＞ 🅰🅑", "<|x|> AB"),
        ("½ ﬁ 한", "½ ﬁ 한"),
    ],
)
def test_characters_that_read_the_same_fold_to_the_same(text: str, folded: str) -> None:
    """Width, script of digits, accents, dashes, spaces and look-alikes are gone; what has no ASCII twin stays."""
    assert fold(text).data.decode() == folded
    assert fold(text).at is None


def test_invisible_characters_leave_a_way_back() -> None:
    """Dropped characters are counted in the index of the others."""
    found = fold("\u200b4\u00ad1\ufe0f\u20e3\u2060中\U000e0041")
    assert (found.data.decode(), found.at, found.run) == ("41中", [1, 3, 7], 1)


@pytest.mark.parametrize("text", ["a" * 100, "中文，你好。" * 30, "中" * 70 + "１", "é" * 70, "1\u200b" * 50])
def test_long_text_folds_like_its_characters(text: str) -> None:
    """The short cut for plain text never changes the result."""
    alone = "".join(map(fold_char, text)).replace("\u200b", "")
    assert fold(text).data.decode() == alone


def test_run_of_invisible_characters_counts_on_in_the_next_piece() -> None:
    """Only a visible character ends a run."""
    first = fold("a" + "\u200b" * 20)
    assert first.run == 20
    assert fold("", first.run).run == 20
    assert fold("b", first.run).run == 0
    assert fold("\u200b" * 12, first.run).bad is None
    assert fold("\u200b" * 13, first.run).bad == 12
    assert fold("x" + "\u200b" * MAX_RUN, first.run).bad is None


@pytest.mark.parametrize(("text", "bad"), [("ab\ud800c", 2), ("\udfff", 0), ("é\u200b" + "\u200b" * 40 + "\ud800", 33)])
def test_text_that_cannot_be_read_is_cut(text: str, bad: int) -> None:
    """The first bad place counts, and what stands before it is folded."""
    assert fold(text).bad == bad
    assert fold(text).data == fold(text[:bad]).data


def test_text_of_every_character_costs_bounded_memory() -> None:
    """All of Unicode folds, each character to one."""
    text = "".join(chr(code) for code in range(0x20000) if not 0xD800 <= code < 0xE000)
    assert all(len(fold_char(char)) == 1 for char in text)
