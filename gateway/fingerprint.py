"""Names for secrets in records: equal for equal secrets, and without the deployment's key no help in guessing one."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final

Fingerprint = Callable[[str, bytes], str]
_LENGTH: Final = 32  # hexadecimal digits: 128 bits


def fingerprints(key: bytes) -> Fingerprint:
    """`fingerprint(kind, secret)` under `key`. Secrets of different kinds never share a name."""

    def fingerprint(kind: str, secret: bytes) -> str:
        return hmac.new(key, b"fingerprint\n" + kind.encode() + b"\n" + secret, "sha256").hexdigest()[:_LENGTH]

    return fingerprint
