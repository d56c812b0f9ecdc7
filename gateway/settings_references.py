"""What every section of `hangu.yaml` refers to: paths beside the file, and secrets that are never in it."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from policies.source import Fields


@dataclass(frozen=True, slots=True)
class References:
    """Follows the references of one file. What cannot be followed becomes a problem at the key that made it."""

    file: Path
    environ: Mapping[str, str]

    def path(self, fields: Fields, key: str) -> Path:
        """A path relative to the file, absolute; the file's folder when the key is absent."""
        text = fields.string(key)
        return self.resolve(text) if text else self.file.parent

    def resolve(self, text: str) -> Path:
        """The absolute path that `text` means in this file. Links in a circle are left to whoever opens it."""
        return Path(os.path.realpath(self.file.parent / text))

    def secret(self, fields: Fields, key: str, minimum: int) -> bytes:
        """The secret behind `env:NAME` or `file:PATH`, at least `minimum` bytes long."""
        secret = self.secret_text(fields, key).encode("utf-8", "surrogateescape")  # a variable may hold any bytes
        if key in fields and len(secret) < minimum:
            fields.fail(key, f"the secret behind `{key}` has {len(secret)} bytes, at least {minimum} are needed")
        return secret

    def secret_text(self, fields: Fields, key: str) -> str:
        """The secret as text, without the white space around it; empty where it cannot be had."""
        reference = fields.string(key)
        kind, _, rest = reference.partition(":")
        if kind == "env" and rest:
            if not self.environ.get(rest):
                fields.fail(key, f"the environment has no `{rest}`")
            return self.environ.get(rest, "")
        if kind == "file" and rest:
            return self._secret_file(fields, key, self.file.parent / rest)
        if key in fields and reference:
            fields.fail(key, f"`{key}` must be `env:NAME` or `file:PATH`; a secret is never written here")
        return ""

    def _secret_file(self, fields: Fields, key: str, path: Path) -> str:
        try:
            if path.stat().st_mode & 0o077:
                fields.fail(key, f"`{path}` can be read by others; set its mode to 0600")
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            fields.fail(key, f"`{path}` cannot be read")
            return ""


def is_http_url(text: str) -> bool:
    """Whether this is an http or https URL with a host, and without user, query or fragment."""
    return has_host(text, ("http", "https")) and not re.search("[?#]", text)


def has_host(text: str, schemes: Collection[str]) -> bool:
    """Whether this is a URL of one of these schemes with a host and, if any, a port that can be; without a user."""
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return False
