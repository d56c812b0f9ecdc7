"""What the auditor holds: the private key, and with it every text whose key was not erased."""

import hashlib
import os
import re
from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from audit.contents import envelope, keyfiles
from audit.contents.envelope import TextPlace
from audit.contents.sealer import Direction, Sealed
from audit.contents.store import Store, open_file
from audit.contents.textfiles import SUFFIX
from audit.errors import ContentsUnreadable

MAX_TEXT: Final = 256 << 20  # bytes of a sealed text; no request body may be as long
_TYPES: Final = {"key": str, "file": str, "offset": int, "bytes": int, "sha256": str}
_FILE: Final = re.compile(r"[0-9]{8}-[0-9a-f]{16}" + re.escape(SUFFIX))
_HEX_KEY: Final = re.compile(r"[0-9a-f]{32}")


class Opener:
    """Opens the texts that records of one log refer to."""

    def __init__(self, store: Store, auditor: X25519PrivateKey, origin: str) -> None:
        self._store = store
        self._auditor = auditor
        self._origin = origin

    def open(self, subject: str, request: str, direction: Direction, sealed: Sealed) -> bytes:
        """The text. Raises `ContentsUnreadable` unless all of this holds:

        1. the stored bytes are those that the record names by their SHA-256;
        2. the subject's key is in the store, in a file of its own name, and belongs to this log and subject;
        3. it was wrapped to this auditor, for that very place;
        4. the text was sealed under it, for this request and direction.
        """
        stored = self._stored(sealed)
        if hashlib.sha256(stored).hexdigest() != sealed.sha256:
            raise ContentsUnreadable(f"{sealed.file}: not the bytes that the record names")
        name = envelope.subject_name(subject)
        held = keyfiles.read(keyfiles.path_of(self._store, name, sealed.key))
        if held.place.origin != self._origin:
            raise ContentsUnreadable(f"{sealed.file}: the key is of another log")
        content_key = envelope.unwrap(held.wrapped, self._auditor, held.place.info())
        return envelope.unseal(content_key, stored, TextPlace(self._origin, request, direction, name, sealed.key))

    def _stored(self, sealed: Sealed) -> bytes:
        file = self._store.texts / sealed.file
        try:
            with os.fdopen(open_file(file, os.O_RDONLY), "rb", buffering=0) as stream:
                stored = os.pread(stream.fileno(), sealed.bytes, sealed.offset)
        except FileNotFoundError as error:
            raise ContentsUnreadable(f"{sealed.file}: the file is gone") from error
        except OSError as error:
            raise ContentsUnreadable(f"{sealed.file}: cannot be read: {error.strerror or error}") from error
        if len(stored) != sealed.bytes:
            raise ContentsUnreadable(f"{sealed.file}: ends before the text does")
        return stored


def read_sealed(value: object) -> Sealed:
    """The member `sealed` of a record. Raises `ContentsUnreadable` where it is not one."""
    if not isinstance(value, Mapping) or {name: type(member) for name, member in value.items()} != _TYPES:
        raise ContentsUnreadable("the record's `sealed` is not understood")
    sealed = Sealed(**value)
    if not (_FILE.fullmatch(sealed.file) and _HEX_KEY.fullmatch(sealed.key)):  # both become parts of paths
        raise ContentsUnreadable("the record's `sealed` names what is no file of a store")
    if not (0 <= sealed.offset < 1 << 53 and envelope.OVERHEAD <= sealed.bytes <= MAX_TEXT):
        raise ContentsUnreadable("the record's `sealed` has an impossible size or place")
    return sealed
