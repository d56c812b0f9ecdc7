"""Proofs from real log directories: of every line, under every checkpoint, and none where a line was altered."""

import gzip
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.archive import archivable, archive
from audit.checkpoint import Signer, parse_note
from audit.directory import segments
from audit.errors import NotProvable, ProofInvalid, Tampered, UnreadableLog
from audit.journal import Journal, Rotation
from audit.merkle import EMPTY_ROOT
from audit.prove import Prover
from audit.proven import check

ORIGIN = "host-a/hangu"
NOW = 1_795_420_800_000_000_000
DAY = 86_400 * 1_000_000_000
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
THIRD = Ed25519PrivateKey.from_private_bytes(bytes(range(64, 96)))


def fill(journal: Journal, commits: int = 30, now_ns: int = NOW) -> None:
    """Commits of one to three records each."""
    for commit in range(commits):
        journal.append([f'{{"n":{n},"text":"医保"}}'.encode() for n in range(commit % 3 + 1)], now_ns + commit * 1000)


@pytest.fixture
def log(tmp_path: Path, open_journal: Callable[..., Journal]) -> Path:
    """A sealed log of several segments under one key."""
    journal = open_journal(rotation=Rotation(max_bytes=1500))
    fill(journal)
    journal.close(NOW + DAY)
    return tmp_path / "log"


@pytest.fixture
def rekeyed(tmp_path: Path, open_journal: Callable[..., Journal]) -> Path:
    """A log that three keys signed in turn, with a segment boundary within each."""
    journal = open_journal(rotation=Rotation(max_bytes=1500))
    fill(journal, 12)
    journal.hand_over(Signer(ORIGIN, OTHER), NOW + DAY)
    fill(journal, 12, NOW + DAY)
    journal.hand_over(Signer(ORIGIN, THIRD), NOW + 2 * DAY)
    fill(journal, 12, NOW + 2 * DAY)
    journal.close(NOW + 3 * DAY)
    return tmp_path / "log"


def size_of(note: str) -> int:
    """The size of a note's tree."""
    return parse_note(note)[0].size


def checkpoints(prover: Prover) -> list[str]:
    """The note of every checkpoint in the log."""
    size = size_of(prover.newest())
    return [prover.at(i) for i in range(1, size + 1) if prover.line(i).kind == b"ckpt"]


def test_every_line(log: Path, private: Ed25519PrivateKey) -> None:
    """Each line below the newest checkpoint is proved verbatim, alone and with all others."""
    prover = Prover(log, private.public_key())
    newest = prover.newest()
    lines = b"".join(file.read_bytes() for file in sorted(log.glob("*.log"))).splitlines()
    together = prover.prove(newest, range(size_of(newest)))
    assert [each.line for each in together.lines] == lines[: size_of(newest)]
    for each in together.lines[::5]:
        assert prover.prove(newest, [each.index]).lines == (each,)


def test_every_pair_of_checkpoints(log: Path, private: Ed25519PrivateKey) -> None:
    """Each checkpoint is proved to be the start of the newest, and a line under any checkpoint that covers it."""
    prover = Prover(log, private.public_key())
    notes = checkpoints(prover)
    assert len(prover.prove(notes[-1], [], notes).anchors) == len(notes)
    for later in notes[3::9]:
        proven = prover.prove(
            later, [0, size_of(later) - 1], [note for note in notes if size_of(note) <= size_of(later)]
        )
        assert check(proven, private.public_key()).checkpoint.size == size_of(later)


def test_checkpoint_of_the_own_commit(log: Path, private: Ed25519PrivateKey) -> None:
    """The first checkpoint over a line is that of its commit."""
    prover = Prover(log, private.public_key())
    assert [size_of(prover.over(index)) for index in (0, 2)] == [1, 3]


def test_archived(log: Path, private: Ed25519PrivateKey) -> None:
    """Compressed segments give the same proofs."""
    prover = Prover(log, private.public_key())
    before = prover.prove(prover.newest(), [2, 30])
    for name in archivable(log, NOW * 2):
        archive(log, name)
    assert any(name.endswith(".gz") for name in segments(log))
    assert prover.prove(prover.newest(), [2, 30]) == before


def test_purged(tmp_path: Path, open_journal: Callable[..., Journal], private: Ed25519PrivateKey) -> None:
    """Behind a purge, what is left is proved without what went; what went is refused by name."""
    journal = open_journal(rotation=Rotation(max_bytes=1500))
    fill(journal)
    fill(journal, 10, NOW + 300 * DAY)
    prover = Prover(tmp_path / "log", private.public_key())
    old = prover.newest()
    assert journal.purge(200, NOW + 300 * DAY)
    fill(journal, 3, NOW + 301 * DAY)
    first = int(segments(tmp_path / "log")[0][:12])
    assert first > 0
    newest = prover.newest()
    proven = prover.prove(newest, [first, first + 3, size_of(newest) - 1], [old])
    assert len(proven.lines) == 3
    with pytest.raises(NotProvable, match=f"line 2 was purged; the log starts at line {first}"):
        prover.prove(newest, [2])
    journal.close(NOW + 302 * DAY)


@pytest.mark.parametrize("given", [0, 1, 2])
def test_rekeyed(given: int, rekeyed: Path, private: Ed25519PrivateKey) -> None:
    """Whichever key of the chain is given, lines of every time are proved, and anchors of every key."""
    public = (private, OTHER, THIRD)[given].public_key()
    prover = Prover(rekeyed, public)
    notes = checkpoints(prover)
    proven = prover.prove(prover.newest(), [2, 30, size_of(prover.newest()) - 1], notes[::3])
    checked = check(proven, public)
    assert [key.public for key in checked.keys] == [key.public_key() for key in (private, OTHER, THIRD)]
    assert checked.trusted.public == public


def test_rekeyed_without_need(rekeyed: Path) -> None:
    """Under a checkpoint of the given key itself, a proof carries no hand-over."""
    prover = Prover(rekeyed, THIRD.public_key())
    assert prover.prove(prover.newest(), [2]).handovers == ()


def test_older_checkpoint_than_the_key(rekeyed: Path) -> None:
    """A later key does not vouch for a checkpoint that stands alone before its time."""
    prover = Prover(rekeyed, THIRD.public_key())
    with pytest.raises(ProofInvalid, match="not signed by the given key"):
        prover.prove(prover.at(3), [2])


def test_key_of_another_log(rekeyed: Path) -> None:
    """A key that never signed the log proves nothing in it."""
    prover = Prover(rekeyed, Ed25519PrivateKey.generate().public_key())
    with pytest.raises(ProofInvalid, match="not among those that signed"):
        prover.prove(prover.newest(), [2])


def test_other_origin(log: Path, private: Ed25519PrivateKey) -> None:
    """Under a key line of another origin nothing is proved."""
    prover = Prover(log, private.public_key(), "host-b/hangu")
    with pytest.raises(ProofInvalid, match=r"is of `host-a/hangu`, the key is of `host-b/hangu`"):
        prover.prove(prover.newest(), [2])


def test_altered_line(log: Path, private: Ed25519PrivateKey) -> None:
    """A line of which one byte was changed is not proved, nor is any other whose path leads over it."""
    prover = Prover(log, private.public_key())
    newest = prover.newest()
    name = segments(log)[0]
    data = (log / name).read_bytes()
    (log / name).write_bytes(data.replace(b'"n":0', b'"n":9', 1))
    for index in (2, 0):
        with pytest.raises(ProofInvalid, match="altered since it was signed"):
            prover.prove(newest, [index])


def test_altered_frontier(log: Path, private: Ed25519PrivateKey) -> None:
    """A frontier that lies gives no proof: it must lead to the signed root like everything else."""
    prover = Prover(log, private.public_key())
    name = segments(log)[2]
    data = (log / name).read_bytes()
    at = data.index(b'"frontier":["') + 13
    (log / name).write_bytes(data[:at] + (b"B" if data[at : at + 1] == b"A" else b"A") + data[at + 1 :])
    with pytest.raises((ProofInvalid, Tampered)):
        prover.prove(prover.newest(), [int(name[:12]) + 1])


def test_removed_segment(log: Path, private: Ed25519PrivateKey) -> None:
    """With a segment gone from the middle, its lines are not proved."""
    prover = Prover(log, private.public_key())
    name = segments(log)[1]
    (log / name).unlink()
    with pytest.raises((ProofInvalid, NotProvable, Tampered)):
        prover.prove(prover.newest(), [int(name[:12])])


def test_damaged_archive(log: Path, private: Ed25519PrivateKey) -> None:
    """A damaged archive is named."""
    name = archivable(log, NOW * 2)[0]
    archive(log, name)
    data = (log / f"{name}.gz").read_bytes()
    assert gzip.decompress(data)
    (log / f"{name}.gz").write_bytes(data[: len(data) // 2])
    prover = Prover(log, private.public_key())
    with pytest.raises(Tampered, match=name):
        prover.prove(prover.newest(), [2])


def test_cut_log(log: Path, private: Ed25519PrivateKey) -> None:
    """An anchor over more lines than the log has is told apart from a proof that cannot be made."""
    prover = Prover(log, private.public_key())
    anchor = prover.newest()
    last = segments(log)[-1]
    (log / last).unlink()
    with pytest.raises(ProofInvalid, match="the log was cut off"):
        prover.prove(prover.newest(), [2], [anchor])


def test_fork(log: Path, open_journal: Callable[..., Journal], tmp_path: Path, private: Ed25519PrivateKey) -> None:
    """An anchor of another history, signed with the same key, is refused; so are two that contradict each other."""
    journal = open_journal("fork")
    fill(journal, 1)
    journal.append([b'{"other":1}'], NOW)
    journal.close(NOW)
    prover, fork = (Prover(tmp_path / name, private.public_key()) for name in ("log", "fork"))
    other = fork.newest()
    with pytest.raises(ProofInvalid, match=r"anchors\[0\]\.proof"):
        prover.prove(prover.newest(), [2], [other])
    size = size_of(other)
    same = next(note for note in checkpoints(prover) if size_of(note) >= size)
    twin = Signer(ORIGIN, private).sign(size_of(same), b"\0" * 32)
    with pytest.raises(ProofInvalid, match="the key signed both"):
        prover.prove(prover.newest(), [2], [same, twin])


def test_anchor_of_no_lines(log: Path, private: Ed25519PrivateKey) -> None:
    """An anchor over nothing is refused: the empty tree is the start of every log."""
    prover = Prover(log, private.public_key())
    with pytest.raises(ProofInvalid, match="which shows nothing"):
        prover.prove(prover.newest(), [2], [Signer(ORIGIN, private).sign(0, EMPTY_ROOT)])


def test_checkpoint_beyond_the_log(log: Path, private: Ed25519PrivateKey) -> None:
    """Under a checkpoint of more lines than there are, nothing is proved, though the key signed it."""
    prover = Prover(log, private.public_key())
    with pytest.raises(Tampered, match="is missing"):
        prover.prove(Signer(ORIGIN, private).sign(10_000, EMPTY_ROOT), [2])


@pytest.mark.parametrize("index", [-1, 10_000, 1 << 60])
def test_no_such_line(log: Path, private: Ed25519PrivateKey, index: int) -> None:
    """A line that is not there is refused by its index."""
    prover = Prover(log, private.public_key())
    for ask in (prover.line, prover.at, prover.over):
        with pytest.raises(NotProvable, match=f"no line {index}"):
            ask(index)
    with pytest.raises(NotProvable):
        prover.prove(prover.newest(), [index])


def test_no_checkpoint_there(log: Path, private: Ed25519PrivateKey) -> None:
    """A size at which nothing was signed is refused."""
    with pytest.raises(NotProvable, match="no checkpoint over 2 lines"):
        Prover(log, private.public_key()).at(2)


def test_line_not_signed_yet(tmp_path: Path, open_journal: Callable[..., Journal], private: Ed25519PrivateKey) -> None:
    """The newest checkpoint does not cover itself, and says so; a torn line is not there."""
    journal = open_journal()
    fill(journal, 1)
    prover = Prover(tmp_path / "log", private.public_key())
    with pytest.raises(NotProvable, match="line 3 is not signed yet"):
        prover.over(3)
    with pytest.raises(NotProvable, match="line 3 is not under the checkpoint of 3 lines"):
        prover.prove(prover.newest(), [3])
    journal.close(NOW)


def test_segment_being_opened(log: Path, private: Ed25519PrivateKey) -> None:
    """An empty newest segment, as a writer leaves it for a moment, disturbs the proof of no line before it."""
    prover = Prover(log, private.public_key())
    size = size_of(prover.newest()) + 1
    (log / f"{size:012d}.log").touch()
    before = prover.newest()
    assert all(prover.prove(before, [index]).lines for index in range(size - 1))


def test_beside_a_writer(tmp_path: Path, open_journal: Callable[..., Journal], private: Ed25519PrivateKey) -> None:
    """While a writer appends and rotates and an archiver compresses, every proof succeeds."""
    journal = open_journal(rotation=Rotation(max_bytes=2000))
    fill(journal, 5)
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            fill(journal, 5)
            for name in archivable(tmp_path / "log", NOW * 2):
                archive(tmp_path / "log", name)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        prover = Prover(tmp_path / "log", private.public_key())
        for _ in range(30):
            newest = prover.newest()
            size = size_of(newest)
            assert prover.prove(newest, [2, size // 2, size - 1], [prover.over(size // 3)]).lines
    finally:
        done.set()
        thread.join()
    journal.close(NOW)


@pytest.mark.parametrize("kind", ["missing", "empty", "file"])
def test_no_log(tmp_path: Path, private: Ed25519PrivateKey, kind: str) -> None:
    """Where there is no log, that is what is said."""
    path = tmp_path / "x"
    if kind == "empty":
        path.mkdir()
    elif kind == "file":
        path.write_text("x")
    with pytest.raises(UnreadableLog):
        Prover(path, private.public_key()).newest()


def test_nothing_signed(tmp_path: Path, private: Ed25519PrivateKey) -> None:
    """A log in which nothing is signed proves nothing."""
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "000000000000.log").touch()
    with pytest.raises(NotProvable, match="nothing in this log is signed"):
        Prover(tmp_path / "x", private.public_key()).newest()


@pytest.mark.parametrize("note", ["", "x", "host-a/hangu\n1\nAAAA\n\n"])
def test_note_that_is_none(log: Path, private: Ed25519PrivateKey, note: str) -> None:
    """What is no checkpoint note is refused, as checkpoint and as anchor."""
    prover = Prover(log, private.public_key())
    with pytest.raises(ProofInvalid, match="not a checkpoint note"):
        prover.prove(note, [2])
    with pytest.raises(ProofInvalid, match="not a checkpoint note"):
        prover.prove(prover.newest(), [2], [note])
