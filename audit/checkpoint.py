"""A checkpoint: origin, size and root of the tree, signed with Ed25519 as a C2SP signed note.

Text as https://c2sp.org/tlog-checkpoint, signature line and key ids as https://c2sp.org/signed-note.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.errors import KeyUnusable, NotCanonical

SIGNATURE_CHARS = 92  # base64 of 4 bytes of key id and 64 of signature
_ALGORITHM = b"\x01"  # Ed25519 in C2SP key ids
_ORIGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}")
_NOTE = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n\n((?:— [^ \n]+ [A-Za-z0-9+/=]+\n)+)")
_SIGNATURE = re.compile(r"— ([^ \n]+) ([A-Za-z0-9+/=]+)\n")


def check_origin(origin: str) -> str:
    """`origin` itself. Raises `NotCanonical` unless it is a name that needs no escaping anywhere."""
    if not _ORIGIN.fullmatch(origin):
        raise NotCanonical("an origin is 1 to 128 of `A-Z a-z 0-9 . _ / -`, starting with a letter or digit")
    return origin


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a signature of the log says: the tree of `origin` had this root when it held `size` leaves."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The signed text, as C2SP tlog-checkpoint has it."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    def note(self, signature: str) -> str:
        """The signed note around the text; `signature` is base64 of key id and signature."""
        return f"{self.text()}\n— {self.origin} {signature}\n"


class LogKey:
    """The public key of one log under its origin."""

    __slots__ = ("id", "origin", "public", "vkey")

    def __init__(self, origin: str, public: Ed25519PublicKey) -> None:
        raw = _ALGORITHM + public.public_bytes_raw()
        self.public = public
        self.origin = check_origin(origin)
        self.id = hashlib.sha256(origin.encode() + b"\n" + raw).digest()[:4]
        self.vkey = f"{origin}+{self.id.hex()}+{base64.b64encode(raw).decode()}"

    def signed(self, text: str, signature: str) -> bool:
        """Whether `signature` (base64 of key id and Ed25519 signature) is this key's over `text`.

        The base64 must be the one canonical spelling: spare bits would let a byte change unseen.
        """
        blob = _strict_base64(signature)
        if blob is None or len(blob) != 68 or blob[:4] != self.id:
            return False
        try:
            self.public.verify(blob[4:], text.encode())
        except InvalidSignature:
            return False
        return True


class Signer:
    """The private key of one log. Signing is deterministic."""

    __slots__ = ("_private", "key")

    def __init__(self, origin: str, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.key = LogKey(origin, private.public_key())

    def sign(self, size: int, root: bytes) -> str:
        """The signed note for a tree of `size` leaves with this root."""
        checkpoint = Checkpoint(self.key.origin, size, root)
        return checkpoint.note(self.signature(checkpoint.text()))

    def signature(self, text: str) -> str:
        """Base64 of key id and signature, as a line of a signed note over `text` has it."""
        return base64.b64encode(self.key.id + self._private.sign(text.encode())).decode()


def parse_vkey(line: str) -> LogKey:
    """The key of a C2SP verifier key line, `name+id+base64`. Raises `KeyUnusable`."""
    parts = line.strip().split("+", 2)
    blob = _strict_base64(parts[2]) if len(parts) == 3 else None
    if blob is None or len(blob) != 33 or blob[:1] != _ALGORITHM:
        raise KeyUnusable("not an Ed25519 verifier key line (`name+id+base64`)")
    try:
        key = LogKey(parts[0], Ed25519PublicKey.from_public_bytes(blob[1:]))
    except (NotCanonical, ValueError) as error:
        raise KeyUnusable(f"verifier key line: {error}") from error
    if key.id.hex() != parts[1]:
        raise KeyUnusable("the id in the verifier key line does not fit its name and key")
    return key


def parse_note(note: str) -> tuple[Checkpoint, tuple[str, ...]]:
    """A note's checkpoint and the signatures under the checkpoint's own origin. Raises `NotCanonical`.

    Signature lines under other names (witnesses) are allowed and left out.
    """
    match = _NOTE.fullmatch(note)
    root = _strict_base64(match[3]) if match else None
    if match is None or root is None:
        raise NotCanonical("not a checkpoint note (https://c2sp.org/tlog-checkpoint)")
    origin = check_origin(match[1])
    signatures = tuple(value for name, value in _SIGNATURE.findall(match[4]) if name == origin)
    return Checkpoint(origin, int(match[2]), root), signatures


def _strict_base64(text: str) -> bytes | None:
    try:
        blob = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return blob if base64.b64encode(blob).decode() == text else None
