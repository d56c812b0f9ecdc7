"""Cosignatures: a witness says that a checkpoint continues every earlier one of that log which it has seen.

https://c2sp.org/tlog-cosignature, the Ed25519 type `cosignature/v1` (key type 0x04), in signed notes as
https://c2sp.org/signed-note has them. Standard library and `cryptography` only: the verifier stands on this.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.errors import KeyUnusable, NotCanonical

MAX_NOTE = 1 << 16  # bytes; the specification asks for room for 16 signatures at least
_ALGORITHM = b"\x04"  # timestamped Ed25519 cosignature in C2SP key ids
_BLOB = 4 + 8 + 64  # key id, time, signature
_MAX_TIME = (1 << 63) - 1
_NAME = re.compile(r"[^\s+\x00-\x20\x7f]{1,128}")
_SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A signed note taken apart, nothing verified. `text` ends in LF; a signature is (name, key id and rest)."""

    text: str
    signatures: tuple[tuple[str, bytes], ...]


class WitnessKey:
    """The public key of one witness under its name."""

    __slots__ = ("id", "name", "public", "vkey")

    def __init__(self, name: str, public: Ed25519PublicKey) -> None:
        """Raise `NotCanonical` for a name that cannot stand in a signature line."""
        if not _NAME.fullmatch(name):
            raise NotCanonical("the name of a witness is 1 to 128 characters without spaces, `+` and controls")
        raw = _ALGORITHM + public.public_bytes_raw()
        self.name = name
        self.public = public
        self.id = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        self.vkey = f"{name}+{self.id.hex()}+{base64.b64encode(raw).decode()}"

    def cosigned(self, text: str, blob: bytes) -> int | None:
        """The time (seconds since 1970) of the cosignature `blob` over `text`; None where it is not this key's."""
        time = int.from_bytes(blob[4:12], "big")
        if len(blob) != _BLOB or blob[:4] != self.id or not 0 < time <= _MAX_TIME:
            return None
        try:
            self.public.verify(blob[12:], _message(text, time))
        except InvalidSignature:
            return None
        return time


class Cosigner:
    """The private key of one witness. Signing is deterministic."""

    __slots__ = ("_private", "key")

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.key = WitnessKey(name, private.public_key())

    def line(self, text: str, time: int) -> str:
        """The signature line, with its LF, for a checkpoint's text at `time` (seconds since 1970, from 1)."""
        if not 0 < time <= _MAX_TIME:
            raise ValueError("a cosignature has a time from 1 to 2^63 - 1")
        blob = self.key.id + time.to_bytes(8, "big") + self._private.sign(_message(text, time))
        return f"— {self.key.name} {base64.b64encode(blob).decode()}\n"


def parse_witness_key(line: str) -> WitnessKey:
    """The key of a verifier key line, `name+id+base64`, of type 0x04. Raises `KeyUnusable`."""
    parts = line.strip().split("+", 2)
    blob = _decoded(parts[2]) if len(parts) == 3 else None
    if blob is None or len(blob) != 33:
        raise KeyUnusable("not an Ed25519 verifier key line of a witness (`name+id+base64`)")
    if blob[:1] != _ALGORITHM:
        raise KeyUnusable(f"key type 0x{blob[0]:02x} in the verifier key line: a witness's is 0x04 (cosignature/v1)")
    try:
        key = WitnessKey(parts[0], Ed25519PublicKey.from_public_bytes(blob[1:]))
    except (NotCanonical, ValueError) as error:
        raise KeyUnusable(f"verifier key line of a witness: {error}") from error
    if key.id.hex() != parts[1]:
        raise KeyUnusable("the id in the verifier key line of a witness does not fit its name and key")
    return key


def parse_signed_note(note: str) -> SignedNote:
    """Text and signature lines of a note. Raises `NotCanonical`."""
    text, blank, rows = note.rpartition("\n\n")
    if len(note) > MAX_NOTE or not blank or not text or _CONTROL.search(note):
        raise NotCanonical("not a signed note (https://c2sp.org/signed-note)")
    return SignedNote(text + "\n", signature_lines(rows))


def signature_lines(rows: str) -> tuple[tuple[str, bytes], ...]:
    """One or more signature lines, each with its LF: names, and what is signed. Raises `NotCanonical`."""
    if not rows.endswith("\n"):
        raise NotCanonical("not signature lines of a note (https://c2sp.org/signed-note)")
    signatures = []
    for row in rows[:-1].split("\n"):
        match = _SIGNATURE.fullmatch(row)
        blob = _decoded(match[2]) if match else None
        if match is None or blob is None or len(blob) < 5:
            raise NotCanonical("not a signature line of a note (https://c2sp.org/signed-note)")
        signatures.append((match[1], blob))
    return tuple(signatures)


def cosignature_times(note: SignedNote, keys: Iterable[WitnessKey]) -> Mapping[str, int]:
    """The vkey of each of these witnesses that cosigned the note, and when it last did (seconds since 1970).

    Lines of other keys are passed over. Raises `NotCanonical` where a line names one of the keys and is not its
    signature: such a note is malformed as a whole.
    """
    times: dict[str, int] = {}
    for key in keys:
        for name, blob in note.signatures:
            if name != key.name or blob[:4] != key.id:
                continue
            time = key.cosigned(note.text, blob)
            if time is None:
                raise NotCanonical(f"the cosignature of `{key.name}` is not over this checkpoint")
            times[key.vkey] = max(time, times.get(key.vkey, 0))
    return times


def require_cosigned(note: str, keys: Iterable[WitnessKey]) -> Mapping[str, int]:
    """The times as `cosignature_times` has them. Raises `NotCanonical` unless every one of the witnesses cosigned."""
    keys = tuple(keys)
    times = cosignature_times(parse_signed_note(note), keys)
    for key in keys:
        if key.vkey not in times:
            raise NotCanonical(f"not cosigned by the witness `{key.name}`")
    return times


def _message(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _decoded(text: str) -> bytes | None:
    """The bytes of strict base64: spare bits would let a byte change unseen."""
    try:
        blob = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return blob if base64.b64encode(blob).decode() == text else None
