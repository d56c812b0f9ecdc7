"""Laws of stop strings and of the answer reader."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from model_runtime.chatglm3.answer import Answer
from model_runtime.chatglm3.text import TextStream
from model_runtime.stop import StopStrings

LETTERS = st.text("ab\n 你", max_size=30)
STOPS = st.lists(st.text("ab\n 你", min_size=1, max_size=5), max_size=4)


def naive(text: str, stops: list[str]) -> tuple[str, bool]:
    """The first end of any stop string decides; of those that end there, the longest."""
    for end in range(1, len(text) + 1):
        found = [stop for stop in stops if text[:end].endswith(stop)]
        if found:
            return text[: end - max(map(len, found))], True
    return text, False


@settings(deadline=None)
@given(st.lists(LETTERS, max_size=8), STOPS)
def test_any_cut_of_the_text_ends_at_the_same_place(pieces: list[str], stops: list[str]) -> None:
    """For every way of cutting a text, the stream yields what the whole would."""
    stop = StopStrings(stops)
    out = "".join(stop.push(piece) for piece in pieces)
    out += stop.finish()
    assert (out, stop.met) == naive("".join(pieces), stops)


@settings(deadline=None)
@given(LETTERS, STOPS)
def test_no_more_is_held_back_than_a_stop_string_may_need(text: str, stops: list[str]) -> None:
    """What is held back is a proper prefix of a stop string."""
    stop = StopStrings(stops)
    given_out = stop.push(text)
    if not stop.met:
        held = text[len(given_out) :]
        assert held == "" or any(one.startswith(held) and one != held for one in stops)


@settings(deadline=None)
@given(LETTERS, STOPS)
def test_answer_equals_its_definition(text: str, stops: list[str]) -> None:
    """The streamed content is the whole text's: first line off, blanks off, cut at the first stop string."""
    answer = Answer(TextStream(chr), stops)
    content = "".join([answer.push(ord(character)) for character in text])
    if not answer.stopped:
        content += answer.finish()
    line, newline, rest = text.partition("\n")
    metadata, body = (line.strip(), rest) if newline else ("", text)
    body = naive(body if metadata else body.lstrip(), stops)[0]
    assert (answer.metadata, content) == (metadata, body if metadata else body.rstrip())
