"""The engine thread, over a model made of plain Python."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from model_runtime.engine import Delta, EngineBusy, EngineFailed, Event, Finish
from model_runtime.generation import Generation, ModelLost, TokenSource
from model_runtime.scheduler import Scheduler
from model_runtime.worker import Worker

STOP = 0


class Source:
    """Gives `tokens`, then raises `error` if there is one; waits for `gate` before each step."""

    def __init__(self, tokens: Iterator[int], error: BaseException | None = None, gate: threading.Event | None = None):
        self.tokens, self.error, self.gate = tokens, error, gate

    def step(self) -> int | None:
        if self.gate is not None:
            assert self.gate.wait(10)
        token = next(self.tokens, None)
        if token is None and self.error is not None:
            raise self.error
        return STOP if token is None else token


class Reader:
    stopped = False

    def push(self, token: int) -> str:
        return chr(token)

    def finish(self) -> str:
        return ""


def generation(open_source: Callable[[], TokenSource]) -> Generation:
    return Generation(open_source, Reader(), prompt_tokens=1, max_tokens=10**6, stop_ids=frozenset({STOP}))


def letters(text: str, error: BaseException | None = None, gate: threading.Event | None = None) -> Generation:
    return generation(lambda: Source(map(ord, text), error, gate))


def endless() -> Generation:
    return generation(lambda: Source(iter(lambda: ord("x"), None)))


@contextmanager
def worker(running: int = 4, waiting: int = 4, stall_after: float = 120.0) -> Iterator[Worker]:
    made = Worker(Scheduler(running, waiting), stall_after=stall_after)
    try:
        yield made
    finally:
        made.close()


def texts(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Delta))


def test_nothing_runs_before_the_first_request() -> None:
    """No thread is started by making a worker, and it is alive all the same."""
    before = threading.active_count()
    with worker() as made:
        assert threading.active_count() == before
        assert made.alive()
        assert texts(list(made.submit(letters("你好")))) == "你好"
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_answers_advance_together() -> None:
    """While one answer runs without end, others come and finish."""
    with worker() as made:
        long = made.submit(endless())
        assert [texts(list(made.submit(letters(text)))) for text in ("一", "二", "三")] == ["一", "二", "三"]
        assert next(long) == Delta("x")


def test_queue_full_is_refused_and_frees_up() -> None:
    """A request beyond the places is refused at the call; a cancelled one makes room for the next."""
    with worker(running=1, waiting=1) as made:
        first, second = made.submit(endless()), made.submit(letters("b"))
        next(first)
        with pytest.raises(EngineBusy):
            made.submit(letters("c"))
        first.close()
        assert texts(list(second)) == "b"
        assert texts(list(made.submit(letters("c")))) == "c"


def test_error_ends_its_own_generation_only() -> None:
    """An exception in one request is that request's EngineFailed; the others and the engine go on."""
    with worker() as made:
        bad, good = made.submit(letters("a", ValueError("bad logits"))), made.submit(letters("好" * 50))
        assert next(bad) == Delta("a")
        with pytest.raises(EngineFailed, match="bad logits") as caught:
            next(bad)
        assert isinstance(caught.value.__cause__, ValueError)
        assert caught.value.__cause__.__traceback__ is None  # its frames would keep the cache alive
        assert texts(list(good)) == "好" * 50
        assert made.alive()


def test_error_while_opening_ends_its_own_generation_only() -> None:
    """A cache that cannot be taken fails the request that asked for it, no other."""

    def no_memory() -> TokenSource:
        raise MemoryError

    with worker() as made:
        with pytest.raises(EngineFailed):
            list(made.submit(generation(no_memory)))
        assert texts(list(made.submit(letters("a")))) == "a"


@pytest.mark.parametrize("error", [ModelLost("device gone"), SystemExit(1)])
def test_engine_death_reaches_everyone(error: BaseException) -> None:
    """When the model is lost, running and waiting requests end with EngineFailed and later ones are refused."""
    gate = threading.Event()
    with worker(running=2, waiting=2) as made:
        streams = [made.submit(letters("", error, gate)), made.submit(endless()), made.submit(endless())]
        gate.set()
        for stream in streams:
            with pytest.raises(EngineFailed, match="the engine broke"):
                list(stream)
        assert not made.alive()
        with pytest.raises(EngineFailed, match="the engine broke"):
            made.submit(letters("a"))


def test_failing_start_hook_is_an_engine_death() -> None:
    """An engine that cannot even start says so to its first request."""

    def broken() -> None:
        raise RuntimeError("no such thread count")

    made = Worker(Scheduler(1, 1), on_start=broken)
    with pytest.raises(EngineFailed, match="no such thread count"):
        list(made.submit(letters("a")))
    assert not made.alive()


def test_close_ends_everything() -> None:
    """Closing ends running and waiting requests, refuses later ones, and may be repeated."""
    with worker(running=1) as made:
        running, waiting = made.submit(endless()), made.submit(endless())
        next(running)
        made.close()
        made.close()
        for stream in (running, waiting):
            with pytest.raises(EngineFailed, match="closed"):
                list(stream)
        with pytest.raises(EngineFailed):
            made.submit(letters("a"))
        assert not made.alive()


def test_close_before_start() -> None:
    """A worker closed before its first request never starts."""
    made = Worker(Scheduler(1, 1))
    made.close()
    with pytest.raises(EngineFailed, match="not running"):
        made.submit(letters("a"))


def test_step_that_hangs_makes_the_engine_unready() -> None:
    """A step that lasts too long turns `alive` false and is reported to the reader; nobody waits for ever."""
    gate = threading.Event()
    with worker(stall_after=0.01) as made:
        stream = made.submit(letters("a", gate=gate))
        with pytest.raises(EngineFailed, match="stopped answering"):
            next(stream)
        assert not made.alive()
        gate.set()


def test_stream_closed_on_another_thread() -> None:
    """Who waits for an event of a stream that another thread closes is let go, without an event."""
    gate = threading.Event()
    with worker(running=1) as made:
        held, waiting = made.submit(letters("a", gate=gate)), made.submit(letters("b"))
        got: list[list[Event]] = []
        reader = threading.Thread(target=lambda: got.append(list(waiting)))
        reader.start()
        waiting.close()
        reader.join(10)
        gate.set()
        assert texts(list(held)) == "a"
    assert got == [[]]


def test_disconnect_frees_the_source_within_a_step() -> None:
    """A closed stream's model state is let go before the other answers have moved twice."""
    with worker() as made:
        left = endless()
        stream, other = made.submit(left), made.submit(endless())
        next(stream)
        stream.close()
        while not other._generation.events.empty():
            next(other)
        for _ in range(3):
            next(other)
        assert left.done
        assert left._source is None


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")  # what is tested here, on purpose
def test_forked_child_does_not_hang() -> None:
    """The thread does not survive a fork: the child is not alive and refuses instead of waiting for ever."""
    with worker() as made:
        list(made.submit(letters("a")))
        child = os.fork()
        if child == 0:
            code = 1
            try:
                made.submit(letters("a"))
            except EngineFailed:
                code = 0 if not made.alive() else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_many_clients_at_once() -> None:
    """Forty threads with eight places: each gets its own answer and exactly one terminal."""
    with worker(running=8, waiting=40) as made:
        results: dict[str, list[Event]] = {}

        def ask(text: str) -> None:
            results[text] = list(made.submit(letters(text)))

        threads = [threading.Thread(target=ask, args=(chr(0x4E00 + n) * (n + 1),)) for n in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert all(texts(events) == text for text, events in results.items())
    assert [sum(isinstance(event, Finish) for event in events) for events in results.values()] == [1] * 40
