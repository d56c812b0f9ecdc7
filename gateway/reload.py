"""What a reload would bring: checked before any worker is replaced, since workers that cannot start end the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from limits.errors import ConfigurationError

from audit.errors import AuditError
from gateway.contents import open_keeper
from gateway.identity.clients import load_clients
from gateway.identity.issuers import configure_issuers, open_token_issuer
from gateway.limit import Limits
from gateway.policy import load_policy
from gateway.settings import Settings, load_settings
from gateway.settings_audit import LogSettings
from gateway.settings_models import EmbeddedModel
from model_runtime.chatglm3.checkpoint import read_checkpoint
from model_runtime.chatglm3.errors import CheckpointError
from policies.source import Location, Problem, SourceError

_RECORDED: Final = 50  # problems in a record; all of them are printed
_UNTIL_RESTART: Final = {  # what processes were started with that a reload does not replace, by its key in `audit`
    "directory": "directory",
    "key": "key",
    "public_key": "public_key",
    "socket": "socket",
    "origin": "origin",
    "writer": "writer",
    "heartbeat": "heartbeat_seconds",
    "anchoring": "anchors",
    "shipping": "shipping",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a reload changes nothing: the event that records it, and every problem for whoever asked for it."""

    event: str
    fields: Mapping[str, Any]
    problems: str


def refusal(source: Path, running: LogSettings | None = None) -> Refusal | None:
    """Why a reload of this `hangu.yaml` must be refused, or None where it may go on.

    `running` is what the writer, and what stands beside it, were started with.
    """
    try:
        settings = load_settings(source)
        _check_deployment(settings, running or settings.audit)
    except SourceError as error:
        # A message may quote what stands in these files, and someone may have put a secret there.
        places = [str(problem.location) for problem in error.problems]
        return Refusal("configuration.refused", _first("places", places), str(error))
    try:
        _check_policy(settings)
    except SourceError as error:
        return Refusal("policy.refused", _first("problems", [str(each) for each in error.problems]), str(error))
    return None


def _check_deployment(settings: Settings, running: LogSettings) -> None:
    """Everything of it that a worker needs, but for weights, which only loading them can judge. Raises SourceError."""
    changed = [
        f"`{key}`" for name, key in _UNTIL_RESTART.items() if getattr(settings.audit, name) != getattr(running, name)
    ]
    if changed:
        raise _at(settings.source, f"{', '.join(changed)} of `audit` changed: that takes a restart")
    if settings.oauth is not None:
        load_clients(settings.oauth.clients)
    try:
        for model in settings.models:
            if isinstance(model, EmbeddedModel):
                read_checkpoint(model.path)
        open_keeper(settings.audit).close()
        Limits(settings.limit_storage)
    except CheckpointError as error:
        raise _at(error.path, "; ".join(error.problems)) from error
    except (AuditError, ConfigurationError) as error:
        raise _at(settings.source, str(error)) from error


def _check_policy(settings: Settings) -> None:
    """The bundle, and that every issuer that it trusts has its keys. Raises SourceError."""
    issuers = load_policy(settings).identity.issuers
    tokens = open_token_issuer(settings.oauth, issuers) if settings.oauth else None
    configure_issuers(issuers, settings, tokens, lambda _: None)


def _at(file: Path, message: str) -> SourceError:
    return SourceError([Problem(Location(str(file), 1, 1), message)])


def _first(name: str, texts: list[str]) -> dict[str, Any]:
    more = {"more": len(texts) - _RECORDED} if len(texts) > _RECORDED else {}
    return {name: [text[:1000] for text in texts[:_RECORDED]], **more}
