"""The `audit` section of `hangu.yaml`: where the log lies, who writes it, and what runs beside its writer."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from audit.contents.auditor import load_public
from audit.errors import KeyUnusable
from gateway.settings_references import References
from policies.source import Fields, Node

RETENTION_FLOOR: Final = 183  # days: half a year, what China's Cybersecurity Law art. 21 and the EU AI Act art. 19 ask
RETENTION: Final = 365
_ORIGIN = r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}"
_VERIFIER_KEY = r"[^\s+]{1,256}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{4,}={0,2}"  # C2SP signed-note
_FORMATS: Final = ("jsonl", "cef", "ocsf")
_SHIPPING: Final = ("syslog+udp", "syslog+tcp", "syslog+tls", "otlp+http", "otlp+https")


@dataclass(frozen=True, slots=True)
class Witness:
    """A C2SP witness: where it answers, and the verifier key line of its cosignatures."""

    url: str
    key: str


@dataclass(frozen=True, slots=True)
class Anchoring:
    """Where checkpoints go, and how often. `targets` are files, folders with a `/` at the end, or fsspec URLs.

    `retain_days` is how long Object Lock holds what goes to S3; None asks for no lock.
    """

    every: int
    targets: tuple[str, ...]
    witnesses: tuple[Witness, ...]
    retain_days: int | None


@dataclass(frozen=True, slots=True)
class Shipping:
    """A receiver of live records. `ca_file` holds the authorities to trust in place of the system's."""

    to: str
    format: str
    ca_file: Path | None


@dataclass(frozen=True, slots=True)
class ContentSettings:
    """Where sealed texts lie, and for whom they are sealed: the auditor's public key."""

    directory: Path
    auditor_key: Path


@dataclass(frozen=True, slots=True)
class LogSettings:
    """The log of one deployment, without any secret: a reviewer may read this much.

    `writer`: `managed` starts a writer when none answers, `external` never does. `hmac_file` is where the key of the
    digests is, when it is in a file; `older_hmac_files` hold keys that only old records were digested with.
    """

    directory: Path
    key: Path
    public_key: Path
    socket: Path
    origin: str
    writer: Literal["managed", "external"]
    hmac_file: Path | None
    older_hmac_files: tuple[Path, ...]
    heartbeat: int
    retention_days: int
    anchoring: Anchoring | None
    shipping: tuple[Shipping, ...]
    contents: ContentSettings | None

    def beside(self, suffix: str) -> Path:
        """A file next to the log's folder, which itself holds nothing but the log."""
        return self.directory.with_name(self.directory.name + suffix)


@dataclass(frozen=True, slots=True)
class AuditSettings(LogSettings):
    """What the gateway needs beyond that: the key of the digests, and how long a request waits for its record."""

    hmac_key: bytes
    timeout: float


def read_audit(node: Node, references: References) -> AuditSettings:
    """The whole section. Mistakes become problems of `node`."""
    log, section = _read(node, references)
    if log.contents is not None:
        _check_auditor(section, log.contents)
    keys = [references.secret(each, "hmac_key", 32) for each in _hmac_keys(section)]
    return AuditSettings(
        **{each.name: getattr(log, each.name) for each in fields(log)},
        hmac_key=keys[0],
        timeout=section.number("timeout_seconds", 0.1, 60, default=5.0),
    )


def read_log(node: Node, references: References) -> LogSettings:
    """The section without its secrets, which need not be there. Mistakes become problems of `node`."""
    return _read(node, references)[0]


def _read(node: Node, references: References) -> tuple[LogSettings, Fields]:
    section = node.mapping(
        required=("directory", "public_key", "socket", "origin", "hmac_key"),
        optional=(
            "key",
            "writer",
            "timeout_seconds",
            "heartbeat_seconds",
            "retention_days",
            "anchors",
            "shipping",
            "contents",
        ),
    )
    writer = section.string("writer", "managed", choices=("managed", "external"))
    if writer == "managed" and "key" not in section:
        node.fail("missing key `key`: a managed writer signs with it")
    directory = references.path(section, "directory")
    for key in ("key", "public_key", "socket"):
        if key in section and references.path(section, key).is_relative_to(directory):
            section.fail(key, f"`{key}` must lie outside the audit directory")
    files = [_file_of(each, references) for each in _hmac_keys(section)]
    anchors, contents = section.node("anchors"), section.node("contents")
    log = LogSettings(
        directory=directory,
        key=references.path(section, "key"),
        public_key=references.path(section, "public_key"),
        socket=references.path(section, "socket"),
        origin=section.string("origin", pattern=_ORIGIN),
        writer="external" if writer == "external" else "managed",
        hmac_file=files[0],
        older_hmac_files=tuple(filter(None, files[1:])),
        heartbeat=section.integer("heartbeat_seconds", 0, 86_400, default=60),
        retention_days=section.integer("retention_days", RETENTION_FLOOR, 36_500, default=RETENTION),
        anchoring=_anchoring(anchors, references, directory) if anchors else None,
        shipping=tuple(_shipping(each, references) for each in section.nodes("shipping")),
        contents=_contents(contents, references, directory) if contents else None,
    )
    return log, section


def _hmac_keys(section: Fields) -> list[Fields]:
    """The key in use, then older ones, each as if it stood alone: one reference, or a list of them."""
    node = section.node("hmac_key")
    if node is None or not isinstance(node.value, tuple):
        return [section]
    if not node.value:
        node.fail("`hmac_key` must not be an empty list")
    return [Fields(each, {"hmac_key": each}) for each in node.value] or [section]


def _file_of(section: Fields, references: References) -> Path | None:
    kind, _, rest = section.string("hmac_key").partition(":")
    return references.resolve(rest) if kind == "file" and rest else None


def _contents(node: Node, references: References, directory: Path) -> ContentSettings:
    section = node.mapping(required=("directory", "auditor_key"))
    folder = references.path(section, "directory")
    if folder.is_relative_to(directory) or directory.is_relative_to(folder):
        section.fail("directory", "`directory` must lie outside the audit directory, and not around it")
    return ContentSettings(folder, references.path(section, "auditor_key"))


def _check_auditor(section: Fields, contents: ContentSettings) -> None:
    try:
        load_public(contents.auditor_key)
    except KeyUnusable as error:
        section.mapping("contents", optional=("directory", "auditor_key")).fail("auditor_key", str(error))


def _anchoring(node: Node, references: References, directory: Path) -> Anchoring:
    section = node.mapping(optional=("every_seconds", "targets", "witnesses", "retain_days"))
    targets = section.strings("targets", max_length=2048, empty=True)
    witnesses = tuple(_witness(each) for each in section.nodes("witnesses"))
    if not targets and not witnesses:
        node.fail("at least one of `targets` and `witnesses` is needed")
    return Anchoring(
        every=section.integer("every_seconds", 1, 86_400, default=60),
        targets=tuple(_target(section, text, references, directory) for text in targets),
        witnesses=witnesses,
        retain_days=section.integer("retain_days", 1, 36_500, default=0) or None,
    )


def _target(section: Fields, text: str, references: References, directory: Path) -> str:
    if re.match(r"[a-z][a-z0-9+.-]*://", text):
        if "@" in text.split("://", 1)[1].partition("/")[0]:
            section.fail("targets", "a target holds no credentials; they come from the environment")
        return text
    path = references.resolve(text)
    if path.is_relative_to(directory):
        section.fail("targets", "a target must lie outside the audit directory, best on another machine")
    return f"{path}/" if text.endswith("/") else str(path)


def _witness(node: Node) -> Witness:
    section = node.mapping(required=("url", "key"))
    url = section.string("url", max_length=2048)
    if not _has_host(url, ("http", "https")):
        section.fail("url", "`url` must be an http or https URL")
    return Witness(url, section.string("key", pattern=_VERIFIER_KEY))


def _shipping(node: Node, references: References) -> Shipping:
    section = node.mapping(required=("to",), optional=("format", "ca_file"))
    to = section.string("to", max_length=2048)
    if not _has_host(to, _SHIPPING):
        names = ", ".join(f"`{name}://`" for name in _SHIPPING)
        section.fail("to", f"`to` must be a URL that starts with one of {names}, without credentials")
    return Shipping(
        to=to,
        format=section.string("format", _FORMATS[0], choices=_FORMATS),
        ca_file=references.path(section, "ca_file") if "ca_file" in section else None,
    )


def _has_host(url: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and not parts.username
    except ValueError:
        return False
