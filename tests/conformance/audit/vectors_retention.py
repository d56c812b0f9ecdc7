"""Vectors of archives, purges and hand-overs that are not as they should be."""

import hashlib
import json
from collections.abc import Callable

from conformance.audit.vector_bases import LATER, begun, forged
from conformance.audit.vector_maker import (
    DAY_NS,
    KEY,
    NEXT_KEY,
    OTHER_KEY,
    START_NS,
    T0,
    Files,
    Forger,
    Vector,
    archived,
    signer,
    without,
)
from conformance.audit.vectors_clean import (
    FIRST,
    SECOND,
    THIRD,
    purged,
    rekeyed,
    three_files,
    three_segments,
)

from audit import line as lines
from audit.bodies import Content, Purge, end, purge

HANDOVER = b'{"next":"%b","why":"rekey"}' % NEXT_KEY.key.vkey.encode()
BEFORE = lines.timestamp(START_NS + DAY_NS)


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
    log = begun().rotate().segment().sign().line("rec").sign().rotate().segment().sign()
    log.line("purge", what if isinstance(what, bytes) else purge(what), time).sign()
    return Vector(log.files).tampered(THIRD, line)


def _named(files: Files, name: str) -> Content:
    return Content(name, len(files[name]), hashlib.sha256(files[name]).hexdigest())


def _both() -> tuple[Content, Content]:
    log = begun().rotate().segment().sign().line("rec").sign().rotate()
    return _named(log.files, FIRST), _named(log.files, SECOND)


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


def _starts_later_than_purged() -> Vector:
    log = Forger()
    for _ in range(3):
        log.segment().sign().line("rec").sign().rotate()
    log.segment().sign().line("purge", purge(Purge(BEFORE, 6, (_both()[0],))), LATER).sign()
    return Vector(without(log.files, FIRST, SECOND)).tampered(THIRD, 1)


def _purge_unsigned() -> Vector:
    first, second = _both()
    log = begun().rotate().segment().sign().line("rec").sign().rotate().segment().sign()
    log.line("purge", purge(Purge(BEFORE, 12, (first, second))), LATER)
    return Vector(without(log.files, FIRST, SECOND)).tampered(THIRD, 1)


def _purge_leaves_a_hole() -> Vector:
    return Vector({**purged().files(), SECOND: three_files()[SECOND]}).tampered("000000000018.log", 1)


def _key_changed_without_word() -> Vector:
    log = begun().rotate().segment(key=NEXT_KEY).sign()
    return forged(log, 1, SECOND)


def _handed_over_to_a_third() -> Vector:
    log = begun().rotate(HANDOVER).segment(key=OTHER_KEY).sign()
    return forged(log, 1, SECOND)


def _handed_over_but_old_key_goes_on() -> Vector:
    log = begun().rotate(HANDOVER).segment().sign()
    return forged(log, 1, SECOND)


def _new_key_has_signed_nothing() -> Vector:
    log = begun().rotate(HANDOVER)
    return Vector({**log.files, SECOND: b""}, key=NEXT_KEY).tampered(FIRST, 1)


def _handover(body: bytes) -> Vector:
    return forged(begun().rotate(body).segment().sign(), 5)


def _unknown_key_vouches_for_ours() -> Vector:
    body = end("rekey", KEY.key)
    log = Forger(OTHER_KEY).segment().sign().line("rec").sign().rotate(body).segment(key=KEY)
    return Vector(log.files).tampered(FIRST, 1)


VECTORS: dict[str, Callable[[], Vector]] = {
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
    "tampered-rekeyed-without-successor": lambda: forged(begun().rotate(HANDOVER), 0),
    "tampered-key-has-signed-nothing": _new_key_has_signed_nothing,
    "tampered-key-merely-vouched-for": _unknown_key_vouches_for_ours,
    "tampered-key-is-none-of-them": lambda: Vector(rekeyed(three_segments()), key=OTHER_KEY).tampered(FIRST, 1),
}
