"""What a reload would bring: checked before any worker is replaced, since workers that cannot start end the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.identity.clients import load_clients
from gateway.identity.issuers import open_token_issuer
from gateway.policy import load_policy
from gateway.settings import load_settings
from policies.source import SourceError

_RECORDED: Final = 50  # problems in a record; all of them are printed


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a reload changes nothing: the event that records it, and every problem for whoever asked for it."""

    event: str
    fields: Mapping[str, Any]
    problems: str


def refusal(source: Path) -> Refusal | None:
    """Why a reload of this `hangu.yaml` must be refused, or None where it may go on."""
    try:
        settings = load_settings(source)
        if settings.oauth is not None:
            load_clients(settings.oauth.clients)
    except SourceError as error:
        # A message may quote what stands in these files, and someone may have put a secret there.
        places = [str(problem.location) for problem in error.problems]
        return Refusal("configuration.refused", _first("places", places), str(error))
    try:
        bundle = load_policy(settings)
        if settings.oauth is not None:
            open_token_issuer(settings.oauth, bundle.identity.issuers)
    except SourceError as error:
        return Refusal("policy.refused", _first("problems", [str(each) for each in error.problems]), str(error))
    return None


def _first(name: str, texts: list[str]) -> dict[str, Any]:
    more = {"more": len(texts) - _RECORDED} if len(texts) > _RECORDED else {}
    return {name: [text[:1000] for text in texts[:_RECORDED]], **more}
