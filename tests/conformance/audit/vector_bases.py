"""Logs that several kinds of vectors start from."""

from conformance.audit.vector_maker import (
    DAY_NS,
    START_NS,
    Forger,
    Vector,
)
from conformance.audit.vectors_clean import (
    FIRST,
)

from audit import line as lines

LATER = lines.timestamp(START_NS + 400 * DAY_NS)


def forged(log: Forger, line: int, name: str = FIRST) -> Vector:
    return Vector(log.files).tampered(name, line)


def begun() -> Forger:
    """A segment with a record, signed."""
    return Forger().segment().sign().line("rec").sign()
