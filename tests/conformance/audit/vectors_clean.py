"""Vectors of logs that are as they should be: clean, or torn by a crash."""

import base64
import json
import zlib
from collections.abc import Callable
from functools import cache

from conformance.audit.vector_maker import (
    EACH_BATCH,
    KEY,
    NEXT_KEY,
    THIRD_KEY,
    Files,
    Forger,
    History,
    Vector,
    archived,
    rows,
    without,
)

from audit.gzip_stream import HEADER
from audit.rekey import rekey

FIRST, SECOND, THIRD = "000000000000.log", "000000000006.log", "000000000012.log"
A, B = '{"event":"a","n":1}', '{"event":"b","text":"医保"}'

# Made once by zlib 1.2 of the first segment of `three_segments`; other libraries compress to other bytes.
_DEFLATED = (
    "H4sIAAAAAAAA/42Ty26bQBhG932KiC1xPYAx2FIWBtvjCwZfIGDqLrhMuZkBYy6GKFIfok/YJylOZCnNIok0i5l/pG++c6R5IgJiCO6JiBgSvp"
    "sR90RGDJ+IX0kWW/l1ZmGv6FiFG+Rdqr2NUH2dJue8Y3VfLknAAMrm+oAcbRRf4LpN44vkzBi7UHGlanHErLyv4r4mGxfG8ePN7lGFvTYqyQIv"
    "wO/S2nmaoTJIivNLjyzBeYDaTj9+ttWS5Nqpx40nmzTkZ8LOIrvqPNZJdiGiYoO2UczKq3Shm5Dxd8VUe2jzzkGDWsbndoe8GOE2gmoP1yQa0P"
    "0ORXVoRgX8EIB2fQeAAgCYxPO3p6sb6tWNE6X5TQ5OcvSu9gFTB7zkF4G7PUvuCMtrUOVzVx5Tujp3pFUsW8ainuUkRGFJ9qKHAz7gv7//3L0N"
    "uRtVkNnDXl1CPxYKJnTmPDtiJ4KRaDpdzCzZYW3eWUo2aqg16jaJ3sz6Pa8YDZoVqk1KPFnHpm/YqNIthxQKilGOy7XrRBXfPkh8HZp+hc6Qc2"
    "NG5Ys4wmoH+DOB9Nss5osCmQOGtI68YBvAzGVcr3A2eyVQjBI+xmo1ds5kCPwq1RzLPFYfCJwgnzkpOBQx3BoNxVQD6BnaxeRs1le3s7DW5HRg"
    "cgOQ2mKd7pLahduJzbJBibmokRhzLlhm3Fec1KbpIhUkmyo30acC/4PuvUIj7N6YK//6cbIkt1r2D4OYt0HsF+2xB6xfQn/D8zVJ14Wj44tosI"
    "EpnB7hOd0F2WT6uA49uzfXp+nqA3sS118OuqVnewsg5sU6NzRF1S31NIohXgszI40Gp6UR1F6FUcHDQoiZVY2ciNM0t1BFtIdzeUKGcMpL3lT3"
    "K104VqtP7d2g/wEo2JTDkAQAAA=="
)


def three_segments() -> History:
    """A record a segment, ended in order."""
    history = History().open(rotation=EACH_BATCH)
    return history.add(A).add(B).add('{"event":"c"}').stop()


@cache
def three_files() -> Files:
    """Its files; not to be changed."""
    return three_segments().files()


def purged() -> History:
    """The same, and 400 days later these segments purged by a writer that then goes on and stops."""
    history = three_segments().later(400).open().add('{"event":"d"}')
    assert history.journal is not None
    history.journal.purge(365, history.now)
    return history.add('{"event":"e"}').stop()


def rekeyed(history: History) -> Files:
    """A log handed over from the first key to the next, and written on under that."""
    rekey(history.directory, KEY, NEXT_KEY, history.now)
    return history.open(NEXT_KEY).add('{"event":"d"}').stop().files()


def recovered() -> History:
    """A torn tail, set aside by the next start."""
    history = History().open().add(A).kill()
    return history.spoil(FIRST, b'{"i":4,"k":"rec","r":{"ev').open().add(B).stop()


def _extremes() -> Files:
    deep = '{"a":' * 63 + "{}" + "}" * 63
    return (
        History()
        .open()
        .add(
            '{"control":"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\u007f","quote":"\\"\\\\/"}',
            '{"max":9007199254740991,"min":-9007199254740991,"zero":0}',
            '{"":"","A":1,"Z":2,"_":3,"a":4,"a ":5,"aa":6,"b":7,"~":8}',
            '{"e":[[],{},null,true,false,""],"text":"\u2028\u2029\ufeff\ufffe\U0010ffff𠮷é\u0301"}',
            deep,
            "{}",
        )
        .stop()
        .files()
    )


def _notes(files: Files, name: str) -> list[str]:
    return [json.loads(row)["r"]["note"] for row in rows(files, name) if b'"k":"ckpt"' in row]


def _anchored() -> Vector:
    files = three_files()
    return Vector(files, anchor=_notes(files, SECOND)[1])


def _anchored_often() -> Vector:
    files = three_files()
    return Vector(files, anchor="\n".join([*_notes(files, THIRD), *_notes(files, FIRST)]))


def _anchored_by_old_key() -> Vector:
    history = three_segments()
    note = _notes(history.files(), THIRD)[-1]
    return Vector(rekeyed(history), key=NEXT_KEY, anchor=note)


def _archived(*names: str, keep: bool = False) -> Vector:
    files = three_files()
    archives = {name + ".gz": archived(files[name]) for name in names}
    return Vector({**(files if keep else without(files, *names)), **archives})


def _deflated() -> Vector:
    files = three_files()
    data = base64.b64decode(_DEFLATED)
    assert data.startswith(HEADER)
    assert zlib.decompress(data[len(HEADER) :], -15) == files[FIRST]
    return Vector({**without(files, FIRST), FIRST + ".gz": data})


def _purged_half_way() -> Vector:
    return Vector({**without(three_files(), FIRST), **purged().files()})


def _purged_before_anything_went() -> Vector:
    return Vector({**three_files(), **purged().files()})


def _purged_archive_left() -> Vector:
    return Vector({**purged().files(), THIRD + ".gz": archived(three_files()[THIRD])})


def _purged_with_quarantine() -> History:
    history = History().open(rotation=EACH_BATCH).add(A).kill()
    history.spoil(FIRST, b'{"i":4,"k":"rec","r":{"ev').open(rotation=EACH_BATCH).add(B).add(B).stop()
    history.later(400).open()
    assert history.journal is not None
    history.journal.purge(365, history.now)
    return history.stop()


def _purged_twice() -> Vector:
    history = purged().later(400).open().add(A)
    assert history.journal is not None
    history.journal.purge(200, history.now)
    return Vector(history.stop().files())


def _rekeyed_twice(key_first_byte: int) -> Vector:
    history = three_segments()
    rekeyed(history)
    rekey(history.directory, NEXT_KEY, THIRD_KEY, history.now)
    files = history.open(THIRD_KEY).add('{"event":"e"}').stop().files()
    return Vector(files, key=(KEY, NEXT_KEY, THIRD_KEY)[key_first_byte])


def _open_log() -> Files:
    return History().open().add(A, B).kill().files()


def _torn(tail: bytes) -> Vector:
    files = _open_log()
    return Vector({FIRST: files[FIRST] + tail}, exit=3)


def _whole_line(index: int) -> bytes:
    return b'{"i":%d,"k":"rec","r":{"event":"late"},"t":"2026-11-23T08:00:01.000000Z"}\n' % index


def _torn_rotation() -> Vector:
    log = Forger().segment().sign().line("rec").sign().rotate()
    return Vector({**log.files, SECOND: b""}, exit=3)


def _torn_before_seal() -> Vector:
    log = Forger().segment().sign().line("rec").sign().line("end", b'{"why":"rotate"}')
    return Vector({**log.files, SECOND: b"\0" * 64}, exit=3)


def _torn_handover() -> Vector:
    body = b'{"next":"%b","why":"rekey"}' % NEXT_KEY.key.vkey.encode()
    log = Forger().segment().sign().line("rec").sign().rotate(body)
    return Vector({**log.files, SECOND: b""}, exit=3)


def _torn_header() -> Vector:
    log = Forger().segment().sign().line("rec").sign().rotate()
    return Vector({**log.files, SECOND: b'{"i":6,"k":"hdr","r":{"format":'}, exit=3)


def _torn_recovery() -> Vector:
    return Vector({**_open_log(), "quarantine/000000000005-1.torn": b'{"i":5,"k":'}, exit=3)


VECTORS: dict[str, Callable[[], Vector]] = {
    "clean-no-record": lambda: Vector(History().open().stop().files()),
    "clean-one-segment": lambda: Vector(History().open().add(A, B).add("{}").stop().files()),
    "clean-being-written": lambda: Vector(_open_log()),
    "clean-rotated": lambda: Vector(three_files()),
    "clean-restarted": lambda: Vector(History().open().add(A).stop().open().add(B).stop().files()),
    "clean-recovered": lambda: Vector(recovered().files()),
    "clean-recovered-file-gone": lambda: Vector(without(recovered().files(), "quarantine/000000000004-1.torn")),
    "clean-killed-behind-a-checkpoint": lambda: Vector(History().open().add(A).kill().open().add(B).stop().files()),
    "clean-canonical-extremes": lambda: Vector(_extremes()),
    "clean-heartbeat-and-clock": lambda: Vector(
        History().open().add('{"event":"audit.heartbeat"}').add('{"behind_ms":3600000,"event":"audit.clock"}').files()
    ),
    "clean-anchored": _anchored,
    "clean-anchored-often": _anchored_often,
    "clean-anchored-by-old-key": _anchored_by_old_key,
    "clean-archived": lambda: _archived(FIRST, SECOND),
    "clean-archived-in-the-middle": lambda: _archived(SECOND),
    "clean-archived-deflated": _deflated,
    "clean-archived-half-way": lambda: _archived(FIRST, keep=True),
    "clean-purged": lambda: Vector(purged().files()),
    "clean-purged-half-way": _purged_half_way,
    "clean-purged-before-anything-went": _purged_before_anything_went,
    "clean-purged-archive-left": _purged_archive_left,
    "clean-purged-with-quarantine": lambda: Vector(_purged_with_quarantine().files()),
    "clean-purged-twice": _purged_twice,
    "clean-rekeyed-new-key": lambda: Vector(rekeyed(three_segments()), key=NEXT_KEY),
    "clean-rekeyed-old-key": lambda: Vector(rekeyed(three_segments())),
    "clean-rekeyed-twice-middle-key": lambda: _rekeyed_twice(1),
    "clean-rekeyed-twice-last-key": lambda: _rekeyed_twice(2),
    "torn-line-begun": lambda: _torn(b'{"i":5,"k":"r'),
    "torn-one-byte": lambda: _torn(b"{"),
    "torn-line-without-end": lambda: _torn(_whole_line(5)[:-1]),
    "torn-whole-lines": lambda: _torn(_whole_line(5) + _whole_line(6)),
    "torn-nuls": lambda: _torn(b"\0" * 512),
    "torn-line-then-nuls": lambda: _torn(b'{"i":5,"k":"rec","r":{"ev' + b"\0" * 100),
    "torn-rotation": _torn_rotation,
    "torn-before-the-seal": _torn_before_seal,
    "torn-hand-over": _torn_handover,
    "torn-header": _torn_header,
    "torn-recovery": _torn_recovery,
}
