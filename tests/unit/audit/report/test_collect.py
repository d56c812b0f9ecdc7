"""The numbers of a report, counted in small logs whose every record is known."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import orjson
import pytest

from audit.journal import Journal
from audit.report.collect import Frame, bounds, collect
from audit.report.period import microseconds, period
from audit.report.summary import Count, Summary
from audit.review.index import open_index

START_NS = 1_795_420_800_000_000_000  # 2026-11-23T08:00:00Z
SECOND = 1_000_000_000
FRAME = Frame("a", "b", "c", (("host-a/hangu", "clean"),))
Made = list[tuple[int, Mapping[str, object]]]


def admitted(subject: str, **fields: object) -> Mapping[str, object]:
    """The record of a request that reached a model."""
    decision = {"effect": "allow", "reason": "matched-rule", "rule": "policy.csv:5:1"}
    who = {"request_id": f"req_{subject}", "subject": subject, "issuer": "hr", "model": "chatglm3-6b"}
    return {"event": "request.admitted", "bundle": "ab" * 32, "decision": decision, **who, **fields}


def finished(subject: str, admitted_at: int, outcome: str = "completed") -> Mapping[str, object]:
    """The record of its end."""
    usage = {"prompt": 10, "completion": 5}
    ended = {"admitted": admitted_at, "request_id": f"req_{subject}", "outcome": outcome, "usage": usage}
    return {"event": "request.finished", **ended}


def refused(code: str, subject: str | None = None, **fields: object) -> Mapping[str, object]:
    """The record of a refusal."""
    who = {"subject": subject, "issuer": "hr"} if subject else {}
    return {"event": "request.refused", "code": code, "status": 403, **who, **fields}


@pytest.fixture
def write(tmp_path: Path, open_journal: Callable[..., Journal]) -> Callable[..., Path]:
    """Writes a log of these records, each so many seconds after the start."""

    def writer(records: Made, name: str = "log") -> Path:
        journal = open_journal(name)
        for seconds, record in records:
            journal.append([orjson.dumps(record, option=orjson.OPT_SORT_KEYS)], START_NS + seconds * SECOND)
        journal.close(START_NS + 10**6 * SECOND)
        return tmp_path / name

    return writer


@pytest.fixture
def summarise() -> Iterator[Callable[..., Summary]]:
    """Collects the report of some logs over all that is in them."""
    with ExitStack() as stack:

        def run(*logs: Path) -> Summary:
            opened = [(log, stack.enter_context(open_index(log, notice=print))) for log in logs]
            first, last = bounds(index for _, index in opened) or (0, 1)
            return collect(opened, period(first, last + 1), FRAME)

        yield run


def ranking(summary: Summary, title: str) -> tuple[Count, ...]:
    """The rows of a ranking."""
    (rows,) = [each.rows for each in summary.rankings if each.title == title]
    return rows


def totals(summary: Summary) -> dict[str, int]:
    """The totals by name."""
    return {each.name: each.count for each in summary.totals}


def test_what_became_of_requests(write: Callable[..., Path], summarise: Callable[..., Summary]) -> None:
    """Each request counts once, by its end; one refusal that stands for many counts as many."""
    log = write(
        [
            (0, admitted("user:张伟")),
            (1, finished("user:张伟", 2)),
            (2, admitted("user:b")),
            (3, finished("user:b", 6, "content_filter")),
            (4, admitted("user:b")),
            (5, finished("user:b", 10, "aborted")),
            (6, refused("forbidden", "user:c")),
            (7, refused("rate_limit_exceeded", count=9, seconds=60)),
            (8, {"event": "request.served", "route": "models", "subject": "user:b", "issuer": "hr"}),
            (9, admitted("user:b")),
        ]
    )
    found = totals(summarise(log))
    assert found["requests"] == 15
    assert (found["answered"], found["refused"], found["cut by a filter"], found["failed or left"]) == (2, 10, 1, 2)
    assert (found["subjects"], found["tokens read"], found["tokens written"]) == (3, 30, 15)


def test_rankings(write: Callable[..., Path], summarise: Callable[..., Summary]) -> None:
    """Reasons, rules, filters, subjects and models are counted, the most frequent first."""
    hits = [{"direction": "prompt", "filter": "pii", "type": "CREDIT_CARD", "action": "redact", "count": 3}]
    summary = summarise(
        write(
            [
                (0, admitted("user:张伟", filters=hits)),
                (1, admitted("user:张伟")),
                (2, refused("forbidden")),
                (3, refused("invalid_token", count=4)),
            ]
        )
    )
    assert ranking(summary, "Refusals by reason") == (Count("invalid_token", 4), Count("forbidden", 1))
    assert ranking(summary, "Rules that decided") == (Count("policy.csv:5:1 (allow)", 2),)
    assert ranking(summary, "What filters found") == (Count("pii: CREDIT_CARD, redact in the prompt", 3),)
    assert ranking(summary, "Subjects") == (Count("user:张伟", 2),)
    assert ranking(summary, "Models") == (Count("chatglm3-6b", 2),)
    assert ranking(summary, "Policies in force") == (Count("ab" * 8, 2),)


def test_a_long_ranking_is_cut(write: Callable[..., Path], summarise: Callable[..., Summary]) -> None:
    """Of many subjects twelve are shown and the others summed up."""
    summary = summarise(write([(n, admitted(f"user:{n:02d}")) for n in range(15)]))
    (subjects,) = [each for each in summary.rankings if each.title == "Subjects"]
    assert (len(subjects.rows), subjects.others) == (12, 3)


def test_what_to_look_at(write: Callable[..., Path], summarise: Callable[..., Summary]) -> None:
    """A request without an end, an hour of silence, a caller who is mostly refused, a new policy, a clock set back."""
    records: Made = [
        (0, admitted("user:张伟")),
        (10, {"event": "policy.activated", "bundle": "ab" * 32}),
        (20, {"event": "policy.activated", "bundle": "cd" * 32}),
        (30, {"event": "audit.clock", "behind_ms": 3_600_000}),
        *((40 + n, refused("forbidden", "user:probe")) for n in range(25)),
        (3700, refused("forbidden")),
    ]
    found = {anomaly.what for anomaly in summarise(write(records)).anomalies}
    assert "a request of user:张伟 was admitted, and no end is recorded" in found
    assert "another policy was activated: cdcdcdcdcdcdcdcd" in found
    assert "the clock of the host went back" in found
    assert "user:probe: 25 of 25 requests were refused" in found
    assert "nothing was recorded for 60 minutes before this" in found
    assert not any("abab" in what for what in found)


def test_a_quiet_night(write: Callable[..., Path], summarise: Callable[..., Summary]) -> None:
    """Hours without a request are no silence as long as the writer says that it lives."""
    records: Made = [(60 * n, {"event": "audit.heartbeat"}) for n in range(1, 100)]
    log = write([(0, refused("forbidden")), *records, (6000, refused("forbidden"))])
    assert summarise(log).anomalies == ()


def test_an_ordinary_day(write: Callable[..., Path], summarise: Callable[..., Summary]) -> None:
    """Requests that were answered, with heartbeats in between, give nothing to look at; each anomaly has its record."""
    records: Made = []
    for n in range(20):
        records += [(60 * n, admitted("user:a")), (60 * n + 1, finished("user:a", 2 + 4 * n))]
    assert summarise(write(records)).anomalies == ()


def test_a_spike(write: Callable[..., Path], summarise: Callable[..., Summary]) -> None:
    """Hundreds of refusals in five minutes of a quiet day stand out, with their time."""
    records: Made = [(300 * n, refused("forbidden")) for n in range(12)]
    records += [(300 * 6 + 1, refused("forbidden", count=500))]
    records.sort(key=lambda made: made[0])
    (spike,) = [each for each in summarise(write(records)).anomalies if "than usual" in each.what]
    assert (spike.time, spike.what) == ("2026-11-23T08:30:00Z", "refused: 501, far more than usual")


def test_several_logs_are_one_report(write: Callable[..., Path], summarise: Callable[..., Summary]) -> None:
    """Numbers of all logs are added up; a subject on two hosts is one subject; receipts name their log."""
    one = write([(0, admitted("user:a"))], "one")
    two = write([(0, admitted("user:a")), (1, admitted("user:b"))], "two")
    summary = summarise(one, two)
    assert totals(summary)["requests"] == 3
    assert totals(summary)["subjects"] == 2
    assert ranking(summary, "Subjects") == (Count("user:a", 2), Count("user:b", 1))
    assert len(summary.anomalies) == 3


def test_only_the_period_counts(write: Callable[..., Path]) -> None:
    """Records before the period and from its end on are left out."""
    log = write([(0, refused("a")), (600, refused("b")), (1200, refused("c"))])
    start = microseconds(b"2026-11-23T08:10:00.000000Z")
    with open_index(log, notice=print) as index:
        summary = collect([(log, index)], period(start, start + 600 * 10**6), FRAME)
    assert ranking(summary, "Refusals by reason") == (Count("b", 1),)
