"""A witness cosigns one history of each log, whatever it is asked and however often it starts."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.anchors.notes import parse_checkpoint
from audit.anchors.submission import Submission, latest_path, size_body
from audit.anchors.witness import Answer, Witness
from audit.anchors.witness_state import WitnessState
from audit.checkpoint import LogKey, Signer
from audit.cosignature import Cosigner, parse_signed_note, require_cosigned
from audit.errors import NotCanonical, UnreadableLog
from audit.merkle import EMPTY_ROOT

Log = Any  # the class in this folder's conftest
NewLog = Callable[..., Any]
COSIGNER = Cosigner("witness.example/w1", Ed25519PrivateKey.from_private_bytes(b"\x09" * 32))
SIGNER = Signer("host-a/hangu", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
NOW = 1_795_420_800


@pytest.fixture
def witness(memory: WitnessState) -> Witness:
    """A witness for the logs of these tests."""
    return Witness(COSIGNER, memory, [SIGNER.key], lambda: NOW + 0.9)


def submit(witness: Witness, log: Log, old: int) -> Answer:
    """Bring the newest checkpoint of a log, with the proof from `old` on."""
    view = log.view()
    return witness.add_checkpoint(Submission(old, tuple(view.prove(old)), view.seen.note).body())


def known(witness: Witness) -> int:
    """The size of the newest checkpoint that the witness shows, 0 for none."""
    answer = witness.latest(latest_path("host-a/hangu"))
    return parse_checkpoint(parse_signed_note(answer.body.decode()).text).size if answer.status == 200 else 0


def test_checkpoints_in_their_order(witness: Witness, log: Log) -> None:
    """Each checkpoint that continues the last one is cosigned, shown to everybody, and can be cosigned again."""
    old = 0
    for commits in (1, 1, 6, 31):
        log.grow(commits)
        answer = submit(witness, log, old)
        seen = log.view().seen
        assert answer.status == 200
        cosigned = f"{seen.note}{answer.body.decode()}"
        assert require_cosigned(cosigned, [COSIGNER.key]) == {COSIGNER.key.vkey: NOW}
        assert witness.latest(latest_path("host-a/hangu")).body.decode() == cosigned
        old = seen.size
    assert submit(witness, log, old).status == 200


def test_size_that_the_witness_does_not_have(witness: Witness, log: Log) -> None:
    """A client that starts elsewhere is told where the witness is, and nothing changes."""
    answer = submit(witness, log, 3)
    assert (answer.status, answer.type, answer.body) == (409, "text/x.tlog.size", b"0\n")
    assert submit(witness, log, 0).status == 200
    size = known(witness)
    log.grow()
    answer = submit(witness, log, 0)
    assert (answer.status, answer.type, answer.body) == (409, "text/x.tlog.size", size_body(size))
    assert known(witness) == size


def test_rollback(witness: Witness, log: Log) -> None:
    """An older checkpoint, though signed, is not cosigned again behind a newer one."""
    older = log.view().seen
    log.grow(3)
    assert submit(witness, log, 0).status == 200
    size = known(witness)
    for old in (0, older.size):
        assert witness.add_checkpoint(Submission(old, (), older.note).body()).status == 409
    assert witness.add_checkpoint(Submission(size, (), older.note).body()).status == 400
    assert known(witness) == size


def test_fork_of_one_size(witness: Witness, log: Log, new_log: NewLog, tmp_path: Path) -> None:
    """A second history of the same size is refused, reported, and kept as evidence against the log's key."""
    submit(witness, log, 0)
    fork = new_log(tmp_path / "fork")
    fork.grow(2, text="another story")
    size = known(witness)
    answer = submit(witness, fork, size)
    assert (answer.status, answer.type) == (409, "text/plain; charset=utf-8")
    assert "FORK of host-a/hangu" in answer.notice
    (evidence,) = (tmp_path / "memory").glob("*.fork")
    assert evidence.read_text(encoding="utf-8") == fork.view().seen.note


def test_fork_of_another_size(witness: Witness, log: Log, new_log: NewLog, tmp_path: Path) -> None:
    """A longer second history has no proof that leads to both roots."""
    submit(witness, log, 0)
    fork = new_log(tmp_path / "fork")
    fork.grow(9, text="another story")
    size = known(witness)
    assert submit(witness, fork, size).status == 422
    view = fork.view()
    for proof in ((), view.prove(size)[:-1], [*view.prove(size), b"\0" * 32], [b"\0" * 32] * 63):
        assert witness.add_checkpoint(Submission(size, tuple(proof), view.seen.note).body()).status == 422
    assert known(witness) == size


def test_proof_from_nothing(witness: Witness, log: Log) -> None:
    """The first checkpoint needs no proof, and must not bring one."""
    note = log.view().seen.note
    assert witness.add_checkpoint(Submission(0, (b"\1" * 32,), note).body()).status == 422
    assert witness.add_checkpoint(Submission(0, (), note).body()).status == 200


def test_tree_of_no_lines(witness: Witness) -> None:
    """A checkpoint of no lines has the one root of nothing, and what follows it starts anew from 0."""
    assert witness.add_checkpoint(Submission(0, (), SIGNER.sign(0, b"\1" * 32)).body()).status == 422
    assert witness.add_checkpoint(Submission(0, (), SIGNER.sign(0, EMPTY_ROOT)).body()).status == 200
    assert witness.add_checkpoint(Submission(0, (), SIGNER.sign(5, b"\1" * 32)).body()).status == 200


def test_log_that_is_not_known(witness: Witness) -> None:
    """Another origin is 404, a key that is not the log's is 403, and neither is remembered."""
    other = Signer("host-b/hangu", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    assert witness.add_checkpoint(Submission(0, (), other.sign(1, b"\1" * 32)).body()).status == 404
    thief = Signer("host-a/hangu", Ed25519PrivateKey.from_private_bytes(b"\x0a" * 32))
    assert witness.add_checkpoint(Submission(0, (), thief.sign(1, b"\1" * 32)).body()).status == 403
    forged = SIGNER.sign(1, b"\1" * 32).replace("\n1\n", "\n2\n")
    assert witness.add_checkpoint(Submission(0, (), forged).body()).status == 403
    for path in (latest_path("host-b/hangu"), latest_path("host-a/hangu"), "/", "/../witness.vkey"):
        assert witness.latest(path).status == 404


def test_both_keys_of_a_log(memory: WitnessState, log: Log) -> None:
    """A log that handed over to its next key goes on, once the witness was given that key too."""
    following = Signer("host-a/hangu", Ed25519PrivateKey.from_private_bytes(b"\x05" * 32))
    old_only = Witness(COSIGNER, memory, [SIGNER.key], lambda: NOW)
    assert submit(old_only, log, 0).status == 200
    size, seen = known(old_only), log.view().seen
    log.journal.hand_over(following, log.now_ns)
    view = log.view(seen)
    body = Submission(size, tuple(view.prove(size)), view.seen.note).body()
    assert old_only.add_checkpoint(body).status == 403
    assert Witness(COSIGNER, memory, [SIGNER.key, following.key], lambda: NOW).add_checkpoint(body).status == 200


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"old 0\n\n", b"old 0\n\nhost-a/hangu\n1\nAAAA\n\n\xe2\x80\x94 a AAAAAAAA\n"]
)
def test_bodies_that_are_none(body: bytes, witness: Witness) -> None:
    """What is no submission of a checkpoint is 400."""
    assert witness.add_checkpoint(body).status == 400


def test_signatures_of_others_do_not_leave(witness: Witness, log: Log) -> None:
    """Lines under other keys are neither verified nor kept: nothing of a stranger's is shown to everybody."""
    note = log.view().seen.note + "— stranger.example/x AAAAAAAAAAAA\n"
    assert witness.add_checkpoint(Submission(0, (), note).body()).status == 200
    assert b"stranger" not in witness.latest(latest_path("host-a/hangu")).body


def test_clock_set_back(memory: WitnessState, log: Log) -> None:
    """The time of a cosignature is never before that of the one before."""
    clock: Iterator[int] = iter((NOW, NOW - 3600, NOW + 1))
    witness = Witness(COSIGNER, memory, [SIGNER.key], lambda: next(clock))
    old = 0
    times: list[int] = []
    for _ in range(3):
        answer = submit(witness, log, old)
        times += require_cosigned(log.view().seen.note + answer.body.decode(), [COSIGNER.key]).values()
        old = log.view().seen.size
        log.grow()
    assert times == [NOW, NOW, NOW + 1]


def test_restart(memory: WitnessState, log: Log, new_log: NewLog, tmp_path: Path) -> None:
    """A witness that starts again knows what it cosigned, and refuses the other history still."""
    submit(Witness(COSIGNER, memory, [SIGNER.key], lambda: NOW), log, 0)
    again = Witness(COSIGNER, WitnessState(memory.directory), [SIGNER.key], lambda: NOW)
    fork = new_log(tmp_path / "fork")
    fork.grow(9, text="another story")
    assert submit(again, fork, 0).status == 409
    assert submit(again, fork, known(again)).status == 422
    log.grow()
    assert submit(again, log, known(again)).status == 200


def test_memory_that_cannot_be_written(witness: Witness, log: Log, memory: WitnessState) -> None:
    """Without durable memory no cosignature leaves."""
    file = memory._file("host-a/hangu")
    file.mkdir()
    answer = submit(witness, log, 0)
    assert answer.status == 500
    assert b"\xe2\x80\x94" not in answer.body
    assert "cannot cosign" in answer.notice


def test_damaged_memory(memory: WitnessState) -> None:
    """A witness does not start on a memory that is not its own work."""
    memory.keep("host-a/hangu", "garbage")
    with pytest.raises(UnreadableLog):
        Witness(COSIGNER, memory, [SIGNER.key], lambda: NOW)


def test_witness_of_itself(memory: WitnessState) -> None:
    """A log whose key is the witness's own is refused: its signature would count twice."""
    with pytest.raises(NotCanonical, match="it would vouch for itself"):
        Witness(COSIGNER, memory, [LogKey("host-a/hangu", COSIGNER.key.public)], lambda: NOW)


def test_sixteen_racing_submissions_of_two_histories(
    witness: Witness, log: Log, new_log: NewLog, tmp_path: Path
) -> None:
    """Of two histories that start alike only one is ever cosigned, however many submissions race."""
    submit(witness, log, 0)
    base = known(witness)
    fork = log.copy(tmp_path / "fork")
    log.open()
    bodies = []
    for turn in range(8):
        for branch, text in ((log, "one story"), (fork, "another story")):
            branch.grow(1 + turn % 3, text=text)
            view = branch.view()
            bodies.append((branch, view, Submission(base, tuple(view.prove(base)), view.seen.note).body()))
    barrier = threading.Barrier(len(bodies))
    cosigned: list[tuple[Any, int]] = []

    def race(branch: Any, view: Any, body: bytes) -> None:
        barrier.wait(30)
        for _ in range(20):
            answer = witness.add_checkpoint(body)
            if answer.status == 200:
                cosigned.append((branch, view.seen.size))
                return
            if answer.type != "text/x.tlog.size" or int(answer.body) > view.seen.size:
                return
            size = int(answer.body)
            body = Submission(size, tuple(view.prove(size)), view.seen.note).body()

    threads = [threading.Thread(target=race, args=entry) for entry in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert cosigned
    assert len({id(branch) for branch, _ in cosigned}) == 1
    winner = cosigned[0][0]
    assert known(witness) == max(size for _, size in cosigned)
    answer = witness.latest(latest_path("host-a/hangu"))
    winner.view().compare(answer.body.decode())
