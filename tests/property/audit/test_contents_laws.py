"""A text opens exactly as long as its key was not erased, whatever else happened to the store."""

from __future__ import annotations

import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from harness.contents import ORIGIN, Clock
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.contents import erasure
from audit.contents.opener import Opener
from audit.contents.rewrap import rewrap
from audit.contents.sealer import Sealed, Sealer
from audit.contents.store import create_store
from audit.errors import ContentsUnreadable

SUBJECTS = ["alice", "张三", "../etc", ""]
STEPS = st.one_of(
    st.tuples(st.just("seal"), st.sampled_from(SUBJECTS)),
    st.tuples(st.just("erase"), st.sampled_from(SUBJECTS)),
    st.tuples(st.sampled_from(["rewrap", "restart", "tomorrow"]), st.just("")),
)


@settings(max_examples=20, deadline=None)
@given(st.lists(STEPS, max_size=15))
def test_a_text_opens_until_its_subject_is_erased(steps: list[tuple[str, str]]) -> None:
    """Restarts, new days and new auditors change nothing; an erasure ends it for that subject alone, and for good."""
    with tempfile.TemporaryDirectory() as folder:
        store, clock, auditor = create_store(Path(folder) / "c"), Clock(), X25519PrivateKey.generate()
        workers = [Sealer(store, auditor.public_key(), ORIGIN, clock.wall, clock.monotonic)]
        sealed: dict[int, tuple[str, Sealed]] = {}
        erased: set[int] = set()
        nonces: set[tuple[str, bytes]] = set()
        for number, (step, subject) in enumerate(steps):
            if step == "seal":
                text = workers[-1].seal(subject, str(number), "prompt", str(number).encode())
                sealed[number] = (subject, text)
                nonces.add((text.key, (store.texts / text.file).read_bytes()[text.offset : text.offset + 12]))
            elif step == "erase":
                erasure.destroy(erasure.of_subject(store, subject))
                erased |= {at for at, (whose, _) in sealed.items() if whose == subject}
            elif step == "rewrap":
                new = X25519PrivateKey.generate()
                assert rewrap(store, auditor, new.public_key()).problems == ()
                auditor = new
            if step in ("rewrap", "restart"):  # a worker reads the auditor's key at its start
                workers.append(Sealer(store, auditor.public_key(), ORIGIN, clock.wall, clock.monotonic))
            clock.seconds += 100_000 if step == "tomorrow" else 1
        opener = Opener(store, auditor, ORIGIN)
        for number, (subject, text) in sealed.items():
            assert _opens(opener, subject, number, text) is (number not in erased)
        assert len(nonces) == len(sealed)
        for worker in workers:
            worker.close()


def _opens(opener: Opener, subject: str, number: int, text: Sealed) -> bool:
    try:
        return opener.open(subject, str(number), "prompt", text) == str(number).encode()
    except ContentsUnreadable:
        return False
