"""The commands of `python -m audit` that run beside the gateway, as command lines of this deployment."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from gateway.settings_audit import LogSettings
from gateway.settings_beside import Shipping

_AUDIT = (sys.executable, "-P", "-m", "audit")  # -P: nothing is imported from the folder that the gateway starts in


def serve(log: LogSettings, idle_exit: int) -> list[str]:
    """The writer, which ends by itself when no client has been there for `idle_exit` seconds."""
    return [
        *_AUDIT, "serve", str(log.directory),
        "--key", str(log.key), "--socket", str(log.socket), "--origin", log.origin,
        "--exit-when-idle", str(idle_exit), "--heartbeat-seconds", str(log.heartbeat),
    ]  # fmt: skip


def anchor(log: LogSettings) -> list[str] | None:
    """Hands checkpoints to witnesses and sinks; None where none is configured."""
    if log.anchoring is None:
        return None
    command = [*_AUDIT, "anchor", str(log.directory), "--key", str(log.public_key), "--state", str(anchor_state(log))]
    for target in log.anchoring.targets:
        command += ["--to", target]
    for witness in log.anchoring.witnesses:
        command += ["--witness", witness.url, witness.key]
    if log.anchoring.retain_days is not None:
        command += ["--retain-days", str(log.anchoring.retain_days)]
    return [*command, "--every", str(log.anchoring.every)]


def ship(log: LogSettings, shipping: Shipping) -> list[str]:
    """Sends signed records to one receiver. Each has a process and a cursor of its own, so none waits for another."""
    target = ["--to", shipping.to, "--format", shipping.format]
    trust = ["--ca-file", str(shipping.ca_file)] if shipping.ca_file else []
    return [*_AUDIT, "ship", str(log.directory), *target, "--cursor", str(cursor(log, shipping)), *trust]


def beside(log: LogSettings) -> dict[str, list[str]]:
    """Everything that runs next to a managed writer, by name."""
    commands = {f"shipping to {each.to}": ship(log, each) for each in log.shipping}
    anchoring = anchor(log)
    return commands if anchoring is None else {"anchoring": anchoring, **commands}


def anchor_state(log: LogSettings) -> Path:
    """What anchoring remembers between two starts."""
    return log.beside(".anchor.json")


def cursor(log: LogSettings, shipping: Shipping) -> Path:
    """How far a receiver has got. Named after the receiver: another order in the configuration changes nothing."""
    return log.beside(f".ship-{hashlib.sha256(shipping.to.encode()).hexdigest()[:12]}.json")
