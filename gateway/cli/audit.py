"""`hangu audit …`: the same as `python -m audit …`, with a deployment's own paths for what is left out."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from gateway.settings_audit import LogSettings


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    short_help="Write, verify and read the audit log.",
)
@click.option("--config", type=click.Path(path_type=Path))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def audit(config: Path | None, arguments: tuple[str, ...]) -> None:
    """Write, verify and read the audit log: `hangu audit --help` lists the commands.

    With `--config F`, or HANGU_CONFIG, the log, its keys and its writer are those of that deployment.
    """
    from audit.cli import main

    offer = OFFERS.get(arguments[0]) if arguments else None
    if offer is None or not (config or os.environ.get("HANGU_CONFIG")):
        sys.exit(main(arguments))
    offered = offer(_load(config))
    if arguments[0] == "purge" and {"--dry-run", "--key"} & set(arguments):
        del offered["socket"]  # then no writer is asked
    sys.exit(main(arguments, offered))


def _load(config: Path | None) -> LogSettings:
    from gateway.settings import load_log_settings
    from policies.source import SourceError

    try:
        return load_log_settings(config)
    except SourceError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


def _writing(log: LogSettings) -> dict[str, object]:
    return {
        "directory": log.directory,
        "key": log.key,
        "socket": log.socket,
        "origin": log.origin,
        "heartbeat_seconds": log.heartbeat,
    }


def _checking(log: LogSettings) -> dict[str, object]:
    return {"directory": log.directory, "directories": [log.directory], "key": log.public_key}


def _reading(log: LogSettings) -> dict[str, object]:
    """Reads are recorded, so they need the writer's socket. Keys of digests are for those who may read them."""
    keys = [file for file in (log.hmac_file, *log.older_hmac_files) if file and os.access(file, os.R_OK)]
    return _checking(log) | {"socket": log.socket} | ({"hmac_key": keys} if keys else {}) | _contents(log)


def _reporting(log: LogSettings) -> dict[str, object]:
    """A report may be of several logs, each with a key."""
    return _reading(log) | {"key": [log.public_key]}


def _contents(log: LogSettings) -> dict[str, object]:
    return {"contents": log.contents.directory} if log.contents else {}


def _destroying(log: LogSettings) -> dict[str, object]:
    return {"socket": log.socket} | _contents(log)


def _purging(log: LogSettings) -> dict[str, object]:
    return {"directory": log.directory, "socket": log.socket, "keep_days": log.retention_days}


def _rekeying(log: LogSettings) -> dict[str, object]:
    return {"directory": log.directory, "key": log.key, "origin": log.origin}


def _anchoring(log: LogSettings) -> dict[str, object]:
    from gateway.audit_commands import anchor_state

    offered = _checking(log) | {"state": anchor_state(log)}
    if log.anchoring is None:
        return offered
    witnesses = [[witness.url, witness.key] for witness in log.anchoring.witnesses]
    targets = {"to": list(log.anchoring.targets), "witness": witnesses, "retain_days": log.anchoring.retain_days}
    return offered | targets | {"every": float(log.anchoring.every)}


def _shipping(log: LogSettings) -> dict[str, object]:
    """One process for all receivers, where one set of options fits them all."""
    offered: dict[str, object] = {"directory": log.directory, "cursor": log.beside(".ship.json")}
    if len({(each.format, each.ca_file) for each in log.shipping}) != 1:
        return offered
    first = log.shipping[0]
    return offered | {"to": [each.to for each in log.shipping], "format": first.format, "ca_file": first.ca_file}


OFFERS: Final[Mapping[str, Callable[[LogSettings], dict[str, object]]]] = {
    "serve": _writing,
    "verify": _checking,
    "prove": _reading,
    "query": _reading,
    "show": _reading,
    "index": _reading,
    "report": _reporting,
    "export": _reading,
    "reveal": _reading,
    "erase": _destroying,
    "rewrap": _destroying,
    "purge": _purging,
    "archive": _checking,
    "rekey": _rekeying,
    "anchor": _anchoring,
    "ship": _shipping,
}
