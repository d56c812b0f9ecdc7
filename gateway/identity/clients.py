"""clients.yaml: the machines that may get tokens from the embedded authorization server.

    clients:
      - client_id: report-bot
        secret_hash: "sha256:9f86d0…"        # gateway.identity.clients.hash_secret(secret)
        roles: [user]
        scopes: [chat]                       # optional: what the client may ask for
        audience: https://other.example      # optional: in place of the deployment's audience

Secrets are generated here, 256 random bits each, so a plain SHA-256 is the right hash: slow hashes protect secrets that
people choose. The file holds no secret and may be readable; whoever can write it makes clients, so a file that everyone
can write to is refused. A client id becomes a token's subject, so it shares one name space with account names.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from policies.names import ROLE_PATTERN
from policies.node import Fields, Node
from policies.source import MAX_BYTES, Location, Problems, parse_yaml

CLIENT_ID: Final = r"[a-z0-9][a-z0-9._-]{0,63}"
SCOPE: Final = r"[\x21\x23-\x5b\x5d-\x7e]{1,64}"  # RFC 6749 §3.3
_HASH: Final = r"sha256:[0-9a-f]{64}"
_MIN_SECRET: Final = 32
_MAX_SECRET: Final = 256


@dataclass(frozen=True, slots=True)
class Client:
    """One registered client. `secret_hash` is `sha256:` and 64 hexadecimal digits; no `audience` means the default."""

    client_id: str
    secret_hash: str = field(repr=False)
    roles: tuple[str, ...]
    scopes: tuple[str, ...] = ()
    audience: str | None = None


class ClientRegistry:
    """The clients by id, immutable. Raises ValueError when an id stands twice."""

    def __init__(self, clients: Iterable[Client]) -> None:
        listed = tuple(clients)
        self._by_id = {client.client_id: client for client in listed}
        if len(self._by_id) != len(listed):
            raise ValueError("a client id stands twice")
        self._nobody = Client("", hash_secret(generate_secret()), ())  # its secret is already forgotten

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Client]:
        return iter(self._by_id.values())

    def verify(self, client_id: str, secret: str) -> Client | None:
        """The client that this secret proves, or None. An unknown id costs the same work as a wrong secret."""
        client = self._by_id.get(client_id, self._nobody)
        return client if hmac.compare_digest(_digest(secret), client.secret_hash) else None


def generate_secret() -> str:
    """A new client secret of 256 random bits; the prefix lets scanners find it in a repository."""
    return f"hangu_{secrets.token_urlsafe(32)}"


def hash_secret(secret: str) -> str:
    """What clients.yaml holds for a secret. Raises ValueError for one that cannot be random enough."""
    if not _MIN_SECRET <= len(secret) <= _MAX_SECRET:
        raise ValueError(f"a client secret must have {_MIN_SECRET} to {_MAX_SECRET} characters")
    return _digest(secret)


def load_clients(path: Path) -> ClientRegistry:
    """Read clients.yaml. Raises SourceError with every mistake, its place included."""
    problems = Problems()
    start = Location(path.name, 1, 1)
    data = b""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & stat.S_IWOTH:
                problems.add(start, "everyone can write to this file; take that right away")
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        problems.add(start, f"cannot be read: {error.strerror}")
    problems.raise_if_any()
    return read_clients(data, path.name)


def read_clients(data: bytes, file: str) -> ClientRegistry:
    """The registry in the text of clients.yaml. Raises SourceError with every mistake, its place included."""
    problems = Problems()
    root = parse_yaml(data, file, problems)
    clients = _clients(root, problems) if root is not None else []
    problems.raise_if_any()
    return ClientRegistry(clients)


def _clients(root: Node, problems: Problems) -> list[Client]:
    clients: list[Client] = []
    seen: dict[str, Location] = {}
    for node in root.mapping(["clients"]).nodes("clients"):
        client = _client(node)
        if client.client_id in seen:
            problems.add(node.location, f"client `{client.client_id}` stands on line {seen[client.client_id].line} too")
        elif client.client_id:
            seen[client.client_id] = node.location
        clients.append(client)
    return clients


def _client(node: Node) -> Client:
    fields = node.mapping(["client_id", "secret_hash", "roles"], ["scopes", "audience"])
    return Client(
        client_id=fields.string("client_id", pattern=CLIENT_ID),
        secret_hash=_secret_hash(fields),
        roles=fields.strings("roles", pattern=ROLE_PATTERN),
        scopes=fields.strings("scopes", pattern=SCOPE, empty=True),
        audience=fields.string("audience", max_length=512) or None,
    )


def _secret_hash(fields: Fields) -> str:
    """Its message shows nothing of the value: a secret may have been written where its hash belongs."""
    node = fields.node("secret_hash")
    if node is None or (isinstance(node.value, str) and re.fullmatch(_HASH, node.value)):
        return fields.string("secret_hash")
    fields.fail("secret_hash", "`secret_hash` must be `sha256:` and 64 hexadecimal digits")
    return ""


def _digest(secret: str) -> str:
    return f"sha256:{hashlib.sha256(secret.encode('utf-8', 'surrogatepass')).hexdigest()}"
