"""Vectors of logs that were changed, or written against the rules by someone who holds the key."""

import hashlib
import json
from collections.abc import Callable

from conformance.audit.vector_maker import (
    DAY_NS,
    EACH_BATCH,
    KEY,
    NEXT_KEY,
    OTHER_KEY,
    START_NS,
    T0,
    Files,
    Forger,
    History,
    Vector,
    archived,
    changed,
    rows,
    signer,
    without,
)
from conformance.audit.vectors_clean import (
    FIRST,
    SECOND,
    THIRD,
    A,
    B,
    purged,
    recovered,
    rekeyed,
    three_files,
    three_segments,
)

from audit import line as lines
from audit.bodies import Content, Purge, end, header, note_body, purge
from audit.merkle import Tree

TORN_FILE = "quarantine/000000000004-1.torn"
LATER = lines.timestamp(START_NS + 400 * DAY_NS)
HANDOVER = b'{"next":"%b","why":"rekey"}' % NEXT_KEY.key.vkey.encode()
Change = Callable[[list[bytes]], list[bytes]]


def _edited(change: Change, line: int, name: str = FIRST) -> Vector:
    """The three segments with the lines of one of them changed; the place is in that one."""
    files = three_files()
    return Vector({**files, name: b"".join(change(rows(files, name)))}).tampered(name, line)


def _replaced(old: bytes, new: bytes, line: int, name: str = FIRST) -> Vector:
    return Vector(changed(three_files(), name, old, new)).tampered(name, line)


def _record(body: str, line: int = 3) -> Vector:
    """A record signed as it stands, in the third line."""
    log = Forger().segment().sign().line("rec", body.encode("utf-8", "surrogatepass")).sign()
    return Vector(log.files).tampered(FIRST, line)


def _forged(log: Forger, line: int, name: str = FIRST) -> Vector:
    return Vector(log.files).tampered(name, line)


def _begun() -> Forger:
    """A segment with a record, signed."""
    return Forger().segment().sign().line("rec").sign()


def _behind(tail: bytes, line: int = 5) -> Vector:
    log = _begun()
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


def _archive(change: Callable[[bytes], bytes], line: int = 0) -> Vector:
    files = three_files()
    return Vector({**without(files, FIRST), FIRST + ".gz": change(files[FIRST])}).tampered(FIRST + ".gz", line)


def _archive_twin() -> Vector:
    files = three_files()
    twin = archived(files[FIRST].replace(b'"n":1', b'"n":2'))
    return Vector({**files, FIRST + ".gz": twin}).tampered(FIRST + ".gz", 0)


def _newest_archived(keep: bool) -> Vector:
    files = three_files()
    left = files if keep else without(files, THIRD)
    return Vector({**left, THIRD + ".gz": archived(files[THIRD])}).tampered(THIRD + ".gz", 0)


def _purging(what: Purge | bytes, line: int = 3, time: bytes = LATER) -> Vector:
    """Two segments, and 400 days later a third whose third line is this purge."""
    log = _begun().rotate().segment().sign().line("rec").sign().rotate().segment().sign()
    log.line("purge", what if isinstance(what, bytes) else purge(what), time).sign()
    return Vector(log.files).tampered(THIRD, line)


def _named(files: Files, name: str) -> Content:
    return Content(name, len(files[name]), hashlib.sha256(files[name]).hexdigest())


def _both() -> tuple[Content, Content]:
    log = _begun().rotate().segment().sign().line("rec").sign().rotate()
    return _named(log.files, FIRST), _named(log.files, SECOND)


BEFORE = lines.timestamp(START_NS + DAY_NS)


def _purge_body(**members: object) -> bytes:
    first, _ = _both()
    entry = {"bytes": first.length, "file": first.file, "sha256": first.sha256}
    value = {"before": BEFORE.decode(), "first": 6, "removed": [entry]} | members
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _purge_of_other_bytes() -> Vector:
    files = purged().files()
    old = three_files()[THIRD].replace(b'"event":"c"', b'"event":"C"')
    # The line that was changed is found before the digest is asked for.
    return Vector({**files, THIRD: old}).tampered(THIRD, 3)


def _purge_names_other_digest() -> Vector:
    first, _ = _both()
    vector = _purging(Purge(BEFORE, 6, (Content(first.file, first.length, "0" * 64),)))
    return vector.tampered(FIRST, 0)


def _starts_late() -> Vector:
    return Vector(without(three_files(), FIRST)).tampered(SECOND, 1)


def _starts_later_than_purged() -> Vector:
    log = Forger()
    for _ in range(3):
        log.segment().sign().line("rec").sign().rotate()
    log.segment().sign().line("purge", purge(Purge(BEFORE, 6, (_both()[0],))), LATER).sign()
    return Vector(without(log.files, FIRST, SECOND)).tampered(THIRD, 1)


def _purge_unsigned() -> Vector:
    first, second = _both()
    log = _begun().rotate().segment().sign().line("rec").sign().rotate().segment().sign()
    log.line("purge", purge(Purge(BEFORE, 12, (first, second))), LATER)
    return Vector(without(log.files, FIRST, SECOND)).tampered(THIRD, 1)


def _purge_leaves_a_hole() -> Vector:
    return Vector({**purged().files(), SECOND: three_files()[SECOND]}).tampered("000000000018.log", 1)


def _quarantined_purged_file_changed() -> Vector:
    files = recovered().files()
    return Vector({**files, TORN_FILE: files[TORN_FILE] + b"x"}).tampered(TORN_FILE, 0)


def _key_changed_without_word() -> Vector:
    log = _begun().rotate().segment(key=NEXT_KEY).sign()
    return _forged(log, 1, SECOND)


def _handed_over_to_a_third() -> Vector:
    log = _begun().rotate(HANDOVER).segment(key=OTHER_KEY).sign()
    return _forged(log, 1, SECOND)


def _handed_over_but_old_key_goes_on() -> Vector:
    log = _begun().rotate(HANDOVER).segment().sign()
    return _forged(log, 1, SECOND)


def _new_key_has_signed_nothing() -> Vector:
    log = _begun().rotate(HANDOVER)
    return Vector({**log.files, SECOND: b""}, key=NEXT_KEY).tampered(FIRST, 1)


def _handover(body: bytes) -> Vector:
    return _forged(_begun().rotate(body).segment().sign(), 5)


def _unknown_key_vouches_for_ours() -> Vector:
    body = end("rekey", KEY.key)
    log = Forger(OTHER_KEY).segment().sign().line("rec").sign().rotate(body).segment(key=KEY)
    return Vector(log.files).tampered(FIRST, 1)


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
    # Signed, but against the rules
    "tampered-signed-by-another-key": lambda: Vector(History().open(OTHER_KEY).add(A).stop().files()).tampered(
        FIRST, 1
    ),
    "tampered-checkpoint-by-another-key": lambda: _forged(Forger().segment().sign().line("rec").sign(OTHER_KEY), 4),
    "tampered-checkpoint-of-another-size": lambda: _forged(
        Forger().segment().sign().line("rec").raw(_checkpoint_of(7)), 4
    ),
    "tampered-time-backwards": lambda: _forged(Forger(time=LATER).segment().sign().line("rec", time=T0).sign(), 3),
    "tampered-time-impossible": lambda: _forged(
        Forger().segment().sign().line("rec", time=b"2026-02-30T08:00:00.000000Z").sign(), 3
    ),
    "tampered-time-leap-second": lambda: _forged(
        Forger().segment().sign().line("rec", time=b"2026-12-31T23:59:60.000000Z").sign(), 3
    ),
    "tampered-unknown-kind": lambda: _forged(Forger().segment().sign().line("note").sign(), 3),
    "tampered-kind-out-of-place": lambda: _forged(Forger().segment().sign().line("rcv", b'{"torn":[]}').sign(), 3),
    "tampered-two-checkpoints": lambda: _forged(Forger().segment().sign().sign(), 3),
    "tampered-header-number": lambda: _forged(_begun().rotate().segment(number=3).sign(), 1, SECOND),
    "tampered-header-frontier": lambda: _forged(_header_of(Tree(6, [bytes(32)] * 2)), 1, SECOND),
    "tampered-header-frontier-too-long": lambda: _forged(
        _header_of(_begun().rotate().tree, b'"frontier":["', b'"frontier":["AAAA","'), 1, SECOND
    ),
    "tampered-header-of-another-origin": lambda: _forged(
        _begun().rotate().segment(key=signer(origin="host-b/hangu")).sign(), 1, SECOND
    ),
    "tampered-header-with-a-member-more": lambda: _forged(_header_with(b',"x":1}'), 1),
    "tampered-end-without-recovery": lambda: _forged(
        _begun().segment().sign().line("rec").sign(), 2, "000000000004.log"
    ),
    "tampered-end-for-no-known-reason": lambda: _forged(_begun().rotate(b'{"why":"bored"}'), 5),
    "tampered-rcv-outside": lambda: _forged(
        Forger().segment().line("rcv", b'{"torn":[{"bytes":1,"file":"../x","sha256":"%b"}]}' % (b"0" * 64)).sign(), 2
    ),
    # Not canonical, though signed
    "tampered-float": lambda: _record('{"n":1.0}'),
    "tampered-exponent": lambda: _record('{"n":1e3}'),
    "tampered-minus-zero": lambda: _record('{"n":-0}'),
    "tampered-integer-too-large": lambda: _record('{"n":9007199254740992}'),
    "tampered-repeated-key": lambda: _record('{"n":1,"n":1}'),
    "tampered-key-order": lambda: _record('{"b":1,"a":1}'),
    "tampered-key-order-of-lengths": lambda: _record('{"aa":1,"a":1}'),
    "tampered-key-not-ascii": lambda: _record('{"é":1}'),
    "tampered-escape-not-needed": lambda: _record('{"s":"\\u0061"}'),
    "tampered-escape-of-slash": lambda: _record('{"s":"\\/"}'),
    "tampered-escape-in-upper-case": lambda: _record('{"s":"\\u001F"}'),
    "tampered-control-not-escaped": lambda: _record('{"s":"\t"}'),
    "tampered-lone-surrogate-escaped": lambda: _record('{"s":"\\ud800"}'),
    "tampered-lone-surrogate": lambda: _record('{"s":"\ud800"}'),
    "tampered-not-utf-8": lambda: _forged(Forger().segment().sign().line("rec", b'{"s":"\xff"}').sign(), 3),
    "tampered-overlong-utf-8": lambda: _forged(Forger().segment().sign().line("rec", b'{"s":"\xc0\xaf"}').sign(), 3),
    "tampered-too-deep": lambda: _record('{"a":' * 64 + "{}" + "}" * 64),
    "tampered-list-as-body": lambda: _record("[]"),
    "tampered-trailing-comma": lambda: _record('{"a":1,}'),
    "tampered-two-values": lambda: _record("{}{}"),
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
    # Archives
    "tampered-archive-changed": lambda: _archive(lambda x: archived(x.replace(b'"n":1', b'"n":2')), 3),
    "tampered-archive-cut": lambda: _archive(lambda x: archived(x)[:-4]),
    "tampered-archive-checksum": lambda: _archive(lambda x: archived(x)[:-8] + bytes(4) + archived(x)[-4:]),
    "tampered-archive-trailing": lambda: _archive(lambda x: archived(x) + b"\0"),
    "tampered-archive-two-members": lambda: _archive(lambda x: archived(x) + archived(b"")),
    "tampered-archive-header": lambda: _archive(lambda x: archived(x)[:4] + b"\1" + archived(x)[5:]),
    "tampered-archive-empty": lambda: _archive(lambda _: b""),
    "tampered-archive-not-gzip": lambda: _archive(lambda x: x),
    "tampered-archive-beside-other-bytes": _archive_twin,
    "tampered-archive-newest": lambda: _newest_archived(keep=False),
    "tampered-archive-newest-beside": lambda: _newest_archived(keep=True),
    # Purges
    "tampered-purge-starts-later": _starts_later_than_purged,
    "tampered-purge-unsigned": _purge_unsigned,
    "tampered-purge-hole": _purge_leaves_a_hole,
    "tampered-purge-left-file-changed": _purge_of_other_bytes,
    "tampered-purge-other-digest": _purge_names_other_digest,
    "tampered-purge-too-young": lambda: _purging(Purge(lines.timestamp(START_NS + 300 * DAY_NS), 6, (_both()[0],))),
    "tampered-purge-not-older": lambda: _purging(Purge(T0, 6, (_both()[0],))),
    "tampered-purge-no-segment-start": lambda: _purging(Purge(BEFORE, 7, (_both()[0],))),
    "tampered-purge-beyond-itself": lambda: _purging(Purge(BEFORE, 18, _both())),
    "tampered-purge-skips-one": lambda: _purging(Purge(BEFORE, 12, (_both()[0],))),
    "tampered-purge-starts-behind": lambda: _purging(Purge(BEFORE, 12, (_both()[1],))),
    "tampered-purge-of-nothing": lambda: _purging(_purge_body(removed=[])),
    "tampered-purge-order": lambda: _purging(Purge(BEFORE, 12, _both()[::-1])),
    "tampered-purge-twice-named": lambda: _purging(Purge(BEFORE, 12, (_both()[0], *_both()))),
    "tampered-purge-file-outside": lambda: _purging(
        _purge_body(removed=[{"bytes": 1, "file": "../../etc/passwd", "sha256": "0" * 64}])
    ),
    "tampered-purge-archive-named": lambda: _purging(
        _purge_body(removed=[{"bytes": 1, "file": FIRST + ".gz", "sha256": "0" * 64}])
    ),
    "tampered-purge-member-more": lambda: _purging(_purge_body(why="old")),
    "tampered-purge-time": lambda: _purging(_purge_body(before="2026-11-24")),
    # Keys
    "tampered-key-changed": _key_changed_without_word,
    "tampered-rekeyed-to-a-third": _handed_over_to_a_third,
    "tampered-rekeyed-old-goes-on": _handed_over_but_old_key_goes_on,
    "tampered-rekeyed-to-itself": lambda: _handover(end("rekey", KEY.key)),
    "tampered-rekeyed-to-another-origin": lambda: _handover(end("rekey", signer(32, "host-b/hangu").key)),
    "tampered-rekeyed-to-no-key": lambda: _handover(b'{"next":"host-a/hangu+00000000+AAAA","why":"rekey"}'),
    "tampered-rotated-with-a-key": lambda: _handover(end("rotate", NEXT_KEY.key)),
    "tampered-rekeyed-without-successor": lambda: _forged(_begun().rotate(HANDOVER), 0),
    "tampered-key-has-signed-nothing": _new_key_has_signed_nothing,
    "tampered-key-merely-vouched-for": _unknown_key_vouches_for_ours,
    "tampered-key-is-none-of-them": lambda: Vector(rekeyed(three_segments()), key=OTHER_KEY).tampered(FIRST, 1),
}


def _line(index: int) -> bytes:
    return lines.build(index, b"rec", b"{}", T0.replace(b"08:", b"09:")) + b"\n"


def _checkpoint_of(size: int) -> bytes:
    return lines.build(3, b"ckpt", note_body(KEY.sign(size, bytes(32))), T0)


def _header_with(more: bytes) -> Forger:
    log = Forger()
    log.files[FIRST] = b""
    return log.line("hdr", header(KEY.key, 1, Tree())[:-1] + more).sign()


def _header_of(before: Tree, old: bytes = b"", new: bytes = b"") -> Forger:
    """A second segment whose `hdr` claims this tree, or nearly."""
    log = _begun().rotate()
    log.files[SECOND] = b""
    return log.line("hdr", header(KEY.key, 2, before).replace(old, new, 1)).sign()
