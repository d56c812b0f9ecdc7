"""The chain of segments: number, key and end of each, and the hand-over from one key to the next.

Why one trusted key suffices where a log has several: the lines before a checkpoint of that key are covered by its
root, whoever signed them at the time; the lines behind it are signed by the same key, or by one that it vouched for in
a signed `end`. A key that is merely named proves nothing, so only a verified checkpoint makes the chain trusted.
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.bodies import Claims, ending, header
from audit.checkpoint import LogKey
from audit.errors import NotCanonical
from audit.merkle import Tree

SEGMENT_NAME = "{:012d}.log"


class Chain:
    """What the `hdr` and `end` lines so far say. `origin` None: the first `hdr` says what the log is called."""

    __slots__ = ("_public", "ended", "following", "keys", "number", "origin", "trusted")

    def __init__(self, public: Ed25519PublicKey, origin: str | None) -> None:
        self._public = public
        self.origin = origin
        self.keys: tuple[LogKey, ...] = ()  # of the segments, in the order of their turns
        self.following: LogKey | None = None  # of the next one, where the newest handed the log over
        self.number = 0  # of the newest segment, from 1
        self.ended = ""  # why the newest segment ended, if it did
        self.trusted = False  # a checkpoint of the given key was verified

    @property
    def key(self) -> LogKey | None:
        """The key of the newest segment."""
        return self.keys[-1] if self.keys else None

    def copy(self) -> "Chain":
        """An independent chain in the same state."""
        twin = Chain(self._public, self.origin)
        twin.keys, twin.following, twin.number = self.keys, self.following, self.number
        twin.ended, twin.trusted = self.ended, self.trusted
        return twin

    def verified(self, key: LogKey) -> None:
        """The signature of a checkpoint under `key` is good."""
        self.trusted = self.trusted or key.public == self._public

    def take_header(self, claim: Claims, body: bytes, tree: Tree, file: str) -> None:
        """The `hdr` of the file, behind the lines of `tree`. Raises `NotCanonical` where it does not go on from there.

        Number and key of the first one are taken as they stand: they are what the log begins with.
        """
        if claim.origin != (self.origin or claim.origin):
            raise NotCanonical(f"this log is `{claim.origin}`, not `{self.origin}`")
        expected = self.following or self.key or LogKey(self.origin or claim.origin, claim.key.public)
        if claim.key.vkey != expected.vkey:
            raise NotCanonical(f"the key must be `{expected.vkey}` here")
        self.number = self.number + 1 if self.number or not tree.size else claim.number
        if body != header(expected, self.number, tree):
            raise NotCanonical("this `hdr` does not continue the log before it")
        if file[:12] != SEGMENT_NAME.format(tree.size)[:12]:
            raise NotCanonical("the file is not named after the index of its first line")
        if self.key is None or self.following is not None:
            self.keys = (*self.keys, expected)
        self.following, self.ended, self.origin = None, "", expected.origin

    def take_end(self, body: bytes) -> None:
        """The `end` of the newest segment. Raises `NotCanonical`."""
        self.ended, self.following = ending(body)
        if self.following is not None and self.key is not None:
            same_origin, same_key = self.following.origin == self.key.origin, self.following.public == self.key.public
            if same_key or not same_origin:
                raise NotCanonical("a log is handed over to another key of the same origin")
