"""A witness decides whether it cosigns (https://c2sp.org/tlog-witness, `add-checkpoint`): values in, an answer out.

The checks, in the order of the specification, with the status that a failure has:

 1. the body is a submission of a checkpoint (400);
 2. the log is one that this witness knows (404);
 3. a key of that log signed the checkpoint, and no line that names such a key is anything else than its signature
    (403);
 4. the old size is not above the checkpoint's (400);
 5. the old size is that of the newest checkpoint cosigned for this log, 0 if none was (409, and the size that is
    known);
 6. the checkpoint continues that one: a proof leads to both roots (422), and for one size there is one root (409).

Then the note is kept on disk, and only then does the cosignature leave. 5 to there happen under a lock of the log's
own.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from audit.anchors.notes import log_signatures, parse_checkpoint
from audit.anchors.submission import SIZE_TYPE, Submission, latest_path, parse_submission, size_body
from audit.anchors.witness_state import WitnessState
from audit.checkpoint import Checkpoint, LogKey
from audit.cosignature import Cosigner, parse_signed_note
from audit.errors import NotCanonical, ProofInvalid, UnreadableLog
from audit.merkle import EMPTY_ROOT
from audit.proof import check_consistency

_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, and what the operator should read about it, if anything."""

    status: int
    body: bytes
    type: str = _TEXT
    notice: str = ""


class Witness:
    """A cosigner with its memory and the logs that it knows. Any number of threads may ask it."""

    def __init__(
        self, cosigner: Cosigner, state: WitnessState, logs: Iterable[LogKey], now: Callable[[], float]
    ) -> None:
        """A log may have several keys, of which it hands over from one to the next.

        Raises `NotCanonical` where a log has the witness's own key, `UnreadableLog` where the memory is damaged.
        """
        self._cosigner = cosigner
        self._state = state
        self._now = now
        self._keys: dict[str, tuple[LogKey, ...]] = {}
        for key in logs:
            if key.public.public_bytes_raw() == cosigner.key.public.public_bytes_raw():
                raise NotCanonical(f"`{key.origin}` has the witness's own key: it would vouch for itself")
            self._keys[key.origin] = (*self._keys.get(key.origin, ()), key)
        self._locks = {origin: threading.Lock() for origin in self._keys}
        self._paths = {latest_path(origin): origin for origin in self._keys}
        for origin in self._keys:
            state.latest(origin)

    @property
    def origins(self) -> Mapping[str, tuple[LogKey, ...]]:
        """The logs it knows, with their keys."""
        return self._keys

    def add_checkpoint(self, body: bytes) -> Answer:
        """The answer to `POST add-checkpoint`."""
        try:
            submission = parse_submission(body)  # 1
            note = parse_signed_note(submission.note)
            checkpoint = parse_checkpoint(note.text)
        except NotCanonical as error:
            return _refusal(400, str(error))
        keys = self._keys.get(checkpoint.origin)
        if keys is None:  # 2
            return _refusal(404, "this witness does not know that log")
        signatures = log_signatures(note, keys)
        if signatures is None:  # 3
            return _refusal(403, "not signed by a key of that log")
        if submission.old > checkpoint.size:  # 4
            return _refusal(400, "the old size is above the checkpoint's")
        with self._locks[checkpoint.origin]:
            try:
                return self._cosign(submission, note.text, checkpoint, signatures)
            except (UnreadableLog, OSError) as error:
                return Answer(500, b"the witness cannot use its memory\n", notice=f"cannot cosign: {error}")

    def latest(self, path: str) -> Answer:
        """The answer to `GET <origin hash>/checkpoint`: the newest checkpoint that was cosigned."""
        origin = self._paths.get(path)
        try:
            note = self._state.latest(origin) if origin is not None else None
        except UnreadableLog as error:
            return Answer(500, b"the witness cannot use its memory\n", notice=str(error))
        return Answer(200, note.encode()) if note is not None else _refusal(404, "no checkpoint was cosigned there")

    def _cosign(self, submission: Submission, text: str, checkpoint: Checkpoint, signatures: str) -> Answer:
        kept = self._state.latest(checkpoint.origin)
        known = parse_checkpoint(parse_signed_note(kept).text) if kept else None
        if submission.old != (known.size if known else 0):  # 5
            return Answer(409, size_body(known.size if known else 0), SIZE_TYPE)
        if known and known.size == checkpoint.size and known.root != checkpoint.root:  # 6
            self._state.keep_fork(checkpoint.origin, f"{text}\n{signatures}")
            notice = (
                f"FORK of {checkpoint.origin} at {known.size} lines: its key signed another root than the one cosigned"
            )
            return Answer(409, b"another root was cosigned for this size\n", notice=notice)
        refusal = _continues(known, checkpoint, submission)
        if refusal is not None:
            return refusal
        time = max(int(self._now()), self._state.time(checkpoint.origin), 1)  # never back, whatever the clock does
        line = self._cosigner.line(text, time)
        self._state.keep(checkpoint.origin, f"{text}\n{signatures}{line}")
        return Answer(200, line.encode())


def _continues(known: Checkpoint | None, new: Checkpoint, submission: Submission) -> Answer | None:
    """None where the new checkpoint continues the known one."""
    if known is None or known.size == 0:
        if submission.proof or (new.size == 0 and new.root != EMPTY_ROOT):
            return _refusal(422, "from nothing there is nothing to prove, and no lines have one root")
        return None
    try:
        check_consistency(known.size, new.size, submission.proof, known.root, new.root)
    except ProofInvalid as error:
        return _refusal(422, str(error), notice=f"{new.origin}: {known.size} to {new.size} lines: {error}")
    return None


def _refusal(status: int, why: str, notice: str = "") -> Answer:
    return Answer(status, f"{why}\n".encode(), notice=notice)
