"""Checkpoint notes with signatures of several keys: what the log says in them, and which lines are the log's own."""

import base64
import binascii
import re
from collections.abc import Iterable

from audit.checkpoint import Checkpoint, LogKey, check_origin
from audit.cosignature import SignedNote
from audit.errors import NotCanonical
from audit.merkle import HASH_SIZE

_TEXT = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,17})\n([A-Za-z0-9+/]{43}=)\n(?:[^\n]+\n)*")


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint in the text of a note (https://c2sp.org/tlog-checkpoint). Raises `NotCanonical`.

    Extension lines behind the third are allowed; they are signed with the rest and mean nothing here.
    """
    match = _TEXT.fullmatch(text)
    root = _hash(match[3]) if match else None
    if match is None or root is None:
        raise NotCanonical("not the text of a checkpoint (https://c2sp.org/tlog-checkpoint)")
    return Checkpoint(check_origin(match[1]), int(match[2]), root)


def log_signatures(note: SignedNote, keys: Iterable[LogKey]) -> str | None:
    """The signature lines of these keys of a log. None where there is none, or where one is not what it says it is.

    Lines of other keys are passed over, as https://c2sp.org/signed-note wants it.
    """
    keys = tuple(keys)
    found = []
    for name, blob in note.signatures:
        for key in keys:
            if name == key.origin and blob[:4] == key.id:
                signature = base64.b64encode(blob).decode()
                if not key.signed(note.text, signature):
                    return None
                found.append(f"— {name} {signature}\n")
    return "".join(found) or None


def _hash(text: str) -> bytes | None:
    try:
        root = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return root if len(root) == HASH_SIZE and base64.b64encode(root).decode() == text else None
