"""Both ends of one generation."""

from __future__ import annotations

import gc

import pytest

from model_runtime.engine import Abandoned, Delta, EngineFailed, Finish
from model_runtime.generation import EventStream, Generation


class Letters:
    """Gives the tokens of a text, one character each, after `chunks` steps of prompt."""

    def __init__(self, text: str, chunks: int = 0) -> None:
        self.tokens = [ord(character) for character in text]
        self.chunks = chunks

    def step(self) -> int | None:
        if self.chunks:
            self.chunks -= 1
            return None
        return self.tokens.pop(0)


class Reader:
    """Reads a token as the character that it is; holds the last one back; stops at `!`."""

    def __init__(self) -> None:
        self.held = ""
        self.stopped = False

    def push(self, token: int) -> str:
        out, self.held = self.held, chr(token)
        self.stopped = self.held == "!"
        return out

    def finish(self) -> str:
        return self.held


def generation(text: str, *, max_tokens: int = 99, chunks: int = 0, stream: bool = True) -> Generation:
    return Generation(
        lambda: Letters(text, chunks),
        Reader(),
        prompt_tokens=7,
        max_tokens=max_tokens,
        stop_ids=frozenset({ord(".")}),
        stream=stream,
    )


def run(one: Generation) -> list[object]:
    while not one.done:
        one.step()
    return list(EventStream(one, lambda: True))


def test_stop_id_ends_the_answer() -> None:
    """A stop id adds no text, counts as a token and releases what was held back."""
    assert run(generation("你好.x")) == [Delta("你"), Delta("好"), Finish("stop", 7, 3)]


def test_token_limit_ends_the_answer() -> None:
    """The last token allowed ends the answer with reason length."""
    assert run(generation("abcd", max_tokens=2)) == [Delta("a"), Delta("b"), Finish("length", 7, 2)]


def test_stop_string_discards_what_is_held() -> None:
    """Once the reader has stopped, nothing more is sent."""
    assert run(generation("ab!cd")) == [Delta("a"), Delta("b"), Finish("stop", 7, 3)]


def test_whole_answer_comes_as_one_delta() -> None:
    """A caller that waits for the whole answer is woken once; no text, no delta."""
    assert run(generation("你好.", stream=False)) == [Delta("你好"), Finish("stop", 7, 3)]
    assert run(generation(".", stream=False)) == [Finish("stop", 7, 1)]
    assert run(generation("ab!cd", stream=False)) == [Delta("ab"), Finish("stop", 7, 3)]


def test_prompt_steps_send_nothing() -> None:
    """A step that only worked on the prompt says so and sends no event."""
    one = generation("a.", chunks=2)
    assert [one.step(), one.step(), one.step()] == [False, False, True]
    assert one.events.empty()


def test_one_terminal_only() -> None:
    """A failure after the end changes nothing, and the stream stays ended."""
    one = generation(".")
    one.step()
    one.fail(EngineFailed("too late"))
    stream = EventStream(one, lambda: True)
    assert list(stream) == [Finish("stop", 7, 1)]
    assert list(stream) == []
    assert one.events.empty()


def test_failure_is_raised_once_at_its_place() -> None:
    """A failure comes after the deltas that were sent before it, once."""
    one = generation("abc")
    one.step()
    one.step()
    one.fail(EngineFailed("broke"))
    stream = EventStream(one, lambda: True)
    assert next(stream) == Delta("a")
    with pytest.raises(EngineFailed, match="broke"):
        next(stream)
    assert list(stream) == []


def test_caller_that_gives_up_waiting_cancels() -> None:
    """While nothing comes the caller is asked; one that has gone ends the generation, once."""
    one = generation("abc")
    answers = iter([False, True])
    stream = EventStream(one, lambda: True, lambda: next(answers))
    with pytest.raises(Abandoned):
        next(stream)
    assert one.cancelled
    assert list(stream) == []


def test_close_cancels() -> None:
    """Closing the stream marks the generation, twice as well as once, and no event follows."""
    one = generation("abc")
    one.step()
    stream = EventStream(one, lambda: True)
    stream.close()
    stream.close()
    assert one.cancelled
    assert list(stream) == []


def test_client_that_goes_away_cancels() -> None:
    """A stream left to the garbage collector cancels its generation."""
    one = generation("abc")
    stream = EventStream(one, lambda: True)
    assert not one.cancelled
    del stream
    gc.collect()
    assert one.cancelled
