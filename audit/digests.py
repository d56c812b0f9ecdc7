"""Keyed digests of prompts, answers and withheld values: what can be searched for without being stored.

    digests = Digests(key)
    digests.prompt([("user", "你好")])             # what `prompt.hmac` of a record holds
    digests.withheld("4111 1111-1111 1111")        # what `withheld[].hmac` holds, however the number was written

Each is HMAC-SHA-256 (RFC 2104) in hex over a word of its own, one LF, and the text, so that a digest of one kind can
never pass for another. Records carry the key's id as `hmac_key`. Whoever has the key can confirm a guess, and a card
number has few enough values to try them all: the key is worth as much as the values themselves.
"""

import hmac
import os
import stat
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import orjson

from audit.errors import KeyUnusable

MIN_KEY = 32  # bytes; RFC 2104 section 3: less than the hash's length weakens the digest
_MAX_KEY_FILE = 4096
_SIGNIFICANT = 1024  # characters of a normalised value that count; filters hand over a prefix of what is longer


class TextDigest:
    """The digest of a text that arrives in pieces: of the whole text, however it was cut."""

    __slots__ = ("_mac",)

    def __init__(self, key: bytes, kind: bytes) -> None:
        self._mac = hmac.new(key, kind + b"\n", "sha256")

    def add(self, piece: str) -> None:
        """Go on with the next piece."""
        self._mac.update(piece.encode("utf-8", "surrogatepass"))

    def hexdigest(self) -> str:
        """The digest of everything so far."""
        return self._mac.hexdigest()


class Digests:
    """All digests under one key of at least 32 bytes."""

    __slots__ = ("_key", "id")

    def __init__(self, key: bytes) -> None:
        """Raises `KeyUnusable` for a shorter key. `id` names the key and says nothing about it."""
        if len(key) < MIN_KEY:
            raise KeyUnusable(f"a digest key has at least {MIN_KEY} bytes, this one {len(key)}")
        self._key = key
        self.id = self._digest(b"key-id", b"")[:16]

    def prompt(self, messages: Iterable[tuple[str, str]]) -> str:
        """Of the messages of a prompt, (role, content) each, as they were sent."""
        return self._digest(b"prompt", prompt_bytes(messages))

    def completion(self) -> TextDigest:
        """Of an answer as it left, piece by piece."""
        return TextDigest(self._key, b"completion")

    def withheld(self, value: str) -> str:
        """Of a value that a filter withheld, or of one to look for: equal for all spellings of `normalise`."""
        return self._digest(b"withheld", normalise(value).encode("utf-8", "surrogatepass"))

    def sealed(self, direction: str, text: bytes) -> str:
        """Of a sealed text after it was opened: `prompt` or `completion`, equal to `hmac` beside it in the record."""
        return self._digest(direction.encode(), text)

    def _digest(self, kind: bytes, data: bytes) -> str:
        return hmac.digest(self._key, kind + b"\n" + data, "sha256").hex()


def prompt_bytes(messages: Iterable[tuple[str, str]]) -> bytes:
    """The one spelling of a prompt: JSON `[[role, content], …]` in UTF-8 without spaces."""
    return orjson.dumps([[role, content] for role, content in messages])


def normalise(value: str) -> str:
    """A value as it is compared: letters and digits alone, without case and accents, digits of any script as ASCII.

    `4111 1111 1111 1111`, `4111-1111-…` and `４１１１…` are one. What has neither letter nor digit stays itself.
    """
    plain = unicodedata.normalize("NFKD", value).casefold()
    kept = "".join(str(unicodedata.digit(c, c)) for c in plain if c.isalnum())
    return (kept or plain)[:_SIGNIFICANT]


def load_digests(file: Path) -> Digests:
    """The digests under the key in a file, whose text without white space at both ends is the key.

    Raises `KeyUnusable`, also where the group or others may read the file.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            data = stream.read(_MAX_KEY_FILE + 1) if stat.S_ISREG(status.st_mode) else None
    except (OSError, ValueError) as error:
        raise KeyUnusable(f"{file}: cannot be read: {error}") from error
    if data is None or len(data) > _MAX_KEY_FILE:
        raise KeyUnusable(f"{file}: not a file of at most {_MAX_KEY_FILE} bytes")
    if status.st_mode & 0o077:
        raise KeyUnusable(f"{file}: can be read by others; set its mode to 0600")
    try:
        return Digests(data.decode("utf-8").strip().encode())
    except (UnicodeDecodeError, KeyUnusable) as error:
        raise KeyUnusable(f"{file}: not a digest key: {error}") from error
