"""Who runs in the next step."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from model_runtime.engine import EngineBusy
from model_runtime.scheduler import Scheduler


@dataclass(eq=False)
class Request:
    name: str
    cancelled: bool = False


def scheduler(running: int, waiting: int, *names: str) -> tuple[Scheduler[Request], list[Request]]:
    made: Scheduler[Request] = Scheduler(running, waiting)
    requests = [Request(name) for name in names]
    for request in requests:
        made.submit(request)
    return made, requests


def test_first_come_first_served() -> None:
    """Requests run in the order in which they came, as far as there are places."""
    made, (a, b, c) = scheduler(2, 1, "a", "b", "c")
    assert [made.plan().prefill for _ in range(3)] == [a, b, a]
    made.prefilled(a)
    made.remove(a)
    assert [made.plan().prefill for _ in range(2)] == [b, c]


def test_every_answer_moves_each_round_and_one_prompt_chunk_beside() -> None:
    """A long prompt does not keep running answers waiting."""
    made, (a, b, c) = scheduler(3, 0, "a", "b", "c")
    made.plan()
    made.prefilled(a)
    rounds = [made.plan() for _ in range(2)]
    assert [one.prefill for one in rounds] == [b, c]
    assert [one.decode for one in rounds] == [(a,), (a,)]


def test_full_queue_refuses() -> None:
    """Beyond the running and waiting places a request is refused at once."""
    made, _ = scheduler(1, 1, "a", "b")
    with pytest.raises(EngineBusy, match="are waiting"):
        made.submit(Request("c"))
    made.plan()
    with pytest.raises(EngineBusy):
        made.submit(Request("c"))


def test_cancelled_waiting_request_frees_its_place() -> None:
    """Who hung up while waiting does not keep others out."""
    made, (_, b) = scheduler(1, 1, "a", "b")
    made.plan()
    b.cancelled = True
    c = Request("c")
    made.submit(c)
    assert made.waiting == 1


def test_cancelled_requests_are_dropped_once() -> None:
    """A cancelled running request is reported once and is gone; one that never ran just goes."""
    made, (a, b, c) = scheduler(2, 1, "a", "b", "c")
    made.plan()
    made.prefilled(a)
    a.cancelled = c.cancelled = True
    first, second = made.plan(), made.plan()
    assert (first.dropped, first.decode, first.prefill) == ((a,), (), b)
    assert (second.dropped, made.waiting, made.running) == ((), 0, 1)


def test_drain_takes_all() -> None:
    """Draining returns every request and leaves none."""
    made, requests = scheduler(2, 2, "a", "b", "c")
    made.plan()
    made.prefilled(requests[0])
    assert set(made.drain()) == set(requests)
    assert made.idle


@pytest.mark.parametrize(("running", "waiting"), [(0, 1), (-1, 1), (1, -1)])
def test_places_must_make_sense(running: int, waiting: int) -> None:
    """An engine that could never run a request is not made."""
    with pytest.raises(ValueError, match="max_running"):
        Scheduler(running, waiting)
