"""What test vectors are made of: logs by the real writer, and logs by a forger who holds the key.

Keys and clock are fixed, so the bytes are the same on every machine.
"""

import shutil
import struct
import tempfile
import weakref
import zlib
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import line as lines
from audit.bodies import Purge, end, header, note_body, purge
from audit.chain import SEGMENT_NAME
from audit.checkpoint import Signer
from audit.directory import LOCK
from audit.errors import AuditUnavailable
from audit.gzip_stream import HEADER
from audit.journal import Journal, Rotation
from audit.merkle import Tree, leaf_hash

ORIGIN = "host-a/hangu"
START_NS = 1_795_420_800_000_000_000  # 2026-11-23T08:00:00Z
DAY_NS = 86_400 * 1_000_000_000
T0 = lines.timestamp(START_NS)
EACH_BATCH = Rotation(max_bytes=1)

Files = dict[str, bytes]  # path inside the log directory, and content


def signer(first_byte: int = 0, origin: str = ORIGIN) -> Signer:
    """The key whose 32 bytes count up from this one."""
    return Signer(origin, Ed25519PrivateKey.from_private_bytes(bytes(range(first_byte, first_byte + 32))))


KEY, NEXT_KEY, THIRD_KEY, OTHER_KEY = signer(), signer(32), signer(64), signer(128)


@dataclass(frozen=True, slots=True)
class Vector:
    """A log and the verdict that it deserves: exit code, and the first bad file and line where it is tampered."""

    files: Files
    exit: int = 0
    file: str | None = None
    line: int | None = None
    key: Signer = KEY
    anchor: str | None = None

    def tampered(self, file: str, line: int) -> "Vector":
        """The same log, bad at this place."""
        return replace(self, exit=10, file=file, line=line)


class History:
    """A log written by the real writer, one millisecond from step to step."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="vector-"))
        weakref.finalize(self, shutil.rmtree, self.directory)
        self.now = START_NS
        self.journal: Journal | None = None

    def open(self, key: Signer = KEY, rotation: Rotation | None = None) -> "History":
        """Start a writer."""
        self.journal = Journal(self.directory, key, rotation or Rotation(), self._tick())
        return self

    def add(self, *bodies: str) -> "History":
        """One batch of records."""
        assert self.journal is not None
        self.journal.append([body.encode() for body in bodies], self._tick())
        return self

    def stop(self) -> "History":
        """An orderly end."""
        assert self.journal is not None
        self.journal.close(self._tick())
        return self

    def kill(self) -> "History":
        """The end of a killed process: nothing more is written."""
        assert self.journal is not None
        self.journal.broken = "killed"
        with suppress(AuditUnavailable):
            self.journal.close(self.now)
        return self

    def spoil(self, name: str, data: bytes) -> "History":
        """Put bytes behind a file, as a torn write does."""
        with (self.directory / name).open("ab") as stream:
            stream.write(data)
        return self

    def later(self, days: int) -> "History":
        """Let time pass."""
        self.now += days * DAY_NS
        return self

    def files(self) -> Files:
        """Everything in the directory but the lock."""
        found = {str(path.relative_to(self.directory)): path for path in self.directory.rglob("*") if path.is_file()}
        return {name: found[name].read_bytes() for name in sorted(found) if name != LOCK}

    def _tick(self) -> int:
        self.now += 1_000_000
        return self.now


@dataclass(slots=True)
class Forger:
    """Writes and signs whatever it is told, with a correct tree: what remains is a breach of the one rule at hand."""

    key: Signer = KEY
    tree: Tree = field(default_factory=Tree)
    files: Files = field(default_factory=dict)
    number: int = 0
    time: bytes = T0

    def segment(self, number: int | None = None, key: Signer | None = None, name: str | None = None) -> "Forger":
        """Begin a segment with a `hdr` and its checkpoint."""
        self.key = key or self.key
        self.number = number or self.number + 1
        self.files[name or SEGMENT_NAME.format(self.tree.size)] = b""
        return self.line("hdr", header(self.key.key, self.number, self.tree))

    def line(self, kind: str, body: bytes = b"{}", time: bytes | None = None) -> "Forger":
        """One line of any kind and body."""
        self.time = time or self.time
        return self.raw(lines.build(self.tree.size, kind.encode(), body, self.time))

    def raw(self, line: bytes) -> "Forger":
        """One line as it stands."""
        newest = next(reversed(self.files))
        self.files[newest] += line + b"\n"
        self.tree.append(leaf_hash(line))
        return self

    def sign(self, key: Signer | None = None) -> "Forger":
        """A checkpoint over everything so far."""
        note = (key or self.key).sign(self.tree.size, self.tree.root())
        return self.line("ckpt", note_body(note))

    def rotate(self, body: bytes = end("rotate")) -> "Forger":
        """End the segment."""
        return self.line("end", body).sign()

    def purge(self, what: Purge) -> "Forger":
        """A signed `purge` line."""
        return self.line("purge", purge(what)).sign()


def archived(data: bytes) -> bytes:
    """An archive of these bytes in one stored block: the same whichever library compresses."""
    block = struct.pack("<BHH", 1, len(data), len(data) ^ 0xFFFF) + data
    return HEADER + block + struct.pack("<II", zlib.crc32(data), len(data))


def changed(files: Files, name: str, old: bytes, new: bytes) -> Files:
    """The files with one place in one of them changed."""
    assert files[name].count(old) == 1, (name, old)
    return {**files, name: files[name].replace(old, new)}


def without(files: Files, *names: str) -> Files:
    """The files without some of them."""
    return {name: data for name, data in files.items() if name not in names}


def rows(files: Files, name: str) -> list[bytes]:
    """The lines of one file, each with its LF."""
    return files[name].splitlines(keepends=True)
