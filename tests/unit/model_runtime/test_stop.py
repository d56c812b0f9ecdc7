"""Stop strings over a stream."""

from __future__ import annotations

import pytest

from model_runtime.stop import StopStrings


def run(stops: tuple[str, ...], *pieces: str) -> tuple[list[str], bool]:
    stop = StopStrings(stops)
    out = [stop.push(piece) for piece in pieces]
    out.append("" if stop.met else stop.finish())
    return out, stop.met


def test_without_stop_strings_text_passes_at_once() -> None:
    """No stop string, nothing is held back."""
    assert run((), "你好", "世界") == (["你好", "世界", ""], False)


def test_stop_across_pieces_is_not_emitted() -> None:
    """A stop string cut by a token border ends the text before its first character."""
    assert run(("停止",), "走吧停", "止。更多", "x") == (["走吧", "", "", ""], True)


def test_only_what_may_begin_a_stop_is_held_back() -> None:
    """A partial match that fails is released, with nothing lost."""
    assert run(("abc",), "xab", "d") == (["x", "abd", ""], False)


def test_partial_stop_at_the_end_is_released() -> None:
    """Text that began like a stop string is text when nothing follows."""
    assert run(("abc",), "xab") == (["x", "ab"], False)


def test_overlapping_prefix_is_found() -> None:
    """A match that starts inside a failed match counts."""
    assert run(("aab",), "aaa", "b") == (["a", "", ""], True)


@pytest.mark.parametrize(
    ("stops", "text", "kept"),
    [(("abcd", "bc"), "xabcd", "xa"), (("bc", "abc"), "xabc", "x"), (("abc", "bc"), "xabc", "x")],
)
def test_first_complete_wins_then_the_longest(stops: tuple[str, ...], text: str, kept: str) -> None:
    """Of several stop strings the one complete first ends the text; of those complete together, the longest."""
    out, met = run(stops, text)
    assert ("".join(out), met) == (kept, True)


def test_empty_stop_string_never_matches() -> None:
    """An empty stop string is left out; it would end every text."""
    assert run(("",), "abc") == (["abc", ""], False)
