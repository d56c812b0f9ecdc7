"""Vectors of logs that someone changed who does not hold the key, or an anchor shows it."""

import json
from collections.abc import Callable

from conformance.audit.vector_bases import begun
from conformance.audit.vector_maker import (
    EACH_BATCH,
    KEY,
    T0,
    Files,
    History,
    Vector,
    changed,
    rows,
    signer,
    without,
)
from conformance.audit.vectors_clean import (
    FIRST,
    SECOND,
    THIRD,
    B,
    recovered,
    three_files,
)

from audit import line as lines

TORN_FILE = "quarantine/000000000004-1.torn"
Change = Callable[[list[bytes]], list[bytes]]


def _edited(change: Change, line: int, name: str = FIRST) -> Vector:
    """The three segments with the lines of one of them changed; the place is in that one."""
    files = three_files()
    return Vector({**files, name: b"".join(change(rows(files, name)))}).tampered(name, line)


def _replaced(old: bytes, new: bytes, line: int, name: str = FIRST) -> Vector:
    return Vector(changed(three_files(), name, old, new)).tampered(name, line)


def _behind(tail: bytes, line: int = 5) -> Vector:
    log = begun()
    return Vector({FIRST: log.files[FIRST] + tail}).tampered(FIRST, line)


def _signature_changed() -> Vector:
    files = three_files()
    note = json.loads(rows(files, FIRST)[1])["r"]["note"]
    place = note.rindex(" ") + 20
    letter = "A" if note[place] != "A" else "B"
    bad = note[:place] + letter + note[place + 1 :]
    old, new = (text.replace("\n", "\\n").encode() for text in (note, bad))
    return Vector(changed(files, FIRST, old, new)).tampered(FIRST, 2)


def _spare_bits() -> Vector:
    files = three_files()
    last = rows(files, THIRD)[-1]
    place = last.rindex(b'=\\n"}') - 1
    twin = last[:place] + bytes([last[place] + 1]) + last[place + 1 :]
    return Vector(changed(files, THIRD, last, twin)).tampered(THIRD, 6)


def _other_log() -> Files:
    history = History().open(rotation=EACH_BATCH)
    return history.add('{"event":"x","n":1}').add(B).add('{"event":"c"}').stop().files()


def _cut_with_anchor() -> Vector:
    files = three_files()
    anchor = json.loads(rows(files, THIRD)[3])["r"]["note"]
    cut = {**files, THIRD: b"".join(rows(files, THIRD)[:2])}
    return Vector(cut, anchor=anchor).tampered(THIRD, 0)


def _rewritten_with_anchor() -> Vector:
    files = three_files()
    anchor = json.loads(rows(files, FIRST)[3])["r"]["note"]
    return Vector(_other_log(), anchor=anchor).tampered(FIRST, 4)


def _anchor_of_another_log() -> Vector:
    note = signer(origin="host-b/hangu").sign(2, bytes(32))
    return Vector(three_files(), anchor=note).tampered(THIRD, 0)


def _two_anchors() -> Vector:
    files = three_files()
    note = json.loads(rows(files, FIRST)[3])["r"]["note"]
    return Vector(files, anchor=note + KEY.sign(3, bytes(32))).tampered(THIRD, 0)


def _starts_late() -> Vector:
    return Vector(without(three_files(), FIRST)).tampered(SECOND, 1)


def _quarantined_purged_file_changed() -> Vector:
    files = recovered().files()
    return Vector({**files, TORN_FILE: files[TORN_FILE] + b"x"}).tampered(TORN_FILE, 0)


def _line(index: int) -> bytes:
    return lines.build(index, b"rec", b"{}", T0.replace(b"08:", b"09:")) + b"\n"


VECTORS: dict[str, Callable[[], Vector]] = {
    # Lines changed, removed, added
    "tampered-record-changed": lambda: _replaced(b'"n":1', b'"n":2', 3),
    "tampered-chinese-character": lambda: _replaced("医".encode(), "药".encode(), 3, SECOND),
    "tampered-record-removed": lambda: _edited(lambda x: x[:2] + x[3:], 3),
    "tampered-record-duplicated": lambda: _edited(lambda x: [*x[:3], x[2], *x[3:]], 4),
    "tampered-checkpoint-removed": lambda: _edited(lambda x: x[:3] + x[4:], 4),
    "tampered-header-removed": lambda: _edited(lambda x: x[1:], 1),
    "tampered-batch-removed": lambda: _edited(lambda x: x[:2] + x[4:], 3),
    "tampered-seal-removed": lambda: _edited(lambda x: x[:-2], 1, SECOND).tampered(THIRD, 1),
    "tampered-line-behind-the-seal": lambda: _edited(lambda x: [*x, _line(6)], 7),
    "tampered-blank-line": lambda: _edited(lambda x: [*x[:3], b"\n", *x[3:]], 4),
    "tampered-carriage-returns": lambda: _edited(lambda x: [row.replace(b"\n", b"\r\n") for row in x], 1),
    "tampered-byte-order-mark": lambda: _edited(lambda x: [b"\xef\xbb\xbf" + x[0], *x[1:]], 1),
    "tampered-white-space": lambda: _replaced(b'"n":1', b'"n": 1', 3),
    "tampered-time-of-a-checkpoint": lambda: _edited(
        lambda x: [*x[:-1], x[-1].replace(b"T08:00:00", b"T08:00:01")], 6, THIRD
    ),
    "tampered-signature": _signature_changed,
    "tampered-spare-bits": _spare_bits,
    # Tails
    "tampered-tail-of-another-index": lambda: _behind(b'{"i":5,"k":"r'),
    "tampered-tail-garbage": lambda: _behind(b"garbage"),
    "tampered-tail-nul-before-text": lambda: _behind(b'\0{"i":4'),
    "tampered-tail-whole-bad-line": lambda: _behind(_line(4).replace(b"{}", b"[]")),
    "tampered-tail-behind-the-seal": lambda: _edited(lambda x: [*x, b"\0"], 7, THIRD),
    # Files
    "tampered-first-segment-missing": _starts_late,
    "tampered-middle-segment-missing": lambda: Vector(without(three_files(), SECOND)).tampered(THIRD, 1),
    "tampered-last-segment-missing": lambda: Vector(without(three_files(), THIRD)).tampered(SECOND, 0),
    "tampered-segment-of-another-log": lambda: Vector({**three_files(), SECOND: _other_log()[SECOND]}).tampered(
        SECOND, 1
    ),
    "tampered-segment-renamed": lambda: Vector(
        {**without(three_files(), THIRD), "000000000013.log": three_files()[THIRD]}
    ).tampered("000000000013.log", 1),
    "tampered-segment-emptied": lambda: Vector({**three_files(), SECOND: b""}).tampered(SECOND, 1),
    "tampered-foreign-file": lambda: Vector({**three_files(), "notes.txt": b""}).tampered("notes.txt", 0),
    "tampered-foreign-backup": lambda: Vector({**three_files(), FIRST + ".bak": b""}).tampered(FIRST + ".bak", 0),
    "tampered-nothing-signed": lambda: Vector({FIRST: rows(three_files(), FIRST)[0]}).tampered(FIRST, 0),
    "tampered-empty": lambda: Vector({FIRST: b""}).tampered(FIRST, 0),
    "tampered-quarantine-unnamed": lambda: Vector({**three_files(), TORN_FILE: b"x"}).tampered(TORN_FILE, 0),
    "tampered-quarantine-foreign": lambda: Vector({**recovered().files(), "quarantine/notes.txt": b""}).tampered(
        "quarantine/notes.txt", 0
    ),
    "tampered-quarantine-changed": _quarantined_purged_file_changed,
    # Anchors
    "tampered-rolled-back": _cut_with_anchor,
    "tampered-rewritten-with-the-key": _rewritten_with_anchor,
    "tampered-anchor-of-another-log": _anchor_of_another_log,
    "tampered-two-histories": _two_anchors,
}
