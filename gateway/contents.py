"""What is kept of a prompt, an answer and withheld values at each level; `gateway.texts` ties it to a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from audit.contents.auditor import load_public
from audit.contents.sealer import Direction, Sealer
from audit.contents.store import create_store
from audit.digests import Digests, TextDigest, prompt_bytes
from audit.errors import ContentsUnavailable
from gateway.settings_audit import AuditSettings
from model_runtime.engine import Message
from policies.audit_rules import Level
from policies.filters.verdict import OnWithheld

RECORDED_TEXT: Final = 65_536  # characters of redacted text that one record may hold
SEALED_ANSWER: Final = 1 << 20  # characters of an answer that are kept in memory until it is sealed
MAX_WITHHELD: Final = 64  # distinct withheld values that one record names


@dataclass(frozen=True, slots=True)
class Keeper:
    """Digests for every deployment, and a sealer where it has a contents store."""

    digests: Digests
    sealer: Sealer | None = None

    def prompt(self, level: Level, messages: Sequence[Message], screened: Sequence[Message] | None) -> dict[str, Any]:
        """What a record says of a prompt, but for `sealed`. `screened` is what passed the filters, None for nothing."""
        chars = sum(len(message.content) for message in messages)
        content: dict[str, Any] = {"messages": len(messages), "chars": chars}
        if level is Level.NONE:
            return content
        content |= {"hmac": self.digests.prompt(pairs(messages)), "key": self.digests.id}
        if level is Level.REDACTED and screened is not None:
            whole = chars <= RECORDED_TEXT
            content |= {"whole": whole, "text": [[m.role, m.content] for m in screened] if whole else []}
        return content

    def answer(self, level: Level) -> Answer:
        """An answer that is about to stream."""
        return Answer(self.digests.completion(), self.digests.id, level)

    def withheld(self) -> Withheld:
        """The withheld values of one record, none yet."""
        return Withheld(self.digests)

    def prepare(self, subject: str) -> None:
        """Make sure, before the model is asked, that its answer can be sealed. Raises ContentsUnavailable."""
        self._sealer().prepare(subject)

    def seal(self, subject: str, request: str, direction: Direction, text: bytes) -> dict[str, Any]:
        """The member `sealed` of a record, once the text is durable. Raises ContentsUnavailable."""
        return dict(self._sealer().seal(subject, request, direction, text).fields())

    def close(self) -> None:
        """Forget the content keys."""
        if self.sealer is not None:
            self.sealer.close()

    def _sealer(self) -> Sealer:
        if self.sealer is None:
            raise ContentsUnavailable("this deployment has no contents store")
        return self.sealer


def open_keeper(settings: AuditSettings) -> Keeper:
    """The keeper of a deployment; its contents folder is created where it is missing.

    Raises ContentsUnavailable and KeyUnusable.
    """
    digests = Digests(settings.hmac_key)
    if settings.contents is None:
        return Keeper(digests)
    store = create_store(settings.contents.directory)
    return Keeper(digests, Sealer(store, load_public(settings.contents.auditor_key), settings.origin))


def pairs(messages: Sequence[Message]) -> list[tuple[str, str]]:
    """Messages as digests and seals take them."""
    return [(message.role, message.content) for message in messages]


def prompt_text(messages: Sequence[Message]) -> bytes:
    """What is sealed of a prompt: what its digest is over."""
    return prompt_bytes(pairs(messages))


@dataclass(slots=True)
class Answer:
    """What is kept of an answer while it streams: its size and digest, and its text where the level needs it."""

    digest: TextDigest
    key: str
    level: Level
    chars: int = 0
    text: list[str] = field(default_factory=list)

    def add(self, piece: str) -> None:
        """Note a piece that is about to leave."""
        room = max(0, self._kept() - self.chars)
        self.chars += len(piece)
        if self.level is Level.NONE:
            return
        self.digest.add(piece)
        kept = piece[:room] if self.level is Level.ENCRYPTED or len(piece) <= room else ""
        if kept:
            self.text.append(kept)

    def fields(self) -> dict[str, Any]:
        """What a record says of it, but for `sealed`."""
        if self.level is Level.NONE:
            return {"chars": self.chars}
        content: dict[str, Any] = {"chars": self.chars, "hmac": self.digest.hexdigest(), "key": self.key}
        if self.level is not Level.HASH:
            content["whole"] = self.chars <= self._kept()
        if self.level is Level.REDACTED:
            content["text"] = "".join(self.text)
        return content

    def sealable(self) -> bytes | None:
        """What is to be sealed of it, None for nothing."""
        if self.level is not Level.ENCRYPTED or not self.chars:
            return None
        return "".join(self.text).encode("utf-8", "surrogatepass")

    def _kept(self) -> int:
        return {Level.REDACTED: RECORDED_TEXT, Level.ENCRYPTED: SEALED_ANSWER}.get(self.level, 0)


class Withheld:
    """Keyed digests of the values that filters withheld: enough to find a value again, without the value."""

    __slots__ = ("_digests", "_found", "_more")

    def __init__(self, digests: Digests) -> None:
        self._digests = digests
        self._found: dict[tuple[str, str, str, str], None] = {}
        self._more = 0

    def noting(self, direction: Direction) -> OnWithheld:
        """A callback for the filters of one direction. Values behind the first 64 distinct ones are counted alone."""

        def note(filter_name: str, kind: str, value: str) -> None:
            if len(self._found) < MAX_WITHHELD:
                self._found[direction, filter_name, kind, self._digests.withheld(value)] = None
            else:
                self._more += 1

        return note

    def take(self) -> dict[str, Any]:
        """The members `withheld` and `withheld_more` of a record, and none of them a second time."""
        found = [
            {"direction": direction, "filter": name, "type": kind, "hmac": digest, "key": self._digests.id}
            for direction, name, kind, digest in self._found
        ]
        more, self._more = self._more, 0
        self._found.clear()
        return {"withheld": found or None, "withheld_more": more or None}
