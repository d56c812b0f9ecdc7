"""A contents store and its auditor, on real files, with a clock that a test moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from audit.contents.envelope import subject_name
from audit.contents.keyfiles import keys_of
from audit.contents.opener import Opener
from audit.contents.sealer import Direction, Sealed, Sealer
from audit.contents.store import Store

ORIGIN = "host-a/hangu"
NOW = 1_795_420_800.0  # 2026-11-23T08:00:00Z


@dataclass
class Clock:
    """Time that stands still until a test moves it."""

    seconds: float = 0.0

    def wall(self) -> float:
        return NOW + self.seconds

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class Bench:
    """One host's store and its auditor. Each sealer stands for one worker process."""

    store: Store
    auditor: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    clock: Clock = field(default_factory=Clock)
    sealers: list[Sealer] = field(default_factory=list)

    def sealer(self, origin: str = ORIGIN) -> Sealer:
        made = Sealer(self.store, self.auditor.public_key(), origin, self.clock.wall, self.clock.monotonic)
        self.sealers.append(made)
        return made

    def open(
        self, sealed: Sealed, subject: str = "alice", request: str = "req_1", direction: Direction = "prompt"
    ) -> str:
        return Opener(self.store, self.auditor, ORIGIN).open(subject, request, direction, sealed).decode()

    def key_files(self, subject: str = "alice") -> list[Path]:
        return keys_of(self.store, subject_name(subject))
