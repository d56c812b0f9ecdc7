"""What a reviewer should look at: numbers that stand out, requests without an end, silence, and rare events."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from audit.report.anomalies import spikes
from audit.report.period import Period, text
from audit.report.silence import silences
from audit.report.summary import Anomaly
from audit.review.index import Index

_MOST = 20  # of one kind from one log; the rest is counted
_REFUSED_OFTEN = 20
# Events that no day of ordinary use has, and what they mean.
_RARE: Mapping[str, str] = {
    "audit.clock": "the clock of the host went back",
    "audit.writer_restarted": "the audit writer had to be started again",
    "configuration.refused": "a configuration with mistakes was refused",
    "policy.refused": "a policy with mistakes was refused",
    "issuer.keys_changed": "an issuer has other keys",
    "issuer.keys_unavailable": "the keys of an issuer could not be had",
    "content.erased": "contents were erased",
    "content.rewrapped": "contents were wrapped to another auditor's key",
}
_UNFINISHED = """
    SELECT idx, time, coalesce(subject, 'somebody') FROM event
    WHERE name = 'request.admitted' AND finished IS NULL AND time >= :start AND time < :end ORDER BY idx"""
_FIRST = "SELECT min(idx) FROM event WHERE time >= :start AND time < :end"
_OFTEN_REFUSED = """
    SELECT max(idx), max(time), subject,
        sum(CASE WHEN name = 'request.refused' THEN coalesce(count, 1) ELSE 0 END) AS refused,
        sum(coalesce(count, 1)) AS total
    FROM event WHERE subject IS NOT NULL AND name LIKE 'request.%' AND time >= :start AND time < :end
    GROUP BY issuer, subject HAVING refused >= :often AND refused * 2 > total ORDER BY refused DESC"""
_NEW_POLICY = """
    SELECT idx, time, bundle FROM (
        SELECT idx, time, bundle, lag(bundle) OVER (ORDER BY idx) AS before FROM event WHERE name = 'policy.activated'
    ) WHERE bundle != before AND time >= :start AND time < :end ORDER BY idx"""

Row = tuple[int, int, str]  # idx, time, what


def notable(
    logs: Iterable[tuple[Path, Index]], period: Period, use: Mapping[str, Sequence[int]]
) -> tuple[Anomaly, ...]:
    """All of it, in order of time. `use` are the numbers of the plot, by what became of the requests."""
    found = list(_spikes(period, use))
    for directory, index in logs:
        found += _limited(index, list(_silent(index, directory, period)))
        for rows in (_unfinished, _often_refused, _new_policies, _rare):
            found += _limited(index, list(rows(index, period)))
    return tuple(sorted(found, key=lambda anomaly: (anomaly.time, anomaly.what, anomaly.receipt)))


def _limited(index: Index, rows: Sequence[Row]) -> Iterator[Anomaly]:
    for idx, time, what in rows[:_MOST]:
        yield Anomaly(text(time), what, f"{index.origin}/{idx}")
    if len(rows) > _MOST:
        idx, time, what = rows[_MOST]
        yield Anomaly(text(time), f"and {len(rows) - _MOST} more like: {what}", f"{index.origin}/{idx}")


def _spikes(period: Period, use: Mapping[str, Sequence[int]]) -> Iterator[Anomaly]:
    for kind, values in use.items():
        for place in spikes(values):
            yield Anomaly(text(period.start + place * period.width), f"{kind}: {values[place]}, far more than usual")


def _unfinished(index: Index, period: Period) -> Iterator[Row]:
    for idx, time, subject in index.connection.execute(_UNFINISHED, _times(period)):
        yield idx, time, f"a request of {subject} was admitted, and no end is recorded"


def _silent(index: Index, directory: Path, period: Period) -> Iterator[Row]:
    """From the log itself: an index has no heartbeats."""
    (first,) = index.connection.execute(_FIRST, _times(period)).fetchone()
    if first is not None:
        for idx, time, silence in silences(directory, first, period):
            yield idx, time, f"nothing was recorded for {silence // 60_000_000} minutes before this"


def _often_refused(index: Index, period: Period) -> Iterator[Row]:
    for idx, time, subject, refused, total in index.connection.execute(
        _OFTEN_REFUSED, {**_times(period), "often": _REFUSED_OFTEN}
    ):
        yield idx, time, f"{subject}: {refused} of {total} requests were refused"


def _new_policies(index: Index, period: Period) -> Iterator[Row]:
    for idx, time, bundle in index.connection.execute(_NEW_POLICY, _times(period)):
        yield idx, time, f"another policy was activated: {bundle[:16]}"


def _rare(index: Index, period: Period) -> Iterator[Row]:
    marks = ", ".join("?" * len(_RARE))
    query = f"SELECT idx, time, name FROM event WHERE name IN ({marks}) AND time >= ? AND time < ? ORDER BY idx"  # noqa: S608 - marks only
    for idx, time, name in index.connection.execute(query, (*_RARE, period.start, period.end)):
        yield idx, time, _RARE[name]


def _times(period: Period) -> dict[str, int]:
    return {"start": period.start, "end": period.end}
