"""Another auditor key: every content key is unwrapped with the old one and wrapped to the new one.

Each key file is replaced whole, so a crash leaves every key readable by one of the two, and the next run goes on.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from audit.contents import envelope, keyfiles
from audit.contents.auditor import key_id
from audit.contents.keyfiles import KeyFile
from audit.contents.store import Store, open_file
from audit.errors import ContentsUnavailable, ContentsUnreadable


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """What a run did: keys moved, keys that were with the new auditor already, and what could not be moved."""

    moved: int
    already: int
    problems: tuple[str, ...]


def rewrap(store: Store, old: X25519PrivateKey, new: X25519PublicKey) -> Rewrapped:
    """Move every key. The caller holds `store.maintenance`. Raises `ContentsUnavailable` where the store fails."""
    moved = already = 0
    problems: list[str] = []
    wanted = key_id(new)
    for file in keyfiles.all_keys(store):
        try:
            held = keyfiles.read(file)
            if held.auditor == wanted:
                already += 1
                continue
            content_key = envelope.unwrap(held.wrapped, old, held.place.info())
        except ContentsUnreadable as error:
            problems.append(f"{file.name}: {error}")
            continue
        _replace(store, file, KeyFile(held.place, wanted, envelope.wrap(content_key, new, held.place.info())))
        moved += 1
    return Rewrapped(moved, already, tuple(problems))


def _replace(store: Store, file: Path, held: KeyFile) -> None:
    """Put the new wrapping in the old one's place, and overwrite the old: its auditor key may be the reason."""
    try:
        before = open_file(file, os.O_WRONLY)
        try:
            keyfiles.write(store, held)
            keyfiles.overwrite(before)
        finally:
            os.close(before)
    except OSError as error:
        raise ContentsUnavailable(f"contents {file}: {error.strerror or error}") from error
