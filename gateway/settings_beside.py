"""What runs beside the audit writer: where checkpoints go, and who receives records as they are written.

What `audit anchor` and `audit ship` would refuse whenever they start is refused here once, with its place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from audit.cosignature import parse_witness_key
from audit.errors import KeyUnusable, ShippingFailed
from audit.ship.target import Wishes, parse_target
from gateway.settings_references import References, has_host, is_http_url
from policies.source import Fields, Node

_OBJECT_LOCK: Final = ("s3://", "s3a://")
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


def read_anchoring(node: Node, references: References, log: Path) -> Anchoring:
    """The section `anchors` of the log in the folder `log`. Mistakes become problems of `node`."""
    section = node.mapping(optional=("every_seconds", "targets", "witnesses", "retain_days"))
    targets = [(each, _target(each, references, log)) for each in section.nodes("targets")]
    witnesses = [(each, _witness(each)) for each in section.nodes("witnesses")]
    _distinct([*targets, *((each, (witness.url, witness.key.partition("+")[0])) for each, witness in witnesses)])
    if not targets and not witnesses:
        node.fail("at least one of `targets` and `witnesses` is needed")
    if "retain_days" in section and not any(target.startswith(_OBJECT_LOCK) for _, target in targets):
        section.fail("retain_days", "`retain_days` holds objects in S3, and no target is an `s3://` URL")
    return Anchoring(
        every=section.integer("every_seconds", 1, 86_400, default=60),
        targets=tuple(target for _, target in targets),
        witnesses=tuple(witness for _, witness in witnesses),
        retain_days=section.integer("retain_days", 1, 36_500, default=0) or None,
    )


def read_shipping(nodes: tuple[Node, ...], references: References) -> tuple[Shipping, ...]:
    """The receivers under `shipping`. Mistakes become problems of their nodes."""
    found = [(each, _shipping(each, references)) for each in nodes]
    _distinct([(each, shipping.to) for each, shipping in found])
    return tuple(shipping for _, shipping in found)


def _target(node: Node, references: References, log: Path) -> str:
    text = node.string(max_length=2048)
    scheme, colon, rest = text.partition("://")
    if colon:
        if not re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme):
            node.fail("the scheme of a target is written in small letters, such as `s3://`")
        elif scheme in ("file", "local"):
            node.fail("a file or folder of this machine is written as its path, without a scheme")
        elif "@" in rest.partition("/")[0]:
            node.fail("a target holds no credentials; they come from the environment")
    if colon or not text:
        return text
    path = references.resolve(text)
    if path.is_relative_to(log) or log.is_relative_to(path):
        node.fail("a target must lie outside the audit directory and not around it, best on another machine")
    return f"{path}/" if text.endswith("/") else str(path)


def _witness(node: Node) -> Witness:
    section = node.mapping(required=("url", "key"))
    url, key = section.string("url", max_length=2048), section.string("key", max_length=2048)
    if url and not is_http_url(url):
        section.fail("url", "`url` must be an http or https URL, without credentials, query or fragment")
    try:
        parse_witness_key(key)
    except KeyUnusable as error:
        if key:
            section.fail("key", str(error))
    return Witness(url, key)


def _shipping(node: Node, references: References) -> Shipping:
    section = node.mapping(required=("to",), optional=("format", "ca_file"))
    return Shipping(
        to=_receiver(section),
        format=section.string("format", _FORMATS[0], choices=_FORMATS),
        ca_file=references.path(section, "ca_file") if "ca_file" in section else None,
    )


def _receiver(section: Fields) -> str:
    to = section.string("to", max_length=2048)
    if not has_host(to, _SHIPPING):  # before anything that would repeat a password
        names = ", ".join(f"`{name}://`" for name in _SHIPPING)
        section.fail("to", f"`to` must be a URL that starts with one of {names}, without credentials")
        return to
    try:
        parse_target(to, Wishes())
    except ShippingFailed as error:
        section.fail("to", str(error))
    return to


def _distinct(found: list[tuple[Node, object]]) -> None:
    """Two of one name would have one memory, and the process that came second would never start."""
    seen: list[object] = []
    for node, each in found:
        if each in seen:
            node.fail(f"{node.label} stands twice")
        seen.append(each)
