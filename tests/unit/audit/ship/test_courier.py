"""A courier: at least once, in order, whatever its receiver does. The receiver is scripted here; the log is real."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from audit.errors import ShippingFailed
from audit.export.record import Record
from audit.journal import Journal, Rotation
from audit.ship import courier as couriers
from audit.ship.courier import Courier, Pace
from audit.ship.cursor import Cursor
from audit.ship.sender import NotTaken, Refused
from audit.ship.tail import Position, Tail

NOW = 1_795_420_800_000_000_000
URL = "test://"


class Scripted:
    """Takes records, unless the script has an error for this call or a verdict on one of them."""

    def __init__(self, *script: Exception | str | None, refuses: Callable[[Record], bool] = lambda _: False) -> None:
        self.taken: list[Record] = []
        self.calls = 0
        self.closed = 0
        self.stop: threading.Event | None = None
        self._script = list(script)
        self._refuses = refuses

    def send(self, records: Sequence[Record]) -> str:
        self.calls += 1
        answer = self._script.pop(0) if self._script else None
        if isinstance(answer, Exception):
            raise answer
        if any(self._refuses(record) for record in records):
            raise Refused("HTTP 400")
        self.taken += records
        if self.stop is not None:
            self.stop.set()
        return answer or ""

    def close(self) -> None:
        self.closed += 1

    @property
    def numbers(self) -> list[object]:
        return [record.fields.get("n") for record in self.taken]


class Trip:
    """One courier with its surroundings. `pauses` are the seconds it wanted to wait for."""

    def __init__(self, folder: Path, sender: Scripted, batch: int = 4) -> None:
        self.said: list[str] = []
        self.pauses: list[float | None] = []
        self.stop = threading.Event()
        self.cursor = Cursor(folder / "cursor", folder / "log")
        self.courier = Courier(
            folder / "log", URL, sender, self.cursor, Pace(batch, 0.01), self.stop, lambda: NOW, self.said.append
        )

    def drain(self) -> bool:
        try:
            return self.courier.drain()
        finally:
            self.cursor.close()

    def run(self) -> bool:
        """Without waiting: pauses are only noted."""
        self.stop.wait = self._note  # type: ignore[method-assign]  # a test must not sleep
        try:
            return self.courier.run()
        finally:
            self.cursor.close()

    def end_at_first_pause(self) -> None:
        """Whoever waits finds that it was told to stop meanwhile."""

        def wait(_timeout: float | None = None) -> bool:
            self.stop.set()
            return True

        self.stop.wait = wait  # type: ignore[assignment, method-assign]  # a test must not sleep

    def _note(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout)
        return self.stop.is_set()


def records_of(log: Path) -> list[Record]:
    """All records of the log."""
    tail = Tail(log, Position(), None)
    return [record for batch in iter(lambda: tail.read(1000), None) for record in batch.records]


@pytest.fixture
def log(tmp_path: Path, open_journal: Callable[..., Journal]) -> Path:
    """Ten records in three segments, sealed."""
    journal = open_journal(rotation=Rotation(max_bytes=1500))
    for number in range(10):
        journal.append([b'{"event":"a","n":%d}' % number], NOW)
    journal.close(NOW)
    return tmp_path / "log"


def test_drained_in_order(tmp_path: Path, log: Path) -> None:
    """Everything is shipped once and in order; a second round ships nothing."""
    sender = Scripted()
    assert Trip(tmp_path, sender).drain()
    assert sender.numbers == list(range(10))
    assert sender.closed == 1
    idle = Scripted()
    assert Trip(tmp_path, idle).drain()
    assert not idle.calls


def test_receiver_fails_once(tmp_path: Path, log: Path) -> None:
    """What was not taken is sent again from the cursor on: nothing is lost."""
    broken = Scripted(None, NotTaken("gone"))
    trip = Trip(tmp_path, broken)
    assert not trip.drain()
    assert trip.said == ["not delivered: gone"]
    later = Scripted()
    assert Trip(tmp_path, later).drain()
    assert broken.numbers + later.numbers == list(range(10))


def test_retries_until_taken(tmp_path: Path, log: Path) -> None:
    """A following courier waits longer and longer, as long as the receiver asks, and says when it is well again."""
    errors = [NotTaken(str(each)) for each in range(12)]
    sender = Scripted(*errors, NotTaken("busy", 90.0), NotTaken("greedy", 1e9))
    trip = Trip(tmp_path, sender)
    sender.stop = trip.stop
    assert trip.run()
    assert sender.numbers == list(range(10))
    pauses = [pause for pause in trip.pauses if pause is not None]
    for failure, pause in enumerate(pauses[:12]):
        longest = min(couriers.LONGEST_PAUSE_S, couriers.FIRST_PAUSE_S * 2**failure)
        assert longest / 2 <= pause <= longest
    assert pauses[12:14] == [90.0, couriers.LONGEST_ASKED_S]
    assert trip.said[0].startswith("0 (attempt 1, ")
    assert "delivering again after 14 failures" in trip.said


def test_refused_record(tmp_path: Path, log: Path) -> None:
    """A record that the receiver will never take is named and left behind; all others get through, once each."""
    sender = Scripted(refuses=lambda record: record.fields["n"] in (3, 7))
    trip = Trip(tmp_path, sender, batch=10)
    assert not trip.drain()
    assert sender.numbers == [0, 1, 2, 4, 5, 6, 8, 9]
    assert trip.courier.lost == 2
    refused = [record.id for record in records_of(log) if record.fields["n"] in (3, 7)]
    assert [line.split(" is refused")[0] for line in trip.said] == [f"record {each}" for each in refused]


def test_complaint(tmp_path: Path, log: Path) -> None:
    """What a receiver says about records that it took is passed on."""
    trip = Trip(tmp_path, Scripted("the receiver rejected 2 records: old"))
    assert trip.drain()
    assert trip.said == ["the receiver rejected 2 records: old"]


def test_gap(tmp_path: Path, log: Path) -> None:
    """Lines that were purged before they were shipped are a loss: said with numbers, and the receiver is told."""
    Trip(tmp_path, Scripted(None, NotTaken("down")), batch=1).drain()
    names = sorted(log.glob("*.log"))
    for segment in names[:2]:
        segment.unlink()
    first = int(names[2].name[:12])
    sender = Scripted()
    trip = Trip(tmp_path, sender)
    assert not trip.drain()
    notice = sender.taken[0]
    assert notice.event == "ship.gap"
    assert notice.fields == {"event": "ship.gap", "first": 4, "lines": first - 4, "next": first}
    assert trip.said == [f"GAP: {first - 4} lines, 4 to {first - 1}, were purged before this target got them"]
    assert sender.numbers[-1] == 9
    assert Trip(tmp_path, Scripted()).drain()  # once said, it is over


def test_rolled_back_log(tmp_path: Path, log: Path) -> None:
    """A courier does not go on with a log that lost lines that it shipped."""
    assert Trip(tmp_path, Scripted()).drain()
    newest = max(log.glob("*.log"))
    newest.write_bytes(b"".join(newest.read_bytes().splitlines(keepends=True)[:-2]))
    sender = Scripted()
    with pytest.raises(ShippingFailed, match="cut or replaced"):
        Trip(tmp_path, sender).run()
    assert not sender.calls


def test_log_that_has_not_begun(tmp_path: Path) -> None:
    """A following courier waits for the log; a single round says that there is none."""
    trip = Trip(tmp_path, Scripted())
    with pytest.raises(ShippingFailed, match="No such file"):
        trip.drain()
    waiting = Trip(tmp_path, Scripted())
    waiting.end_at_first_pause()
    with pytest.raises(ShippingFailed, match="No such file"):
        waiting.courier.run()
    assert "attempt 1" in waiting.said[0]
    waiting.cursor.close()


def test_stopped_while_it_waits(tmp_path: Path, log: Path) -> None:
    """A courier that is told to stop while its receiver is down tries once more, keeps the cursor and ends."""
    sender = Scripted(None, NotTaken("down"), NotTaken("still down"))
    trip = Trip(tmp_path, sender)
    trip.end_at_first_pause()
    assert not trip.courier.run()
    trip.cursor.close()
    assert sender.calls == 3
    later = Scripted()
    assert Trip(tmp_path, later).drain()
    assert sender.numbers + later.numbers == list(range(10))
