"""Rounds of anchoring: read the newest checkpoint, ask the witnesses, bring the cosigned note to the stores.

Each attempt has a thread of its own, and a target with an attempt that hangs is left alone until it ends, so no target
waits for another. The stores wait for the witnesses, at most `PATIENCE` seconds, so that the notes they keep are
cosigned; a witness that was late, or is resting after a failure, is not waited for.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.anchors.history import Seen, View, first_look, read_on
from audit.anchors.state import Progress, State, load_state, save_state
from audit.anchors.target import Target
from audit.checkpoint import LogKey
from audit.errors import AnchorFailed, KeyUnusable, Tampered

PATIENCE = 5.0  # seconds for which the stores wait for the witnesses
MAX_REST = 900.0  # seconds between two attempts at a target that fails
_LATE = "no answer yet; nothing else is sent there until there is one"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Source:
    """The log that is anchored, and the key and name that it must have."""

    directory: Path
    public: Ed25519PublicKey
    origin: str | None = None


class _Attempt(threading.Thread):
    """One attempt to bring a checkpoint to a target. It may hang for ever; then it ends with the process."""

    def __init__(self, target: Target, view: View, note: str, known: int) -> None:
        super().__init__(daemon=True)
        self.target = target
        self.size = view.seen.size
        self.cosignature = ""
        self.error: Exception | None = None
        self.late = False  # and was reported so
        self._arguments = view, note, known

    def run(self) -> None:
        try:
            self.cosignature = self.target.anchor(*self._arguments)
        except Exception as error:  # noqa: BLE001 - whatever it was, the checkpoint did not arrive
            self.error = error


class Anchoring:
    """The targets of one log and the state of each. Its methods are for one thread."""

    def __init__(
        self,
        source: Source,
        state_file: Path,
        witnesses: Sequence[Target],
        stores: Sequence[Target],
        *,
        timeout: float,
        rest: float,
        say: Say,
    ) -> None:
        """`timeout` is for one step of an attempt; a round waits about twice as long for the whole of it. `rest` is the
        pause after a first failure, in seconds; it doubles with each further one.

        Raises `UnreadableLog` where the state cannot be read, `KeyUnusable` where it is of a log under another key.
        """
        self._source = source
        self._file = state_file
        self._witnesses = witnesses
        self._stores = stores
        self._timeout = timeout
        self._rest = rest
        self._say = say
        self._state = load_state(state_file)
        self._attempts: dict[str, _Attempt] = {}
        self._next: dict[str, float] = {}  # when a target that failed is due again
        if self._state.seen is not None:
            _check_key(self._state.seen, source)

    def round(self, within: float | None = None) -> bool:
        """Read the log and bring its newest checkpoint to every target that is due. Whether all targets now have it.

        The round waits no longer than `within` seconds, if that is less than it would otherwise.
        Raises `Tampered` where the log is not what it was, `UnreadableLog` where it or the state cannot be used.
        """
        view = self._read()
        if self._state.seen is None or view.seen.size != self._state.seen.size:
            self._keep(replace(self._state, seen=view.seen))
        targets = [*self._witnesses, *self._stores]
        patience = min(PATIENCE, self._timeout)
        limit = patience + 2 * self._timeout
        started = time.monotonic()
        self._start(self._witnesses, view, view.seen.note)
        self._wait(self._witnesses, started + min(patience, within or patience), late=False)
        self._start(self._stores, view, self._cosigned(view))
        self._wait(targets, started + min(limit, within or limit), late=True)
        return all(self._state.progress(target.name).size == view.seen.size for target in targets)

    def _read(self) -> View:
        seen = self._state.seen
        if seen is None:
            return first_look(self._source.directory, self._source.public, self._source.origin)
        return read_on(self._source.directory, seen)

    def _cosigned(self, view: View) -> str:
        given = [self._state.progress(witness.name) for witness in self._witnesses]
        return view.seen.note + "".join(found.cosignature for found in given if found.size == view.seen.size)

    def _start(self, targets: Iterable[Target], view: View, note: str) -> None:
        now = time.monotonic()
        for target in targets:
            known = self._state.progress(target.name).size
            resting = self._next.get(target.name, 0.0) > now
            if target.name not in self._attempts and known != view.seen.size and not resting:
                attempt = _Attempt(target, view, note, known)
                self._attempts[target.name] = attempt
                attempt.start()

    def _wait(self, targets: Iterable[Target], deadline: float, *, late: bool) -> None:
        """Wait for the attempts at these targets, and take down how they went; what runs on then is `late` or not yet.

        Raises `Tampered` where a target proved the log to be another.
        """
        changed = dict(self._state.targets)
        denied = None
        for target in targets:
            attempt = self._attempts.get(target.name)
            if attempt is None:
                continue
            attempt.join(0 if attempt.late else max(0.0, deadline - time.monotonic()))
            before = changed.get(target.name, Progress())
            if not attempt.is_alive():
                del self._attempts[target.name]
                changed[target.name] = self._outcome(attempt, before)
                denied = denied or (attempt.error if isinstance(attempt.error, Tampered) else None)
            elif late and not attempt.late:
                attempt.late = True
                changed[target.name] = replace(before, failures=before.failures + 1, error=_LATE)
                self._say(f"{target.name}: {_LATE} (failure {before.failures + 1})")
        self._keep(replace(self._state, targets=MappingProxyType(changed)))
        if denied is not None:
            raise denied

    def _outcome(self, attempt: _Attempt, before: Progress) -> Progress:
        name = attempt.target.name
        if attempt.error is None:
            if before.failures:
                self._say(f"{name}: reached again after {before.failures} failures")
            return Progress(attempt.size, datetime.now(UTC).isoformat(timespec="seconds"), attempt.cosignature)
        rest = min(self._rest * 2**before.failures, MAX_REST)
        self._next[name] = time.monotonic() + rest
        error = attempt.error
        text = str(error) if isinstance(error, AnchorFailed) else f"{type(error).__name__}: {error}"
        self._say(f"{name}: {text} (failure {before.failures + 1}, next attempt in {rest:.0f} s)")
        return replace(before, failures=before.failures + 1, error=text)

    def _keep(self, state: State) -> None:
        if state != self._state:
            save_state(self._file, state)
            self._state = state


def _check_key(seen: Seen, source: Source) -> None:
    origin = seen.checkpoint.origin
    if source.origin not in (None, origin) or LogKey(origin, source.public).vkey not in seen.keys:
        raise KeyUnusable(f"the state is of the log `{origin}` under another key: {', '.join(seen.keys)}")
