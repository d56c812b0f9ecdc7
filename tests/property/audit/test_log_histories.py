"""Whatever a log lives through, it verifies; whatever is cut off it, the verdict says no more and no less than that."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.archive import archivable, archive
from audit.checkpoint import Checkpoint, Signer, parse_note
from audit.directory import segments
from audit.errors import AuditUnavailable
from audit.journal import Journal, Rotation
from audit.rekey import rekey
from audit.verify import CLEAN, TAMPERED, TORN, Report, verify

ORIGIN = "host-a/hangu"
START_NS = 1_795_420_800_000_000_000
DAY_NS = 86_400 * 1_000_000_000
KEYS = [Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)) for n in range(1, 9)]
EVENT = st.sampled_from(["append", "stop", "kill", "tear", "wait", "purge", "archive", "rekey", "clock back"])
quick = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


class Life:
    """A log, its writer, and what was acknowledged."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.now = START_NS
        self.turn = 0
        self.kept: list[int] = []  # indexes of acknowledged records
        self.anchors: list[Checkpoint] = []
        self.journal = self.start()

    def start(self) -> Journal:
        """A writer that rotates with every batch."""
        return Journal(self.directory, KEYS[self.turn], Rotation(max_bytes=1), self.now)

    def live(self, event: str) -> None:
        """One thing that happens."""
        if event == "append":
            self.kept.append(self.journal.append([b'{"event":"a"}', '{"event":"医保"}'.encode()], self.now))
        elif event in ("wait", "clock back"):
            self.now += 100 * DAY_NS if event == "wait" else -50 * DAY_NS
        elif event == "purge":
            self.journal.purge(183, self.now)
        elif event == "archive":
            for name in archivable(self.directory, time.time_ns() + DAY_NS):
                archive(self.directory, name)
        else:
            self._restart(event)

    def _restart(self, event: str) -> None:
        if event in ("kill", "tear"):
            self.journal.broken = "killed"
        with suppress(AuditUnavailable):
            self.journal.close(self.now)
        if event == "tear":
            with (self.directory / segments(self.directory)[-1]).open("ab") as newest:
                newest.write(b'{"i":%d,"k":"rec","r":{"ev' % self.journal.size)
        if event == "rekey":
            rekey(self.directory, KEYS[self.turn], KEYS[self.turn + 1], self.now)
            self.turn += 1
        self.journal = self.start()

    def judge(self) -> Report:
        """The verifier's word, with every anchor that was taken."""
        report = verify(self.directory, KEYS[self.turn].key.public, ORIGIN, self.anchors)
        self.anchors = [*self.anchors[-3:], parse_note(report.checkpoint)[0]]
        return report


@contextmanager
def life() -> Iterator[Life]:
    """A fresh log."""
    with tempfile.TemporaryDirectory(prefix="life-") as folder:
        lived = Life(Path(folder) / "log")
        yield lived
        lived.journal.broken = lived.journal.broken or "over"
        with suppress(AuditUnavailable):
            lived.journal.close(lived.now)


@quick
@given(st.lists(EVENT, max_size=14).filter(lambda events: events.count("rekey") < len(KEYS)))
def test_every_history_verifies(events: list[str]) -> None:
    """Appends, rotations, crashes, purges, archives, hand-overs and restarts in any order leave a clean log."""
    with life() as lived:
        for event in events:
            lived.live(event)
            report = lived.judge()
            assert report.state == CLEAN, report.problem
            assert report.lines == lived.journal.size
            assert all(index < report.lines for index in lived.kept)


@quick
@given(st.lists(EVENT.filter(lambda e: e != "rekey"), max_size=8), st.integers(0, 4), st.data())
def test_every_cut(events: list[str], unsigned: int, data: st.DataObject) -> None:
    """Cut anywhere, a log is tampered only if signed bytes are gone, and clean without an anchor only at a checkpoint.

    With an anchor on the newest checkpoint, no cut that takes signed bytes passes as anything but tampering.
    """
    with life() as lived:
        for event in events:
            lived.live(event)
        newest = lived.directory / segments(lived.directory)[-1]
        signed = newest.read_bytes()
        whole = lived.judge()
        tail = b"".join(
            b'{"i":%d,"k":"rec","r":{},"t":"2099-01-01T00:00:00.000000Z"}\n' % (whole.lines + n)
            for n in range(unsigned)
        )
        cut = data.draw(st.integers(0, len(signed) + len(tail)))
        newest.write_bytes((signed + tail)[:cut])
        key = KEYS[0].key.public
        anchored = verify(lived.directory, key, ORIGIN, [parse_note(whole.checkpoint)[0]])
        plain = verify(lived.directory, key, ORIGIN)
        if cut < len(signed):
            assert anchored.state == TAMPERED
            ends = [signed.index(b"\n", at) + 1 for at in range(len(signed)) if signed.startswith(b'"k":"ckpt"', at)]
            assert (plain.state == CLEAN) == (cut in ends)
            assert plain.lines <= whole.lines
        else:
            expected = CLEAN if cut == len(signed) else TORN
            assert (plain.state, anchored.state) == (expected, expected)


@quick
@given(st.lists(EVENT, max_size=8).filter(lambda events: events.count("rekey") < len(KEYS)), st.data())
def test_a_segment_that_goes(events: list[str], data: st.DataObject) -> None:
    """Whichever segment is taken away, beyond what a purge says, the log is tampered once an anchor is given."""
    with life() as lived:
        for event in [*events, "append", "append"]:
            lived.live(event)
        whole = lived.judge()
        name = data.draw(st.sampled_from(segments(lived.directory)))
        copy = lived.directory.parent / "copy"
        shutil.copytree(lived.directory, copy)
        (copy / name).unlink()
        report = verify(copy, KEYS[lived.turn].key.public, ORIGIN, [parse_note(whole.checkpoint)[0]])
        assert report.state == TAMPERED
