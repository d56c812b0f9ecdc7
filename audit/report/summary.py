"""What a report says, as plain values: the renderers take nothing else."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Count:
    """A name and how often it occurred."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Series:
    """One number for each bucket of time."""

    name: str
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The most frequent names of one kind, most frequent first; `others` sums up those left out."""

    title: str
    rows: tuple[Count, ...]
    others: int = 0


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something a reviewer should look at: when, what, and the record (`origin/index`) where there is one."""

    time: str
    what: str
    receipt: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """One report: a period of one or several logs."""

    origins: tuple[str, ...]
    since: str
    until: str
    made: str
    integrity: tuple[tuple[str, str], ...]  # what the verifier said of each log: label, text
    totals: tuple[Count, ...]
    buckets: tuple[str, ...]  # labels of the buckets of time
    use: tuple[Series, ...]  # by outcome, over the buckets
    rankings: tuple[Ranking, ...]
    anomalies: tuple[Anomaly, ...]
