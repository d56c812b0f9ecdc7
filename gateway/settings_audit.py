"""The `audit` section of `hangu.yaml`: where the log lies, who writes it, how long it is kept."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Literal

from audit.anchors.target import safe_origin
from audit.contents.auditor import load_public
from audit.errors import AnchorFailed, KeyUnusable
from gateway.settings_beside import Anchoring, Shipping, read_anchoring, read_shipping
from gateway.settings_references import References
from policies.source import Fields, Node

RETENTION_FLOOR: Final = 183  # days: half a year, what China's Cybersecurity Law art. 21 and the EU AI Act art. 19 ask
RETENTION: Final = 365
_ORIGIN = r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}"


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
        anchoring=read_anchoring(anchors, references, directory) if anchors else None,
        shipping=read_shipping(section.nodes("shipping"), references),
        contents=_contents(contents, references, directory) if contents else None,
    )
    if log.anchoring is not None and log.anchoring.targets:
        _check_origin(section, log.origin)
    return log, section


def _check_origin(section: Fields, origin: str) -> None:
    """Notes are kept under folders of the origin's name."""
    try:
        safe_origin(origin)
    except AnchorFailed as error:
        section.fail("origin", str(error))


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
