"""Laws of the scheduler, over random lives of random requests."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from model_runtime.engine import EngineBusy
from model_runtime.scheduler import Scheduler


@dataclass(eq=False)
class Request:
    name: int
    chunks: int
    tokens: int
    cancelled: bool = False


@dataclass
class Life:
    """What one random schedule did."""

    scheduler: Scheduler[Request]
    accepted: list[Request]
    ended: list[Request]
    started: list[Request]


def play(places: tuple[int, int], requests: list[tuple[int, int, int]], cancels: set[tuple[int, int]]) -> Life:
    """Run requests (arrival, chunks, tokens) to their end; cancel request n at round r for each (r, n)."""
    life = Life(Scheduler(*places), [], [], [])
    everyone = [Request(name, chunks, tokens) for name, (_, chunks, tokens) in enumerate(requests)]
    for at in range(200):
        for request, (arrival, _, _) in zip(everyone, requests, strict=True):
            if arrival == at:
                try:
                    life.scheduler.submit(request)
                    life.accepted.append(request)
                except EngineBusy:
                    assert life.scheduler.waiting >= places[1]
        for round_, name in cancels:
            if round_ == at and name < len(everyone):
                everyone[name].cancelled = True
        one_round(life, places)
    return life


def one_round(life: Life, places: tuple[int, int]) -> None:
    work = life.scheduler.plan()
    assert life.scheduler.running <= places[0]
    assert max(Counter(request.name for request in (work.prefill, *work.decode) if request).values(), default=1) == 1
    assert not any(request.cancelled for request in (work.prefill, *work.decode) if request)
    life.ended += work.dropped
    if work.prefill is not None:
        if work.prefill not in life.started:
            life.started.append(work.prefill)
        work.prefill.chunks -= 1
        if work.prefill.chunks == 0:
            life.scheduler.prefilled(work.prefill)
    for request in work.decode:
        request.tokens -= 1
        if request.tokens == 0:
            life.scheduler.remove(request)
            life.ended.append(request)


REQUESTS = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 4), st.integers(1, 6)), max_size=12)
PLACES = st.tuples(st.integers(1, 4), st.integers(0, 5))


@settings(deadline=None)
@given(PLACES, REQUESTS, st.sets(st.tuples(st.integers(0, 40), st.integers(0, 11)), max_size=6))
def test_every_accepted_request_ends_once(
    places: tuple[int, int], requests: list[tuple[int, int, int]], cancels: set[tuple[int, int]]
) -> None:
    """Whatever arrives and hangs up whenever: all that started ends exactly once, and nothing is left."""
    life = play(places, requests, cancels)
    assert life.scheduler.running == 0
    assert all(count == 1 for count in Counter(request.name for request in life.ended).values())
    finished = {request.name for request in life.ended}
    assert all(request.name in finished or request.cancelled for request in life.accepted)


@settings(deadline=None)
@given(PLACES, REQUESTS)
def test_requests_start_in_the_order_they_came(places: tuple[int, int], requests: list[tuple[int, int, int]]) -> None:
    """First come, first served."""
    life = play(places, requests, set())
    assert [request.name for request in life.started] == [request.name for request in life.accepted]


@settings(deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=6))
def test_answers_move_in_step(chunks: list[int]) -> None:
    """Between two tokens of one answer, every other answer gets exactly one, however long the prompts beside are."""
    scheduler: Scheduler[Request] = Scheduler(len(chunks) + 2, 0)
    pair = [Request(0, 1, 99), Request(1, 1, 99)]
    others = [Request(name, count, 99) for name, count in enumerate(chunks, start=2)]
    for request in (*pair, *others):
        scheduler.submit(request)
    for request in pair:
        assert scheduler.plan().prefill is request
        scheduler.prefilled(request)
    for _ in range(20):
        work = scheduler.plan()
        assert set(pair) <= set(work.decode)
        assert len(set(work.decode)) == len(work.decode)
