"""The tail gives out every committed record once, in order, while the log grows, rotates, is purged or archived."""

from collections.abc import Callable
from pathlib import Path

import pytest

from audit.errors import ShippingFailed, Tampered
from audit.gzip_stream import deflated
from audit.journal import Journal, Rotation
from audit.ship.tail import Gap, Position, Tail

NOW = 1_795_420_800_000_000_000
OpenJournal = Callable[..., Journal]


def body(number: int) -> bytes:
    """A small record."""
    return b'{"event":"a","n":%d}' % number


def drained(tail: Tail, limit: int = 1000) -> list[object]:
    """The numbers of all records that can be read now."""
    numbers: list[object] = []
    while (batch := tail.read(limit)) is not None:
        assert batch.gap is None
        numbers += [record.fields["n"] for record in batch.records]
    return numbers


def archive(segment: Path) -> None:
    """What `audit archive` leaves of a sealed segment."""
    with segment.open("rb") as source:
        segment.with_name(f"{segment.name}.gz").write_bytes(b"".join(deflated(source)))
    segment.unlink()


@pytest.fixture
def log(tmp_path: Path, open_journal: OpenJournal) -> Path:
    """Ten records in ten segments, sealed."""
    journal = open_journal(rotation=Rotation(max_bytes=1))
    for number in range(10):
        journal.append([body(number)], NOW)
    journal.close(NOW)
    return tmp_path / "log"


def test_growing_and_rotating(tmp_path: Path, open_journal: OpenJournal) -> None:
    """Each look gives what was committed since the last one, over all rotations and a restart."""
    journal = open_journal(rotation=Rotation(max_bytes=600))
    tail = Tail(tmp_path / "log", Position(), None)
    assert drained(tail) == []
    for number in range(20):
        journal.append([body(number), body(number + 100)], NOW)
        assert drained(tail) == [number, number + 100]
    journal.close(NOW)
    assert drained(tail) == []
    journal = open_journal()
    journal.append([body(1)], NOW)
    assert drained(tail) == [1]
    journal.close(NOW)
    assert drained(tail) == []


def test_every_start(log: Path) -> None:
    """A reader that stopped anywhere goes on there: nothing twice, nothing left out."""
    first = Tail(log, Position(), None)
    whole = drained(Tail(log, Position(), None))
    seen: list[object] = []
    while (batch := first.read(1)) is not None:
        seen += [record.fields["n"] for record in batch.records]
        assert seen + drained(Tail(log, batch.position, batch.origin)) == whole
    assert seen == whole == list(range(10))


def test_limit(tmp_path: Path, open_journal: OpenJournal) -> None:
    """A batch ends with the first commit that brings it to the limit, in number or in bytes."""
    journal = open_journal()
    for number in range(10):
        journal.append([body(number)], NOW)
    large = b'{"event":"a","n":1,"x":"' + b"x" * 1_000_000 + b'"}'
    for _ in range(6):
        journal.append([large], NOW)
    journal.close(NOW)
    tail = Tail(tmp_path / "log", Position(), None)
    sizes = []
    while (batch := tail.read(4)) is not None:
        sizes.append(len(batch.records))
    assert sizes == [4, 4, 4, 4, 0]  # the last is the seal
    tail = Tail(tmp_path / "log", Position(), None)
    assert [len(batch.records) for batch in iter(lambda: tail.read(1000), None)] == [15, 1]


def test_unacknowledged_record(tmp_path: Path, open_journal: OpenJournal, log: Path) -> None:
    """A record without a checkpoint behind it does not leave the host, and never does once recovery cut it off."""
    newest = max(log.glob("*.log"))
    lines = newest.read_bytes().splitlines(keepends=True)
    torn = b'{"i":43,"k":"rec","r":{"event":"a","n":666},"t":"2026-11-23T08:00:00.000000Z"}\n{"i":44,"k'
    assert [line.split(b'"k":"')[1][:3] for line in lines] == [b"hdr", b"ckp", b"rec", b"ckp", b"end", b"ckp"]
    index = int(lines[4].split(b",")[0].split(b":")[1])
    newest.write_bytes(b"".join(lines[:4]) + torn.replace(b"43", b"%d" % index).replace(b"44", b"%d" % (index + 1)))
    tail = Tail(log, Position(), None)
    assert drained(tail) == list(range(10))
    journal = open_journal()
    journal.append([body(10)], NOW)
    assert drained(tail) == [10]
    journal.close(NOW)


def test_archived_while_reading(log: Path) -> None:
    """Segments that are archived before, at or behind the reader's place are read all the same."""
    tail = Tail(log, Position(), None)
    first = tail.read(3)
    assert first is not None
    for segment in sorted(log.glob("*.log"))[:-1]:
        archive(segment)
    assert [*(record.fields["n"] for record in first.records), *drained(tail)] == list(range(10))
    assert drained(Tail(log, Position(), None)) == list(range(10))
    assert drained(Tail(log, first.position, first.origin)) == list(range(len(first.records), 10))


def test_archived_in_the_middle(tmp_path: Path, open_journal: OpenJournal) -> None:
    """A reader in the middle of a segment finds its place in the archive of it."""
    journal = open_journal(rotation=Rotation(max_bytes=2000))
    for number in range(12):
        journal.append([body(number)], NOW)
    journal.close(NOW)
    segment = min((tmp_path / "log").glob("*.log"))
    tail = Tail(tmp_path / "log", Position(), None)
    batch = tail.read(2)
    assert batch is not None
    archive(segment)
    assert drained(tail) == list(range(2, 12))


def test_purged_before_it_was_read(log: Path) -> None:
    """Lines that are gone before they were read are a gap with its numbers, and reading goes on behind it."""
    tail = Tail(log, Position(), None)
    first = tail.read(1)
    assert first is not None
    names = sorted(log.glob("*.log"))
    for segment in names[:5]:
        segment.unlink()
    for reader in (tail, Tail(log, first.position, first.origin)):
        gap = reader.read(1000)
        assert gap is not None
        assert gap.gap == Gap(first.position.next, int(names[5].name[:12]))
        assert gap.records == []
        assert gap.origin == "host-a/hangu"
        assert drained(reader) == list(range(5, 10))


def test_purged_after_it_was_read(log: Path) -> None:
    """The twin: what was read may go, up to the very last line of it."""
    tail = Tail(log, Position(), None)
    batch = tail.read(5)
    assert batch is not None
    for segment in sorted(log.glob("*.log"))[: len(batch.records)]:
        segment.unlink()
    assert drained(Tail(log, batch.position, batch.origin)) == drained(tail) == list(range(len(batch.records), 10))


def test_new_reader_of_a_purged_log(log: Path) -> None:
    """Who starts to ship a log that was purged before has missed nothing."""
    for segment in sorted(log.glob("*.log"))[:5]:
        segment.unlink()
    assert drained(Tail(log, Position(), None)) == list(range(5, 10))


def resumed(log: Path) -> Position:
    """The place behind everything."""
    tail = Tail(log, Position(), None)
    drained(tail)
    return tail.position


def test_rolled_back_log(log: Path) -> None:
    """A log that is shorter than what was shipped was cut: that is said, not passed over."""
    position = resumed(log)
    newest = max(log.glob("*.log"))
    lines = newest.read_bytes().splitlines(keepends=True)
    newest.write_bytes(b"".join(lines[:-2]))  # cut behind a checkpoint: `verify` without an anchor calls this clean
    with pytest.raises(ShippingFailed, match="was cut or replaced"):
        Tail(log, position, "host-a/hangu").read(1)
    newest.unlink()
    with pytest.raises(ShippingFailed, match="was cut or replaced"):
        Tail(log, position, "host-a/hangu").read(1)


def test_cut_while_following(log: Path) -> None:
    """A segment that gets shorter under a reader was cut."""
    tail = Tail(log, Position(), None)
    drained(tail)
    newest = max(log.glob("*.log"))
    newest.write_bytes(newest.read_bytes()[:-300])
    with pytest.raises(ShippingFailed, match="was cut"):
        tail.read(1)


@pytest.mark.parametrize("limit", [3, 1000])
def test_rewritten_log(limit: int, log: Path) -> None:
    """A log whose last shipped line is another now was rewritten, in the middle of a segment or at its end."""
    tail = Tail(log, Position(), None)
    batch = tail.read(limit)
    assert batch is not None
    for segment in log.glob("*.log"):
        segment.write_bytes(segment.read_bytes().replace(b"08:00:00", b"08:00:01"))
    with pytest.raises(ShippingFailed, match="it was changed"):
        Tail(log, batch.position, batch.origin).read(1)


def test_removed_log(log: Path) -> None:
    """An empty directory in the place of a log that was shipped is no log that has not begun."""
    position = resumed(log)
    for segment in log.glob("*.log"):
        segment.unlink()
    with pytest.raises(ShippingFailed, match="removed"):
        Tail(log, position, "host-a/hangu").read(1)
    assert Tail(log, Position(), None).read(1) is None


def test_segment_missing_in_the_middle(log: Path) -> None:
    """A missing segment between others is not stepped over."""
    names = sorted(log.glob("*.log"))
    names[4].unlink()
    tail = Tail(log, Position(), None)
    assert drained(tail) == list(range(4))
    with pytest.raises(ShippingFailed, match="was cut or replaced"):
        Tail(log, Position(int(names[5].name[:12]) - 1, bytes(32)), "host-a/hangu").read(1)


def test_log_of_another_host(log: Path) -> None:
    """A cursor is of one log."""
    with pytest.raises(ShippingFailed, match="of `host-a/hangu`, the cursor of `host-b`"):
        Tail(log, Position(), "host-b").read(1)


def test_bad_line(log: Path) -> None:
    """A line that no writer wrote stops the reader and is named."""
    segment = min(log.glob("*.log"))
    segment.write_bytes(segment.read_bytes().replace(b'"k":"rec"', b'"k" :"rec"', 1))
    with pytest.raises(Tampered, match=r"000000000000\.log:3"):
        Tail(log, Position(), None).read(1)


def test_no_directory(tmp_path: Path) -> None:
    """A log that does not exist yet is an error of the disk, for the caller to wait or not."""
    with pytest.raises(OSError):
        Tail(tmp_path / "none", Position(), None).read(1)
