"""`hangu.yaml` → frozen settings: what belongs to one deployment, as opposed to the policy bundle.

Paths are relative to the file. Secrets are never in the file: `env:NAME` and `file:PATH` say where they are. Every
mistake of the file is reported in one run as `file:line:column: message`.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from gateway.address import Network
from gateway.settings_audit import AuditSettings, LogSettings, read_audit, read_log
from gateway.settings_models import ModelSettings, read_models
from gateway.settings_references import References, is_http_url
from policies.source import Fields, Location, Node, Problem, Problems, SourceError, parse_yaml

_T = TypeVar("_T")
_HOST_PORT = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^:\s/]+):(?P<port>[0-9]{1,5})")
_DEFAULT_GRACE = 30
_CLIENT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class OAuthSettings:
    """The embedded authorization server."""

    issuer: str
    signing_key: Path
    clients: Path


@dataclass(frozen=True, slots=True)
class IssuerSource:
    """Where the keys of one issuer of identity.yaml come from."""

    secret: bytes | None = None
    jwks_file: Path | None = None
    jwks_uri: str | None = None
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Limits and allow-lists of the HTTP edge."""

    cors_origins: tuple[str, ...]
    hosts: tuple[str, ...]
    trusted_proxies: tuple[Network, ...]
    max_body: int
    client_seconds: float


@dataclass(frozen=True, slots=True)
class Settings:
    """One deployment, checked. `source` is the file it was read from, `digest` the SHA-256 of its bytes in hex."""

    source: Path
    digest: str
    bind: str
    workers: int
    threads: int
    grace: int
    bundle: Path
    models: tuple[ModelSettings, ...]
    audit: AuditSettings
    oauth: OAuthSettings | None
    issuers: Mapping[str, IssuerSource]
    limit_storage: str
    http: HttpSettings


def load_settings(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the file named by `path`, or by HANGU_CONFIG. Raises SourceError with every problem found."""
    return _load(path, environ, lambda node, references, digest: _Reader(references).settings(node, digest))


def load_log_settings(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> LogSettings:
    """What the same file says of the log, for a reader who may have none of its secrets. Raises SourceError."""

    def read(root: Node, references: References, _: str) -> LogSettings:
        entries = {entry.key: entry.value for entry in root.entries()}
        if "audit" not in entries:
            root.fail("missing key `audit`")
        return read_log(entries.get("audit", root), references)

    return _load(path, environ, read)


def _load(path: Path | None, environ: Mapping[str, str], read: Callable[[Node, References, str], _T]) -> _T:
    named = path or (Path(environ["HANGU_CONFIG"]) if environ.get("HANGU_CONFIG") else None)
    if named is None:
        place = Location("hangu.yaml", 1, 1)
        raise SourceError([Problem(place, "no configuration: set HANGU_CONFIG or pass --config")])
    problems = Problems()
    try:
        data = named.read_bytes()
    except OSError as error:
        raise SourceError([Problem(Location(str(named), 1, 1), f"cannot be read: {error.strerror}")]) from error
    root = parse_yaml(data, str(named), problems)
    digest = hashlib.sha256(data).hexdigest()
    found = read(root, References(named.resolve(), environ), digest) if root is not None else None
    problems.raise_if_any()
    assert found is not None  # noqa: S101 - a document without problems has a root
    return found


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the sections of one file; every mistake becomes a problem of its node."""

    references: References

    def settings(self, node: Node, digest: str) -> Settings:
        fields = node.mapping(
            required=("bind", "bundle", "models", "audit"),
            optional=("workers", "threads", "grace_seconds", "oauth", "issuers", "limits", "http"),
        )
        workers = fields.integer("workers", 1, 64, default=1)
        oauth, issuers = fields.node("oauth"), fields.node("issuers")
        storage = self._limit_storage(fields, workers)
        return Settings(
            source=self.references.file,
            digest=digest,
            bind=self._bind(fields),
            workers=workers,
            threads=fields.integer("threads", 1, 512, default=32),
            grace=fields.integer("grace_seconds", 5, 3600, default=_DEFAULT_GRACE),
            bundle=self.references.path(fields, "bundle"),
            models=read_models(fields, self.references),
            audit=read_audit(fields.node("audit") or node, self.references),
            oauth=self._oauth(oauth) if oauth else None,
            issuers=self._issuers(issuers) if issuers else {},
            limit_storage=storage,
            http=self._http(fields.node("http")),
        )

    def _bind(self, fields: Fields) -> str:
        bind = fields.string("bind", "127.0.0.1:8000")
        match = _HOST_PORT.fullmatch(bind)
        if not match or int(match["port"]) > 65535:
            fields.fail("bind", "`bind` must be `host:port`, such as `127.0.0.1:8000`")
        return bind

    def _oauth(self, node: Node) -> OAuthSettings:
        fields = node.mapping(required=("issuer", "signing_key", "clients"))
        issuer = fields.string("issuer")
        if not _is_issuer(issuer):
            fields.fail("issuer", "`issuer` must be `https://host[:port]` (http only for this machine), without a path")
        return OAuthSettings(
            issuer, self.references.path(fields, "signing_key"), self.references.path(fields, "clients")
        )

    def _issuers(self, node: Node) -> dict[str, IssuerSource]:
        sources: dict[str, IssuerSource] = {}
        for entry in node.entries():
            fields = entry.value.mapping(optional=("secret", "jwks_file", "jwks_uri", "ca_file"))
            given = [key for key in ("secret", "jwks_file", "jwks_uri") if key in fields]
            if len(given) != 1:
                entry.value.fail("exactly one of `secret`, `jwks_file` and `jwks_uri` is needed")
            sources[entry.key] = IssuerSource(
                secret=self.references.secret(fields, "secret", 32) if "secret" in fields else None,
                jwks_file=self.references.path(fields, "jwks_file") if "jwks_file" in fields else None,
                jwks_uri=fields.string("jwks_uri") or None,
                ca_file=self.references.path(fields, "ca_file") if "ca_file" in fields else None,
            )
        return sources

    def _limit_storage(self, fields: Fields, workers: int) -> str:
        node = fields.node("limits")
        inner = node.mapping(optional=("storage",)) if node else None
        storage = inner.string("storage", "memory://") if inner else "memory://"
        if not re.match(r"(memory|redis|rediss|redis\+unix|valkey|valkeys)://", storage):
            fields.fail("limits", "`storage` must be `memory://` or a `redis://` or `valkey://` URL")
        elif storage.startswith("memory://") and workers > 1:
            fields.fail(
                "workers",
                f"{workers} workers cannot share limits kept in memory; set `limits: {{storage: redis://host:6379}}` "
                "or `workers: 1`",
            )
        return storage

    def _http(self, node: Node | None) -> HttpSettings:
        if node is None:
            return HttpSettings((), (), (), 1 << 20, _CLIENT_SECONDS)
        fields = node.mapping(optional=("cors_origins", "hosts", "trusted_proxies", "max_body_bytes", "client_seconds"))
        return HttpSettings(
            cors_origins=fields.strings("cors_origins", pattern=r"https?://[A-Za-z0-9.\-\[\]:]{1,253}", empty=True),
            hosts=fields.strings("hosts", pattern=r"[A-Za-z0-9.\-\[\]:]{1,253}", empty=True),
            trusted_proxies=_networks(fields, "trusted_proxies"),
            max_body=fields.integer("max_body_bytes", 1024, 64 << 20, default=1 << 20),
            client_seconds=fields.number("client_seconds", 1, 600, default=_CLIENT_SECONDS),
        )


def _networks(fields: Fields, key: str) -> tuple[Network, ...]:
    found: list[Network] = []
    for text in fields.strings(key, empty=True):
        try:
            found.append(ipaddress.ip_network(text))
        except ValueError as error:
            fields.fail(key, f"`{key}`: {error}")
    return tuple(found)


def _is_issuer(text: str) -> bool:
    """RFC 8414 §2, and tokens never travel unprotected to another machine."""
    parts = urlsplit(text) if is_http_url(text) else None
    if parts is None or text != f"{parts.scheme}://{parts.netloc}":
        return False
    return parts.scheme == "https" or parts.hostname in {"localhost", "127.0.0.1", "::1"}
