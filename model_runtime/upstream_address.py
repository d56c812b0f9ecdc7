"""Where a model server listens, read from its base URL."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from model_runtime.engine import EngineError


@dataclass(frozen=True, slots=True)
class Address:
    """Where a model server listens. `path` starts with `/` and has no slash at its end, or is empty."""

    tls: bool
    host: str
    port: int
    path: str


def parse_address(base_url: str) -> Address:
    """Read `http://host:port/v1`. Raises EngineError for anything that is not a plain http or https address."""
    try:
        url = urlsplit(base_url)
        port = url.port
    except ValueError as error:
        raise EngineError(f"`{base_url}` is not a URL") from error
    if not base_url.isascii() or not base_url.isprintable() or " " in base_url:
        raise EngineError("the base URL may hold printable ASCII characters only")
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise EngineError(f"`{base_url}` is not an http or https URL with a host")
    if url.username is not None or url.password is not None:
        raise EngineError("the base URL may not carry a user or password; use an API key")
    if url.query or url.fragment:
        raise EngineError(f"`{base_url}` may not carry a query or fragment")
    tls = url.scheme == "https"
    return Address(tls, url.hostname, port or (443 if tls else 80), url.path.rstrip("/"))
