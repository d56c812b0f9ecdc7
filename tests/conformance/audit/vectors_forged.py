"""Vectors of logs that someone wrote against the rules who does hold the key."""

from collections.abc import Callable

from conformance.audit.vector_bases import LATER, begun, forged
from conformance.audit.vector_maker import (
    KEY,
    OTHER_KEY,
    T0,
    Forger,
    History,
    Vector,
    signer,
)
from conformance.audit.vectors_clean import (
    FIRST,
    SECOND,
    A,
)

from audit import line as lines
from audit.bodies import header, note_body
from audit.merkle import Tree


def _record(body: str, line: int = 3) -> Vector:
    """A record signed as it stands, in the third line."""
    log = Forger().segment().sign().line("rec", body.encode("utf-8", "surrogatepass")).sign()
    return Vector(log.files).tampered(FIRST, line)


def _checkpoint_of(size: int) -> bytes:
    return lines.build(3, b"ckpt", note_body(KEY.sign(size, bytes(32))), T0)


def _header_with(more: bytes) -> Forger:
    log = Forger()
    log.files[FIRST] = b""
    return log.line("hdr", header(KEY.key, 1, Tree())[:-1] + more).sign()


def _header_of(before: Tree, old: bytes = b"", new: bytes = b"") -> Forger:
    """A second segment whose `hdr` claims this tree, or nearly."""
    log = begun().rotate()
    log.files[SECOND] = b""
    return log.line("hdr", header(KEY.key, 2, before).replace(old, new, 1)).sign()


VECTORS: dict[str, Callable[[], Vector]] = {
    # Signed, but against the rules
    "tampered-signed-by-another-key": lambda: Vector(History().open(OTHER_KEY).add(A).stop().files()).tampered(
        FIRST, 1
    ),
    "tampered-checkpoint-by-another-key": lambda: forged(Forger().segment().sign().line("rec").sign(OTHER_KEY), 4),
    "tampered-checkpoint-of-another-size": lambda: forged(
        Forger().segment().sign().line("rec").raw(_checkpoint_of(7)), 4
    ),
    "tampered-time-backwards": lambda: forged(Forger(time=LATER).segment().sign().line("rec", time=T0).sign(), 3),
    "tampered-time-impossible": lambda: forged(
        Forger().segment().sign().line("rec", time=b"2026-02-30T08:00:00.000000Z").sign(), 3
    ),
    "tampered-time-leap-second": lambda: forged(
        Forger().segment().sign().line("rec", time=b"2026-12-31T23:59:60.000000Z").sign(), 3
    ),
    "tampered-unknown-kind": lambda: forged(Forger().segment().sign().line("note").sign(), 3),
    "tampered-kind-out-of-place": lambda: forged(Forger().segment().sign().line("rcv", b'{"torn":[]}').sign(), 3),
    "tampered-two-checkpoints": lambda: forged(Forger().segment().sign().sign(), 3),
    "tampered-header-number": lambda: forged(begun().rotate().segment(number=3).sign(), 1, SECOND),
    "tampered-header-frontier": lambda: forged(_header_of(Tree(6, [bytes(32)] * 2)), 1, SECOND),
    "tampered-header-frontier-too-long": lambda: forged(
        _header_of(begun().rotate().tree, b'"frontier":["', b'"frontier":["AAAA","'), 1, SECOND
    ),
    "tampered-header-of-another-origin": lambda: forged(
        begun().rotate().segment(key=signer(origin="host-b/hangu")).sign(), 1, SECOND
    ),
    "tampered-header-with-a-member-more": lambda: forged(_header_with(b',"x":1}'), 1),
    "tampered-end-without-recovery": lambda: forged(begun().segment().sign().line("rec").sign(), 2, "000000000004.log"),
    "tampered-end-for-no-known-reason": lambda: forged(begun().rotate(b'{"why":"bored"}'), 5),
    "tampered-rcv-outside": lambda: forged(
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
    "tampered-not-utf-8": lambda: forged(Forger().segment().sign().line("rec", b'{"s":"\xff"}').sign(), 3),
    "tampered-overlong-utf-8": lambda: forged(Forger().segment().sign().line("rec", b'{"s":"\xc0\xaf"}').sign(), 3),
    "tampered-too-deep": lambda: _record('{"a":' * 64 + "{}" + "}" * 64),
    "tampered-list-as-body": lambda: _record("[]"),
    "tampered-trailing-comma": lambda: _record('{"a":1,}'),
    "tampered-two-values": lambda: _record("{}{}"),
}
