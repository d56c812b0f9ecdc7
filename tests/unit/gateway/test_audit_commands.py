"""The command lines of what runs beside the gateway mean to their parsers what the settings say."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from gateway import audit_commands
from gateway.settings_audit import LogSettings
from gateway.settings_beside import Anchoring, Shipping, Witness

LOG = LogSettings(
    directory=Path("/log/审计 a"),
    key=Path("/keys/audit.pem"),
    public_key=Path("/keys/audit.pub.pem"),
    socket=Path("/run/audit.sock"),
    origin="hangu.test/a",
    writer="managed",
    hmac_file=None,
    older_hmac_files=(),
    heartbeat=7,
    retention_days=365,
    anchoring=Anchoring(9, ("/worm/notes", "s3://bucket/p"), (Witness("https://w", "w+12345678+AA=="),), 30),
    shipping=(
        Shipping("syslog+tls://siem:6514", "cef", Path("/ca.pem")),
        Shipping("otlp+http://[::1]:4318", "jsonl", None),
    ),
    contents=None,
)


def parsed(command: Sequence[str]) -> argparse.Namespace:
    """What the command's own parser makes of it."""
    python, safe, _, package, name, *rest = command
    assert (python, safe, package) == (sys.executable, "-P", "audit")
    parser = argparse.ArgumentParser()
    import_module(f"audit.cli.{name}").configure(parser)
    return parser.parse_args(rest)


def test_the_writer() -> None:
    """Folder, key, socket, origin, when it ends and how often it says that it is there."""
    options = parsed(audit_commands.serve(LOG, 10))
    assert (options.directory, options.key, options.socket) == (LOG.directory, LOG.key, LOG.socket)
    assert (options.origin, options.exit_when_idle, options.heartbeat_seconds) == (LOG.origin, 10, 7)


def test_anchoring() -> None:
    """Every target and witness; its memory lies beside the log's folder and not in it."""
    command = audit_commands.anchor(LOG)
    assert command is not None
    options = parsed(command)
    assert (options.directory, options.key, options.every) == (LOG.directory, LOG.public_key, 9)
    assert (options.to, options.witness) == (["/worm/notes", "s3://bucket/p"], [["https://w", "w+12345678+AA=="]])
    assert options.retain_days == 30
    assert options.state.parent == LOG.directory.parent


def test_shipping() -> None:
    """One process for each receiver, with its own format, trust and cursor."""
    first, second = (parsed(audit_commands.ship(LOG, each)) for each in LOG.shipping)
    assert (first.to, first.format, first.ca_file) == (["syslog+tls://siem:6514"], "cef", Path("/ca.pem"))
    assert (second.to, second.format, second.ca_file) == (["otlp+http://[::1]:4318"], "jsonl", None)
    assert first.cursor != second.cursor
    assert {first.cursor.parent, second.cursor.parent} == {LOG.directory.parent}


def test_another_order_of_receivers_keeps_their_cursors() -> None:
    """Where a receiver has got to does not depend on its place in the file."""
    turned = replace(LOG, shipping=LOG.shipping[::-1])
    assert [audit_commands.cursor(LOG, each) for each in LOG.shipping] == [
        audit_commands.cursor(turned, each) for each in turned.shipping[::-1]
    ]


def test_nothing_is_started_that_is_not_configured() -> None:
    """And each that is has a name for the output."""
    assert audit_commands.beside(replace(LOG, anchoring=None, shipping=())) == {}
    assert list(audit_commands.beside(LOG)) == [
        "anchoring",
        "shipping to syslog+tls://siem:6514",
        "shipping to otlp+http://[::1]:4318",
    ]
