"""Evidence packs: one file that shows chosen records of a log, with their proofs, to someone who does not have the log.

    from audit.evidence import Selection, write_pack
    write_pack(directory, public, Selection(request_ids=("…",)), out)

docs/evidence.md specifies the file. `audit.evidence.check` is the other side: standard library and `cryptography` only.
"""

from audit.evidence.check import Finding, check_pack
from audit.evidence.pack import Pack, decode, encode, read_pack
from audit.evidence.select import Selection
from audit.evidence.write import build, write_pack

__all__ = [
    "Finding",
    "Pack",
    "Selection",
    "build",
    "check_pack",
    "decode",
    "encode",
    "read_pack",
    "write_pack",
]
