"""Hands a log over from one signing key to the next, offline."""

from pathlib import Path

from audit.checkpoint import Signer
from audit.directory import segments
from audit.errors import KeyUnusable, UnreadableLog
from audit.journal import Journal, Rotation


def rekey(directory: Path, old: Signer, new: Signer, now_ns: int) -> None:
    """End the log under the old key, and begin the next segment under the new one. Seals it, so a writer can start.

    Run it again with the same keys to finish a hand-over that a crash cut short. Raises what `Journal` does.
    """
    if not directory.is_dir() or not segments(directory):
        raise UnreadableLog(f"{directory}: not a log directory, there is no segment")
    if new.key.public == old.key.public or new.key.origin != old.key.origin:
        raise KeyUnusable("a log is handed over to another key of the same origin")
    try:
        journal = Journal(directory, old, Rotation(), now_ns)
    except KeyUnusable:
        # Handed over already: only its own old key may say to which new one, so a wrong pair is refused here too.
        journal = Journal(directory, new, Rotation(), now_ns, predecessor=old.key.public)
    else:
        journal.hand_over(new, now_ns)
    journal.close(now_ns)
