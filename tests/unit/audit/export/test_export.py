"""An export holds the committed records that were asked for, and where it says verified, exactly what was signed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from harness.records import ORIGIN, SAMPLES, SECONDS

from audit import canonical
from audit.checkpoint import Checkpoint, Signer
from audit.errors import LogChanged, Tampered, UnreadableLog
from audit.export.export import export, origin_of, verified_checkpoint
from audit.export.record import Record
from audit.export.selection import Selection
from audit.journal import Journal, Rotation


class Collected:
    """A sink that keeps the records. `meanwhile` runs before the first one is kept."""

    def __init__(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.records: list[Record] = []
        self._meanwhile = meanwhile

    def add(self, record: Record) -> None:
        if not self.records:
            self._meanwhile()
        self.records.append(record)

    def finish(self) -> None:
        return


def exported(log: Path, selection: Selection | None = None, checkpoint: Checkpoint | None = None) -> list[Record]:
    """The records of an export."""
    sink = Collected()
    done = export(log, selection or Selection(), sink, checkpoint)
    assert done.records == len(sink.records)
    return sink.records


def moment(second: int) -> bytes:
    """The time of the sample at this place, as lines have it."""
    return b"2026-11-23T08:00:%02d.000000Z" % second


def test_everything(sample_log: Path) -> None:
    """Every record of every segment is there once, in order, as it stands in the log."""
    records = exported(sample_log)
    assert [record.fields for record in records] == list(SAMPLES)
    assert {record.origin for record in records} == {ORIGIN}
    assert [record.index for record in records] == sorted({record.index for record in records})
    assert len(list(sample_log.glob("*.log"))) > 1


@pytest.mark.parametrize(
    ("selection", "places"),
    [
        (Selection(since=moment(3)), range(3, len(SAMPLES))),
        (Selection(until=moment(3)), range(3)),
        (Selection(since=moment(2), until=moment(3)), [2]),
        (Selection(events=("request.finished", "audit.read")), [2, 3, 8]),
        (Selection(subjects=("李雷",)), [1, 2, 3, 4, 9]),
        (Selection(events=("request.finished",), subjects=("李雷",), since=moment(3)), [3]),
        (Selection(subjects=("nobody",)), []),
        (Selection(events=("request",)), []),
    ],
)
def test_selection(selection: Selection, places: list[int], sample_log: Path) -> None:
    """All that is asked for must hold; a start is included, an end is not."""
    assert [record.fields for record in exported(sample_log, selection)] == [SAMPLES[place] for place in places]


def test_unacknowledged_records_stay_out(sample_log: Path) -> None:
    """What a crash left behind the last checkpoint was never part of the log."""
    newest = max(sample_log.glob("*.log"))
    lines = newest.read_bytes().splitlines(keepends=True)
    newest.write_bytes(b"".join(lines[:-3]))  # the last record, unsigned now
    assert [record.fields for record in exported(sample_log)] == list(SAMPLES[:-1])
    newest.write_bytes(newest.read_bytes() + lines[-3][:20])
    assert len(exported(sample_log)) == len(SAMPLES) - 1


def test_verified(sample_log: Path, private: Ed25519PrivateKey) -> None:
    """A log that verifies is exported whole, up to its newest checkpoint."""
    checkpoint = verified_checkpoint(sample_log, private.public_key(), None)
    assert [record.fields for record in exported(sample_log, checkpoint=checkpoint)] == list(SAMPLES)
    assert origin_of(sample_log, checkpoint).verified
    assert not origin_of(sample_log, None).verified


def test_changed_record(sample_log: Path, private: Ed25519PrivateKey) -> None:
    """A log with a changed byte gives no verified export; the unverified one shows it as it stands."""
    segment = min(sample_log.glob("*.log"))
    segment.write_bytes(segment.read_bytes().replace("李雷".encode(), "李霞".encode(), 1))
    with pytest.raises(Tampered, match=r"000000000000\.log"):
        verified_checkpoint(sample_log, private.public_key(), None)
    assert "李霞" in str([record.fields for record in exported(sample_log)])


def test_other_key(sample_log: Path) -> None:
    """A log signed by someone else is not verified by it."""
    with pytest.raises(Tampered):
        verified_checkpoint(sample_log, Ed25519PrivateKey.generate().public_key(), None)


def test_log_changed_between_verification_and_export(sample_log: Path, private: Ed25519PrivateKey) -> None:
    """Whoever swaps a record once the log was verified does not get it exported as verified."""
    checkpoint = verified_checkpoint(sample_log, private.public_key(), None)
    segment = min(sample_log.glob("*.log"))
    segment.write_bytes(segment.read_bytes().replace("李雷".encode(), "李霞".encode(), 1))
    with pytest.raises(LogChanged, match="was changed after it was verified"):
        exported(sample_log, checkpoint=checkpoint)


def test_segment_removed_between_verification_and_export(sample_log: Path, private: Ed25519PrivateKey) -> None:
    """A segment that goes missing in between, in the middle or at the end, is noticed."""
    checkpoint = verified_checkpoint(sample_log, private.public_key(), None)
    names = sorted(sample_log.glob("*.log"))
    content = names[-1].read_bytes()
    names[-1].unlink()
    with pytest.raises(LogChanged, match="was changed"):
        exported(sample_log, checkpoint=checkpoint)
    names[-1].write_bytes(content)
    names[1].unlink()
    with pytest.raises(LogChanged, match="was changed"):
        exported(sample_log, checkpoint=checkpoint)


def test_growing_log(tmp_path: Path, open_journal: Callable[..., Journal], private: Ed25519PrivateKey) -> None:
    """Records that come while a verified export runs are not in it: they were not verified."""
    now = SECONDS * 1_000_000_000
    journal = open_journal(now_ns=now)
    body: Any = {"event": "request.served", "n": 1}
    journal.append([canonical.encode(body)], now)
    checkpoint = verified_checkpoint(tmp_path / "log", private.public_key(), None)

    def meanwhile() -> None:
        journal.append([canonical.encode({**body, "n": 2})], now)

    sink = Collected(meanwhile)
    export(tmp_path / "log", Selection(), sink, checkpoint)
    journal.close(now)
    assert [record.fields["n"] for record in sink.records] == [1]
    assert [record.fields.get("n") for record in exported(tmp_path / "log")] == [1, 2]


@pytest.mark.parametrize("folder", ["missing", "empty"])
def test_no_log(folder: str, tmp_path: Path) -> None:
    """Where there is no log, that is said."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableLog, match=folder):
        origin_of(tmp_path / folder, None)


def test_origin_of_a_renamed_log(tmp_path: Path, private: Ed25519PrivateKey) -> None:
    """The origin is the one in the log, not one of our making."""
    Journal(tmp_path / "log", Signer("host-b/x", private), Rotation(), 1).close(2)
    assert origin_of(tmp_path / "log", None).name == "host-b/x"
