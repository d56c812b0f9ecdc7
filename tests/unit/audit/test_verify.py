"""The verifier: what is clean, and every way we know of changing a log without leaving it clean."""

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.anchor import load_anchors
from audit.checkpoint import Signer
from audit.directory import segments
from audit.errors import Tampered, UnreadableLog
from audit.journal import Journal, Rotation
from audit.merkle import Tree
from audit.scan import Scanner
from audit.verify import CLEAN, TAMPERED, TORN, Report, verify

START_NS = 1_795_420_800_000_000_000
Check = Callable[..., Report]


@pytest.fixture
def check(private: Ed25519PrivateKey) -> Check:
    """Verifies a directory with the log's own public key."""

    def run(directory: Path, anchor: Path | None = None) -> Report:
        anchors = load_anchors(anchor, private.public_key()) if anchor else ()
        return verify(directory, private.public_key(), None, anchors)

    return run


def rows(log: Path, position: int = 0) -> tuple[Path, list[bytes]]:
    """One segment file and its lines, each with its LF."""
    file = log / segments(log)[position]
    return file, file.read_bytes().splitlines(keepends=True)


def rewrite(log: Path, change: Callable[[list[bytes]], list[bytes]], position: int = 0) -> None:
    """Apply a change to the lines of one segment."""
    file, lines = rows(log, position)
    file.write_bytes(b"".join(change(lines)))


def on_line(number: int, change: Callable[[bytes], bytes]) -> Callable[[list[bytes]], list[bytes]]:
    """A change of one line, counted from 1."""
    return lambda lines: [change(line) if n == number else line for n, line in enumerate(lines, 1)]


def test_clean_log(small_log: Path, check: Check) -> None:
    """An untouched log is clean, and the report counts what is in it."""
    report = check(small_log)
    assert (report.state, report.problem, report.ended) == (CLEAN, None, "stop")
    assert (report.segments, report.lines, report.records, report.checkpoints) == (2, 13, 3, 6)
    assert (report.signed, report.unsigned_lines, report.anchored) == (13, 0, 0)
    assert (report.first_time, report.last_time) == ("2026-11-23T08:00:00.000000Z", "2026-11-23T08:00:00.000003Z")


def test_log_being_written(tmp_path: Path, open_journal: Callable[..., Journal], check: Check) -> None:
    """A log that its writer still holds is clean, and said to be open."""
    journal = open_journal()
    journal.append([b'{"a":1}'], START_NS)
    report = check(tmp_path / "log")
    assert (report.state, report.ended, report.records) == (CLEAN, "", 1)
    journal.close(START_NS)


def test_every_bit(small_log: Path, private: Ed25519PrivateKey) -> None:
    """Whatever single bit is flipped in whatever segment, the log is not clean."""
    files = [(name, (small_log / name).read_bytes()) for name in segments(small_log)]
    before = Scanner(private.public_key(), None, Tree())
    clean = []
    for number, (name, original) in enumerate(files):
        for position in range(len(original) * 8):
            changed = bytearray(original)
            changed[position // 8] ^= 1 << position % 8
            if _is_clean(before.copy(every=False), [(name, bytes(changed)), *files[number + 1 :]]):
                clean.append((name, position))
        assert _is_clean(before, [(name, original)])
    assert not clean


def _is_clean(scanner: Scanner, files: list[tuple[str, bytes]]) -> bool:
    """What `verify` concludes of sealed segments, without the files."""
    try:
        for name, data in files:
            scanner.begin(name)
            *lines, rest = data.split(b"\n")
            for line in lines:
                scanner.feed(line)
            scanner.check_partial(rest)
            scanner.settle()
            if rest or not scanner.sealed:
                return False
    except Tampered:
        return False
    return True


MUTATIONS: dict[str, tuple[int, Callable[[list[bytes]], list[bytes]]]] = {
    "record removed": (0, lambda x: x[:2] + x[3:]),
    "record removed and the rest renumbered": (
        0,
        lambda x: x[:2] + [line.replace(b'{"i":%d' % n, b'{"i":%d' % (n - 1)) for n, line in enumerate(x[3:], 3)],
    ),
    "records swapped": (0, lambda x: [x[0], x[1], x[3], x[2], *x[4:]]),
    "bodies swapped": (
        0,
        lambda x: [x[0], x[1], x[2].replace(b'"n":1', b'"n":2'), *x[3:]],
    ),
    "record duplicated": (0, lambda x: [*x[:3], x[2], *x[3:]]),
    "header removed": (0, lambda x: x[1:]),
    "checkpoint removed": (0, lambda x: x[:1] + x[2:]),
    "batch removed": (0, lambda x: x[:2] + x[5:]),
    "checkpoint duplicated": (0, lambda x: [*x[:2], x[1], *x[2:]]),
    "checkpoint of the seal removed": (0, lambda x: x[:-1]),
    "line behind the seal": (0, lambda x: [*x, b'{"i":7,"k":"rec","r":{},"t":"2026-11-23T08:00:00.000002Z"}\n']),
    "byte of a record": (0, on_line(3, lambda x: x.replace(b'"n":1', b'"n":7'))),
    "chinese text": (0, on_line(4, lambda x: x.replace("医".encode(), "药".encode()))),
    "time of a record": (0, on_line(3, lambda x: x.replace(b"000001Z", b"000000Z"))),
    "time of the last checkpoint": (1, on_line(6, lambda x: x.replace(b"000003Z", b"000009Z"))),
    "time that is no time": (0, on_line(3, lambda x: x.replace(b"08:00:00.000001Z", b"28:00:00.000001Z"))),
    "time going back": (1, on_line(3, lambda x: x.replace(b"2026-11-23", b"2025-11-23"))),
    "kind": (0, on_line(3, lambda x: x.replace(b'"rec"', b'"rcv"'))),
    "kind that clears the screen": (0, on_line(3, lambda x: x.replace(b'"rec"', b'"\x1b[2J"'))),
    "origin that clears the screen": (1, on_line(1, lambda x: x.replace(b'"host-a', b'"\\u001b[2J'))),
    "unknown kind": (0, on_line(3, lambda x: x.replace(b'"rec"', b'"xyz"'))),
    "space": (0, on_line(3, lambda x: x.replace(b'"n":1', b'"n": 1'))),
    "space behind the line": (0, on_line(3, lambda x: x[:-1] + b" \n")),
    "key order": (0, on_line(3, lambda x: x.replace(b'"event":"a","n":1', b'"n":1,"event":"a"'))),
    "repeated key": (0, on_line(3, lambda x: x.replace(b'"n":1', b'"n":1,"n":1'))),
    "second body": (0, on_line(3, lambda x: x.replace(b"},", b'},"r":{},', 1))),
    "escape": (0, on_line(3, lambda x: x.replace(b'"a"', b'"\\u0061"'))),
    "float": (0, on_line(3, lambda x: x.replace(b":1}", b":1.0}"))),
    "carriage returns": (0, lambda x: [line.replace(b"\n", b"\r\n") for line in x]),
    "no line end": (0, on_line(3, lambda x: x[:-1])),
    "blank line": (0, lambda x: [*x[:3], b"\n", *x[3:]]),
    "byte order mark": (0, on_line(1, lambda x: b"\xef\xbb\xbf" + x)),
    "spare bits in base64": (1, on_line(6, lambda x: x.replace(b'=\\n"}', b'\\n"}'))),
    "nul behind the seal": (1, lambda x: [*x, b"\0"]),
    "text behind the seal": (1, lambda x: [*x, b"x"]),
    "emptied": (0, lambda x: x[:0]),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_changed_log(name: str, small_log: Path, check: Check) -> None:
    """A change of this kind is tampering, and the report names the file, in words that are safe to show."""
    position, change = MUTATIONS[name]
    rewrite(small_log, change, position)
    report = check(small_log)
    assert report.state == TAMPERED
    assert report.problem is not None
    assert report.problem.startswith(segments(small_log)[position])
    assert report.problem.isprintable()


@pytest.mark.parametrize(
    ("position", "line", "old", "new", "named"),
    [
        (0, 3, b'"n":1', b'"n":2', 3),  # the first line of the batch whose hash is wrong
        (0, 2, b"\\n1\\n", b"\\n2\\n", 2),
        (0, 5, b"hangu ", b"hangv ", 5),
        (1, 3, b'"b"', b'"c"', 3),
    ],
)
def test_names_the_first_bad_line(
    small_log: Path, check: Check, position: int, line: int, old: bytes, new: bytes, named: int
) -> None:
    """The report names the first line that is not what was signed."""
    rewrite(small_log, on_line(line, lambda x: x.replace(old, new)), position)
    problem = check(small_log).problem
    assert problem is not None
    assert problem.startswith(f"{segments(small_log)[position]}:{named}: ")


def test_signature_in_the_middle(small_log: Path, check: Check) -> None:
    """A wrong signature is named in its own line, though the next checkpoint is the first to show it."""

    def spoil(line: bytes) -> bytes:
        head, blob, tail = line[:-150], line[-150:-40], line[-40:]
        assert b"hangu " in blob
        letter = blob[-60:-59]
        return head + blob[:-60] + (b"A" if letter != b"A" else b"B") + blob[-59:] + tail

    rewrite(small_log, on_line(2, spoil))
    problem = check(small_log).problem
    assert problem == "000000000000.log:2: checkpoint is not signed by the log's key"


def test_signed_with_another_key(tmp_path: Path, check: Check) -> None:
    """A log that an attacker has written anew, in order, under a key of his own is tampered from the first line on."""
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    journal = Journal(tmp_path / "log", Signer("host-a/hangu", other), Rotation(), START_NS)
    journal.close(START_NS)
    report = check(tmp_path / "log")
    assert report.state == TAMPERED
    assert report.problem is not None
    assert report.problem.startswith("000000000000.log:1: ")


def test_spliced_from_another_log(
    tmp_path: Path, small_log: Path, open_journal: Callable[..., Journal], check: Check
) -> None:
    """A segment of another log under the same key and name does not fit in."""
    journal = open_journal("other", rotation=Rotation(max_bytes=1))
    journal.append([b'{"event":"a","n":1}', b'{"event":"other"}'], START_NS + 1_000)
    journal.append([b'{"event":"b"}'], START_NS + 2_000)
    journal.close(START_NS + 3_000)
    last = segments(small_log)[-1]
    shutil.copy(tmp_path / "other" / last, small_log / last)
    assert check(small_log).state == TAMPERED


def test_middle_segment_removed(tmp_path: Path, open_journal: Callable[..., Journal], check: Check) -> None:
    """A missing segment is seen, be it the first or one in the middle."""
    journal = open_journal(rotation=Rotation(max_bytes=1))
    for step in range(3):
        journal.append([b'{"a":1}'], START_NS + step)
    journal.close(START_NS + 9)
    log = tmp_path / "log"
    for name in segments(log)[:-1]:
        copy = tmp_path / f"without-{name}"
        shutil.copytree(log, copy)
        (copy / name).unlink()
        assert check(copy).state == TAMPERED


def test_seal_removed(small_log: Path, check: Check) -> None:
    """A segment cut at an earlier checkpoint no longer fits its successor."""
    rewrite(small_log, lambda x: x[:-2])
    assert check(small_log).state == TAMPERED


def test_last_segment_removed(small_log: Path, check: Check) -> None:
    """A log whose newest segment says that it was rotated lacks the next one."""
    (small_log / segments(small_log)[-1]).unlink()
    report = check(small_log)
    assert (report.state, report.problem) == (TAMPERED, "000000000000.log: the segment after it is missing")


def test_rolled_back_to_a_checkpoint(tmp_path: Path, open_journal: Callable[..., Journal], check: Check) -> None:
    """A log cut exactly behind a checkpoint looks whole; an anchor taken before shows the cut."""
    journal = open_journal()
    journal.append([b'{"a":1}'], START_NS)
    log = tmp_path / "log"
    anchor = tmp_path / "anchor"
    for step in range(2):
        journal.append([b'{"a":2}'], START_NS + step)
    anchor.write_text(check(log).checkpoint)
    assert check(log, anchor).state == CLEAN
    rewrite(log, lambda x: x[:4])
    assert check(log).state == CLEAN
    report = check(log, anchor)
    assert (report.state, report.anchored) == (TAMPERED, 0)
    journal.broken = "cut"


def test_history_rewritten_with_the_key(tmp_path: Path, open_journal: Callable[..., Journal], check: Check) -> None:
    """Even who holds the key cannot write another history past an anchor."""
    for name, body in (("log", b'{"a":1}'), ("other", b'{"a":2}')):
        journal = open_journal(name)
        journal.append([body], START_NS)
        journal.close(START_NS)
    anchor = tmp_path / "anchor"
    anchor.write_text(check(tmp_path / "log").checkpoint)
    assert check(tmp_path / "other").state == CLEAN
    assert check(tmp_path / "other", anchor).state == TAMPERED


def test_several_anchors(small_log: Path, tmp_path: Path, check: Check) -> None:
    """A file may hold many anchors; the report says how far the newest reaches."""
    notes = [json.loads(line)["r"]["note"] for line in rows(small_log)[1] if b'"ckpt"' in line]
    anchor = tmp_path / "anchor"
    anchor.write_text("\n".join(notes))
    report = check(small_log, anchor)
    assert (report.state, report.anchored) == (CLEAN, 6)


def test_two_histories(tmp_path: Path, small_log: Path, private: Ed25519PrivateKey, check: Check) -> None:
    """Two anchors of one size that differ prove that the key signed two histories."""
    anchor = tmp_path / "anchor"
    forged = Signer("host-a/hangu", private).sign(12, bytes(32))
    anchor.write_text(forged + check(small_log).checkpoint)
    assert check(small_log, anchor).state == TAMPERED


@pytest.mark.parametrize("cut", range(1, 400, 13))
def test_torn_tail(cut: int, tmp_path: Path, open_journal: Callable[..., Journal], check: Check) -> None:
    """A log cut inside its last commit has a torn tail, wherever the cut is."""
    journal = open_journal()
    journal.append([b'{"a":1}'], START_NS)
    journal.append([b'{"b":1}'], START_NS)
    file, lines = rows(tmp_path / "log")
    file.write_bytes(b"".join(lines)[:-cut])
    assert check(tmp_path / "log").state == (TORN if cut not in (0, len(lines[-1]) + len(lines[-2])) else CLEAN)


@pytest.mark.parametrize(
    ("tail", "state"),
    [
        (b"\0" * 5000, TORN),
        (b'{"i":4,"k":"r', TORN),
        (b'{"i":4,"k":"r' + b"\0" * 100, TORN),
        (b'{"i":4,"k":"rec","r":{},"t":"2026-11-23T08:00:00.000000Z"}\n', TORN),
        (b'{"i":4,"k":"rec","r":{},"t":"2026-11-23T08:00:00.000000Z"}', TORN),
        (b'{"i":5,"k":"r', TAMPERED),
        (b"garbage", TAMPERED),
        (b"\n", TAMPERED),
        (b"\0\n", TAMPERED),
        (b'\0{"i":4', TAMPERED),
        (b'{"i":4,"k":"rec","r":{} ,"t":"2026-11-23T08:00:00.000000Z"}\n', TAMPERED),
        (b'{"i":4,"k":"rec","r":[],"t":"2026-11-23T08:00:00.000000Z"}\n', TAMPERED),
        (b"x" * 10_000_000, TAMPERED),
    ],
)
def test_tail(tail: bytes, state: str, tmp_path: Path, open_journal: Callable[..., Journal], check: Check) -> None:
    """Behind the last checkpoint only what a crash can leave is a torn tail; a whole bad line is tampering."""
    journal = open_journal()
    journal.append([b'{"a":1}'], START_NS)
    file, lines = rows(tmp_path / "log")
    file.write_bytes(b"".join(lines) + tail)
    assert check(tmp_path / "log").state == state


@pytest.mark.parametrize(
    "name", ["notes.txt", "000000000000.log.bak", "1.log", "quarantine/x", ".hidden", "bad\n\x1b[2Jname"]
)
def test_foreign_file(name: str, small_log: Path, check: Check) -> None:
    """A file that no writer makes does not belong there."""
    (small_log / name).parent.mkdir(exist_ok=True)
    (small_log / name).write_bytes(b"")
    report = check(small_log)
    assert report.state == TAMPERED
    assert report.problem is not None
    assert report.problem.isprintable()


def test_segment_is_a_link(small_log: Path, tmp_path: Path, check: Check) -> None:
    """A symbolic link in the place of a segment is refused, even one to the right bytes."""
    file, _ = rows(small_log)
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert check(small_log).state == TAMPERED


def test_quarantine_is_checked(tmp_path: Path, open_journal: Callable[..., Journal], check: Check) -> None:
    """Bytes that a recovery set aside must stay as they were; they may be taken away."""
    journal = open_journal()
    journal.append([b'{"a":1}'], START_NS)
    log = tmp_path / "log"
    file, lines = rows(log)
    file.write_bytes(b"".join(lines) + b'{"i":4,"k')
    journal.broken = "killed"
    with pytest.raises(Exception, match="killed"):
        journal.close(START_NS)
    open_journal().close(START_NS)
    torn = log / "quarantine" / "000000000004-1.torn"
    assert torn.read_bytes() == b'{"i":4,"k'
    assert check(log).state == CLEAN
    torn.write_bytes(b"other")
    assert check(log).problem == "quarantine/000000000004-1.torn: not the bytes that were set aside"
    torn.unlink()
    assert check(log).state == CLEAN


def test_recovery_line_removed(tmp_path: Path, open_journal: Callable[..., Journal], check: Check) -> None:
    """A segment without `end` needs a successor that owns up to it."""
    journal = open_journal()
    journal.append([b'{"a":1}'], START_NS)
    journal.broken = "killed"
    with pytest.raises(Exception, match="killed"):
        journal.close(START_NS)
    log = tmp_path / "log"
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    opening_file = log / segments(log)[-1]
    whole = opening_file.read_bytes()
    open_journal().close(START_NS)
    assert check(log).state == CLEAN
    assert b'"k":"rcv"' in rows(log, 1)[1][1]
    assert opening_file.read_bytes() == whole
    _write_segment_without_recovery(log, key)
    problem = check(log).problem
    assert problem == "000000000004.log:2: the segment before has no `end`, so a `rcv` must stand here"


def _write_segment_without_recovery(log: Path, key: Ed25519PrivateKey) -> None:
    """The second segment anew, as a dishonest writer with the key would: no `rcv`."""
    from audit import line as lines
    from audit.bodies import header, note_body
    from audit.merkle import leaf_hash

    signer = Signer("host-a/hangu", key)
    tree = Tree()
    for row in rows(log)[1]:
        tree.append(leaf_hash(row[:-1]))
    time = lines.timestamp(START_NS)
    first = lines.build(tree.size, b"hdr", header(signer.key, 2, tree), time)
    tree.append(leaf_hash(first))
    second = lines.build(tree.size, b"ckpt", note_body(signer.sign(tree.size, tree.root())), time)
    (log / "000000000004.log").write_bytes(first + b"\n" + second + b"\n")


def test_nothing_signed(tmp_path: Path, check: Check) -> None:
    """A log without a checkpoint is not clean: there is nothing to go by."""
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "000000000000.log").write_bytes(b"")
    assert check(tmp_path / "log").state == TAMPERED


def test_no_log(tmp_path: Path, check: Check) -> None:
    """Where there is no log at all, nothing is judged."""
    for directory in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UnreadableLog):
            check(directory)


def test_origin_from_outside(small_log: Path, private: Ed25519PrivateKey) -> None:
    """With a verifier key line the name of the log is given from outside, and another log under that key is refused."""
    assert verify(small_log, private.public_key(), "host-a/hangu").state == CLEAN
    assert verify(small_log, private.public_key(), "host-b/hangu").state == TAMPERED


def test_signature_with_spare_bits(small_log: Path, check: Check) -> None:
    """The two spare bits at the end of a base64 text are covered too."""
    _, lines = rows(small_log, 1)
    note = json.loads(lines[-1])["r"]["note"]
    blob = note.rsplit(" ", 1)[1].strip()
    twin = blob[:-2] + chr(ord(blob[-2]) + 1) + "="
    assert base64.b64decode(twin) == base64.b64decode(blob)
    rewrite(small_log, on_line(len(lines), lambda x: x.replace(blob.encode(), twin.encode())), 1)
    assert check(small_log).state == TAMPERED
