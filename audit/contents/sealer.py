"""What the gateway holds: it seals texts for the auditor, and once it has forgotten a key, it cannot open them again.

Every subject has content keys of its own, in every worker another one. A worker keeps the keys in use in memory, uses
each for at most a day, and looks before each use whether the wrapped key is still in the store: once a subject is
erased, its keys are dropped here too, and its next text gets a new key.
"""

import hashlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from audit.contents import envelope, keyfiles
from audit.contents.auditor import key_id
from audit.contents.envelope import KeyPlace, TextPlace
from audit.contents.keyfiles import KeyFile
from audit.contents.store import Store
from audit.contents.textfiles import TextFiles
from audit.errors import ContentsUnavailable

Direction = Literal["prompt", "completion"]

KEY_SECONDS: Final = 86_400  # after which a subject gets a new key: what old texts are erased by
KEY_USES: Final = 1 << 20
MAX_CACHED: Final = 4096  # subjects whose keys a worker keeps
_SWEEP_SECONDS: Final = 60.0  # how long an erased key may stay in the memory of a worker that seals for others
_TRIES: Final = 10  # an erasure can take a key away while it is being written


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a record says about a sealed text: its key, where it lies, and the SHA-256 of what lies there."""

    key: str
    file: str
    offset: int
    bytes: int
    sha256: str

    def fields(self) -> dict[str, str | int]:
        """As the member `sealed` of a record."""
        return {name: getattr(self, name) for name in self.__slots__}


class _ContentKey:
    """A key in use. Each use has its own number, which becomes the nonce."""

    __slots__ = ("born", "cipher", "file", "id", "uses")

    def __init__(self, name: str, key: bytes, file: Path, born: float) -> None:
        self.id = name
        self.cipher = AESGCM(key)
        self.file = file
        self.born = born
        self.uses = 0

    def worn(self, now: float) -> bool:
        return self.uses >= KEY_USES or now - self.born > KEY_SECONDS


class Sealer:
    """Seals for one auditor and one log. Safe to use from several threads; a forked child starts with nothing."""

    def __init__(
        self,
        store: Store,
        auditor: X25519PublicKey,
        origin: str,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is opened yet. `origin` is the log whose records will refer to the texts."""
        self._store = store
        self._auditor = auditor
        self._auditor_id = key_id(auditor)
        self._origin = origin
        self._now = now
        self._monotonic = monotonic
        self._start()

    def prepare(self, subject: str) -> None:
        """Have a key for the subject and a file to write to. Raises `ContentsUnavailable` where there can be none."""
        self._check_process()
        self._key_of(envelope.subject_name(subject))
        self._texts.prepare()

    def seal(self, subject: str, request: str, direction: Direction, text: bytes) -> Sealed:
        """Return once the sealed text is durable. Raises `ContentsUnavailable` where that could not be reached."""
        self._check_process()
        name = envelope.subject_name(subject)
        key, count = self._key_of(name)
        place = TextPlace(self._origin, request, direction, name, key.id)
        sealed = envelope.seal(key.cipher, count, text, place)
        at = self._texts.append(sealed)
        return Sealed(key.id, at.file, at.offset, len(sealed), hashlib.sha256(sealed).hexdigest())

    def close(self) -> None:
        """Forget all keys and close the file."""
        with self._lock:
            self._keys.clear()
        self._texts.close()

    def _start(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._keys: OrderedDict[str, _ContentKey] = OrderedDict()
        self._texts = TextFiles(self._store.texts, self._now)
        self._swept = self._monotonic()

    def _check_process(self) -> None:
        """Two processes that go on with one key would use a nonce twice."""
        if self._process != os.getpid():
            self._start()

    def _key_of(self, subject: str) -> tuple[_ContentKey, int]:
        """A key that is in the store, and a number that it has not been used with."""
        self._sweep()
        with self._lock:
            key = self._keys.get(subject)
        if key is None or not self._usable(key):
            key = self._new_key(subject)
        with self._lock:
            key.uses += 1
            self._keys[subject] = key
            self._keys.move_to_end(subject)
            if len(self._keys) > MAX_CACHED:
                self._keys.popitem(last=False)
            return key, key.uses

    def _usable(self, key: _ContentKey) -> bool:
        if key.worn(self._monotonic()):
            return False
        try:
            return keyfiles.present(key.file)
        except OSError as error:
            raise ContentsUnavailable(f"contents {key.file}: {error.strerror or error}") from error

    def _new_key(self, subject: str) -> _ContentKey:
        for _ in range(_TRIES):
            created = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            place = KeyPlace(self._origin, subject, envelope.new_key_id(), created)
            key = envelope.new_key()
            wrapped = envelope.wrap(key, self._auditor, place.info())
            try:
                file = keyfiles.write(self._store, KeyFile(place, self._auditor_id, wrapped))
            except FileNotFoundError:
                continue
            except OSError as error:
                raise ContentsUnavailable(f"contents {self._store.keys}: {error.strerror or error}") from error
            return _ContentKey(place.key, key, file, self._monotonic())
        raise ContentsUnavailable(f"contents {self._store.keys}: new keys go away as soon as they are written")

    def _sweep(self) -> None:
        """Now and then, forget the keys that were erased or are worn."""
        now = self._monotonic()
        with self._lock:
            if now - self._swept < _SWEEP_SECONDS:
                return
            self._swept = now
            held = list(self._keys.items())
        gone = [(subject, key) for subject, key in held if not self._usable(key)]
        with self._lock:
            for subject, key in gone:
                if self._keys.get(subject) is key:
                    del self._keys[subject]
