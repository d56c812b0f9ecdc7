"""What a worker serves with, written into the log before its first request.

Configuration, clients and issuers' keys by digests that show a change and give nothing away; policy with its whole
text, so that the rule that decided can be shown as it was. Everything here raises what `emit` raises.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any, Final

from gateway import __version__
from gateway.fingerprint import Fingerprint
from gateway.identity.clients import Client
from gateway.settings import Settings
from policies.bundle import Bundle

Emit = Callable[..., object]

PART: Final = 65_536  # characters: at most 256 KiB of text, and below a record's limit however it is escaped
_CLIENTS: Final = 200  # in one record


def record_configuration(emit: Emit, settings: Settings) -> None:
    """Which `hangu.yaml` is in force: its digest, and what decides how many requests are served at a time."""
    emit(
        "configuration.loaded",
        version=__version__,
        sha256=settings.digest,
        workers=settings.workers,
        threads=settings.threads,
    )


def record_policy(emit: Emit, bundle: Bundle) -> None:
    """The text of every file of the bundle, then that it is in force."""
    for path, content in sorted(bundle.files.items()):
        pieces = _pieces(content.decode("utf-8"))
        for number, text in enumerate(pieces, 1):
            emit("policy.file", bundle=bundle.digest, path=path, part=number, parts=len(pieces), text=text)
    files = [
        {"path": path, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for path, content in sorted(bundle.files.items())
    ]
    emit("policy.activated", bundle=bundle.digest, name=bundle.name, version=bundle.version, files=files)


def record_clients(emit: Emit, clients: Iterable[Client], fingerprint: Fingerprint) -> None:
    """Every client of the embedded authorization server. A new secret shows as a new fingerprint."""
    rows = [_client(each, fingerprint) for each in clients]
    parts = [rows[start : start + _CLIENTS] for start in range(0, len(rows), _CLIENTS)] or [[]]
    for number, part in enumerate(parts, 1):
        emit("clients.loaded", part=number, parts=len(parts), clients=part)


def _client(client: Client, fingerprint: Fingerprint) -> dict[str, Any]:
    return {
        "id": client.client_id,
        "roles": list(client.roles),
        "scopes": list(client.scopes),
        "secret": fingerprint("client", client.secret_hash.encode()),
    } | ({"audience": client.audience} if client.audience else {})


def _pieces(text: str) -> list[str]:
    return [text[start : start + PART] for start in range(0, len(text), PART)] or [""]
