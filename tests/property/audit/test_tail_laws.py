"""However a log grows, rotates, restarts, is archived and is read meanwhile, a tail gives out each record once."""

import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.checkpoint import Signer
from audit.gzip_stream import deflated
from audit.journal import Journal, Rotation
from audit.ship.tail import Position, Tail

SIGNER = Signer("host-a/hangu", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
NOW = 1_795_420_800_000_000_000
STEPS = st.lists(st.sampled_from(["append", "append", "append", "read", "resume", "restart", "archive"]), max_size=30)


def archive(log: Path) -> None:
    """Compress all segments but the newest, as `audit archive` does."""
    for segment in sorted(log.glob("*.log"))[:-1]:
        with segment.open("rb") as source:
            segment.with_name(f"{segment.name}.gz").write_bytes(b"".join(deflated(source)))
        segment.unlink()


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(1, 3000), st.integers(1, 5))
def test_each_record_once(steps: list[str], segment: int, limit: int) -> None:
    """Nothing is left out, doubled or out of order, also for a reader that starts anew from where it was."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        journal = Journal(log, SIGNER, Rotation(max_bytes=segment), NOW)
        tail, seen, written = Tail(log, Position(), None), [], 0
        for step in steps:
            if step == "append":
                journal.append([b'{"n":%d}' % (written + each) for each in range(2)], NOW)
                written += 2
            elif step == "restart":
                journal.close(NOW)
                journal = Journal(log, SIGNER, Rotation(max_bytes=segment), NOW)
            elif step == "archive":
                archive(log)
            elif step == "resume":
                tail = Tail(log, tail.position, "host-a/hangu")
            elif (batch := tail.read(limit)) is not None:
                seen += [record.fields["n"] for record in batch.records]
        journal.close(NOW)
        while (batch := tail.read(limit)) is not None:
            seen += [record.fields["n"] for record in batch.records]
        assert seen == list(range(written))
