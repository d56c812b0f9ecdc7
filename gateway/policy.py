"""The policy bundle of a deployment: whole, and asking for nothing that the deployment does not have."""

from __future__ import annotations

from gateway.settings import Settings
from policies import bundle as bundles
from policies.bundle import Bundle
from policies.source import Location, Problem, SourceError


def load_policy(settings: Settings) -> Bundle:
    """The bundle that `hangu.yaml` names. Raises SourceError with every problem.

    A row of audit.yaml with level `encrypted` needs `audit.contents`: without it every such call would be refused.
    """
    bundle = bundles.load(settings.bundle)
    if settings.audit.contents is None:
        places = [rule.location for rule in bundle.audit.encrypting()]
        if places:
            message = f"level `encrypted` needs `audit.contents` in {settings.source}, which has none"
            raise SourceError(
                Problem(Location(str(settings.bundle / at.file), at.line, at.column), message) for at in places
            )
    return bundle
