"""What a client reads of an answer."""

from __future__ import annotations

import pytest

from model_runtime.chatglm3.answer import Answer
from model_runtime.chatglm3.text import TextStream


def answer(stop: tuple[str, ...] = ()) -> Answer:
    """An answer whose ids are the code points of its text."""
    return Answer(TextStream(chr), stop)


def run(text: str, stop: tuple[str, ...] = ()) -> tuple[str, str]:
    one = answer(stop)
    content = "".join(one.push(ord(character)) for character in text)
    return one.metadata, content if one.stopped else content + one.finish()


@pytest.mark.parametrize(
    ("text", "metadata", "content"),
    [
        ("\n 你好\n", "", "你好"),
        (" \n\n \n你好", "", "你好"),
        ("track\n ```python\nx\n``` ", "track", " ```python\nx\n``` "),
        ("no newline at all ", "", "no newline at all"),
        ("", "", ""),
        ("\n", "", ""),
        ("\n \n\t", "", ""),
        ("x" * 128 + "\nrest", "x" * 128, "rest"),
        ("x" * 129 + "\nrest", "", "x" * 129 + "\nrest"),
    ],
)
def test_metadata_line_and_blanks(text: str, metadata: str, content: str) -> None:
    """The first line is metadata unless it is too long to be; a plain answer loses the blanks around it."""
    assert run(text) == (metadata, content)


def test_text_is_given_as_soon_as_it_is_final() -> None:
    """After the metadata line each character comes at once, blanks with the next character that is none."""
    one = answer()
    assert [one.push(ord(character)) for character in "\n你 好\n\n！"] == ["", "你", "", " 好", "", "", "\n\n！"]


def test_long_first_line_does_not_wait_for_ever() -> None:
    """A model that leaves the metadata line out still streams, once the line is too long to be a tool's name."""
    one = answer()
    out = [one.push(ord("x")) for _ in range(140)]
    assert out[:128] == [""] * 128
    assert out[128:] == ["x" * 129, *["x"] * 11]


def test_stop_string_ends_the_content() -> None:
    """A stop string and what follows are not content, nor are blanks before it."""
    assert run("\n走吧 停止。", ("停止",)) == ("", "走吧")


def test_stop_string_of_blanks_works() -> None:
    """A stop string of newlines ends the answer at once, though blanks are held back; leading ones do not count."""
    one = answer(("\n\n",))
    assert "".join(one.push(ord(character)) for character in "\n\n\n一\n\n") == "一"
    assert one.stopped


def test_stop_string_in_the_metadata_line_does_not_count() -> None:
    """Stop strings are looked for in what the client reads, not in the line that it never sees."""
    assert run("track\nx", ("track",)) == ("track", "x")


def test_stop_string_found_when_the_answer_ends() -> None:
    """A first line that turns out to be content is searched for stop strings as well."""
    one = answer(("停",))
    for character in "走停吧":
        one.push(ord(character))
    assert one.finish() == "走"
    assert one.stopped
