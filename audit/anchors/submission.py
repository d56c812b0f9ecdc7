"""What goes over the wire in `add-checkpoint` (https://c2sp.org/tlog-witness), built and read."""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from audit.errors import NotCanonical
from audit.merkle import HASH_SIZE

PATH = "/add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
MAX_PROOF = 63
MAX_BODY = 1 << 16  # bytes: 63 lines of proof, and a note with more signatures than anyone needs
MAX_SIZE = (1 << 63) - 1
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")
_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\n")
_HASH = re.compile(r"[A-Za-z0-9+/]{43}=")


@dataclass(frozen=True, slots=True)
class Submission:
    """A checkpoint for a witness, with the proof that it continues the tree of `old` lines."""

    old: int
    proof: tuple[bytes, ...]
    note: str

    def body(self) -> bytes:
        """The body of the request."""
        rows = [f"old {self.old}", *(base64.b64encode(node).decode() for node in self.proof)]
        return ("\n".join(rows) + "\n\n" + self.note).encode()


def parse_submission(body: bytes) -> Submission:
    """The submission in the body of a request. Raises `NotCanonical`; the note is not looked into."""
    try:
        head, blank, note = body.decode().partition("\n\n")
    except UnicodeDecodeError as error:
        raise NotCanonical("the body is not UTF-8") from error
    first, *rows = head.split("\n")
    old = _OLD.fullmatch(first)
    if not blank or old is None or int(old[1]) > MAX_SIZE:
        raise NotCanonical("the body starts with `old <size>`, lines of proof, and an empty line")
    if len(rows) > MAX_PROOF:
        raise NotCanonical(f"more than {MAX_PROOF} lines of proof")
    return Submission(int(old[1]), _hashes(rows), note)


def size_body(size: int) -> bytes:
    """The body of a 409 that says how far the witness has seen the log."""
    return b"%d\n" % size


def parse_size(body: bytes) -> int | None:
    """The size in the body of a 409; None where it is none."""
    match = _SIZE.fullmatch(body.decode("ascii", "replace"))
    return int(match[1]) if match and int(match[1]) <= MAX_SIZE else None


def latest_path(origin: str) -> str:
    """Where, below its monitoring prefix, a witness shows the newest checkpoint that it cosigned for `origin`."""
    return f"/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint"


def _hashes(rows: Sequence[str]) -> tuple[bytes, ...]:
    nodes = []
    for row in rows:
        node = base64.b64decode(row) if _HASH.fullmatch(row) else b""
        if len(node) != HASH_SIZE or base64.b64encode(node).decode() != row:
            raise NotCanonical("a line of proof is base64 of 32 bytes")
        nodes.append(node)
    return tuple(nodes)
