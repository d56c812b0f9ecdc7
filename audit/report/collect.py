"""The numbers of a report, from the indexes of one or several logs."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from audit.report.notable import notable
from audit.report.period import Period, text
from audit.report.summary import Count, Ranking, Series, Summary
from audit.review.index import Index

_ROWS = 12  # of a ranking
_ANSWERED, _REFUSED, _CUT, _FAILED = "answered", "refused", "cut by a filter", "failed or left"

# What became of the requests, by bucket. A request that was admitted and never finished counts as failed.
_USE = """
    SELECT (time - :start) / :width AS bucket,
        CASE WHEN name = 'request.refused' THEN 'refused'
             WHEN name IN ('request.served', 'configuration.read') OR outcome = 'completed' THEN 'answered'
             WHEN outcome = 'content_filter' THEN 'cut by a filter'
             ELSE 'failed or left' END AS kind,
        sum(coalesce(count, 1))
    FROM event WHERE time >= :start AND time < :end
        AND name IN ('request.admitted', 'request.refused', 'request.served', 'configuration.read')
    GROUP BY bucket, kind
"""
_RANKINGS: Mapping[str, str] = {
    "Refusals by reason": """
        SELECT code, sum(coalesce(count, 1)) FROM event
        WHERE name = 'request.refused' AND time >= :start AND time < :end GROUP BY code""",
    "Rules that decided": """
        SELECT rule || ' (' || effect || ')', sum(coalesce(count, 1)) FROM event
        WHERE rule IS NOT NULL AND time >= :start AND time < :end GROUP BY rule, effect""",
    "What filters found": """
        SELECT filter.filter || ': ' || filter.type || ', ' || filter.action || ' in the ' || filter.direction,
            sum(filter.count)
        FROM filter JOIN event ON event.idx = filter.event
        WHERE time >= :start AND time < :end
        GROUP BY filter.filter, filter.type, filter.action, filter.direction""",
    "Subjects": """
        SELECT subject, sum(coalesce(count, 1)) FROM event
        WHERE subject IS NOT NULL AND time >= :start AND time < :end GROUP BY subject""",
    "Models": """
        SELECT model, count(*) FROM event
        WHERE name = 'request.admitted' AND time >= :start AND time < :end GROUP BY model""",
    "Policies in force": """
        SELECT substr(bundle, 1, 16), sum(coalesce(count, 1)) FROM event
        WHERE bundle IS NOT NULL AND name LIKE 'request.%' AND time >= :start AND time < :end GROUP BY bundle""",
}
_TOTALS: Mapping[str, str] = {
    "tokens read": "SELECT sum(prompt_tokens) FROM event WHERE time >= :start AND time < :end",
    "tokens written": "SELECT sum(completion_tokens) FROM event WHERE time >= :start AND time < :end",
    "tokens issued": "SELECT count(*) FROM event WHERE name = 'token.issued' AND time >= :start AND time < :end",
    "reads of the log": "SELECT count(*) FROM event WHERE name = 'audit.read' AND time >= :start AND time < :end",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """What a report says that is in no index: the period as it was asked for, when it was made, and the verdicts."""

    since: str
    until: str
    made: str
    integrity: tuple[tuple[str, str], ...]


def bounds(indexes: Iterable[Index]) -> tuple[int, int] | None:
    """The times of the first and the last event, in microseconds; None where there is none."""
    found = [index.connection.execute("SELECT min(time), max(time) FROM event").fetchone() for index in indexes]
    known = [(first, last) for first, last in found if first is not None]
    return (min(first for first, _ in known), max(last for _, last in known)) if known else None


def collect(logs: Sequence[tuple[Path, Index]], period: Period, frame: Frame) -> Summary:
    """Everything that a report of this period says of these logs: their directories, with their indexes."""
    indexes = [index for _, index in logs]
    use = _use(indexes, period)
    return Summary(
        origins=tuple(index.origin for index in indexes),
        since=frame.since,
        until=frame.until,
        made=frame.made,
        integrity=frame.integrity,
        totals=_totals(indexes, period, use),
        buckets=period.labels,
        use=use,
        rankings=tuple(_ranking(indexes, period, title, query) for title, query in _RANKINGS.items()),
        anomalies=notable(logs, period, {series.name: series.values for series in use}),
    )


def _use(indexes: Sequence[Index], period: Period) -> tuple[Series, ...]:
    found: Counter[tuple[int, str]] = Counter()
    for index in indexes:
        for bucket, kind, count in index.connection.execute(_USE, _times(period)):
            found[bucket, kind] += count
    buckets = range(len(period.labels))
    kinds = (_ANSWERED, _REFUSED, _CUT, _FAILED)
    return tuple(Series(kind, tuple(found[bucket, kind] for bucket in buckets)) for kind in kinds)


def _totals(indexes: Sequence[Index], period: Period, use: Iterable[Series]) -> tuple[Count, ...]:
    outcomes = [Count(series.name, sum(series.values)) for series in use]
    callers = {
        (issuer, subject)
        for index in indexes
        for issuer, subject in index.connection.execute(
            "SELECT DISTINCT issuer, subject FROM event WHERE subject IS NOT NULL AND time >= :start AND time < :end",
            _times(period),
        )
    }
    others = [
        Count(name, sum(_number(index.connection, query, period) for index in indexes))
        for name, query in _TOTALS.items()
    ]
    requests = Count("requests", sum(each.count for each in outcomes))
    return (requests, *outcomes, Count("subjects", len(callers)), *others)


def _number(connection: sqlite3.Connection, query: str, period: Period) -> int:
    (found,) = connection.execute(query, _times(period)).fetchone()
    return found or 0


def _ranking(indexes: Sequence[Index], period: Period, title: str, query: str) -> Ranking:
    found: Counter[str] = Counter()
    for index in indexes:
        for name, count in index.connection.execute(query, _times(period)):
            found[name or "not said"] += count
    rows = [Count(name, count) for name, count in sorted(found.items(), key=lambda row: (-row[1], row[0]))]
    return Ranking(title, tuple(rows[:_ROWS]), others=sum(row.count for row in rows[_ROWS:]))


def _times(period: Period) -> dict[str, int]:
    return {"start": period.start, "end": period.end, "width": period.width}


def between(period: Period) -> tuple[str, str]:
    """The period in words."""
    return text(period.start), text(period.end)
