"""audit.yaml: how much of a prompt and a completion the log keeps."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import Final

from policies.node import Fields, Node
from policies.problem import Location, Problems
from policies.rules import Match, check_first_match, read_match

_MATCHERS: Final = ("model", "route")


class Level(Enum):
    """What is kept of a text: nothing, its hash, or the text with everything found by filters taken out."""

    NONE = "none"
    HASH = "hash"
    REDACTED = "redacted"


@dataclass(frozen=True, slots=True)
class AuditRule:
    """One row of `rules`."""

    location: Location
    match: Match
    prompt: Level
    completion: Level


@dataclass(frozen=True, slots=True)
class AuditPolicy:
    """The rows of audit.yaml in file order; the last one matches everything."""

    rules: tuple[AuditRule, ...]

    def select(self, roles: Collection[str], model: str | None, route: str | None) -> AuditRule:
        """The first rule that matches this call. Roles are bare names."""
        for rule in self.rules:
            if rule.match.holds(roles, model=model, route=route):
                return rule
        raise AssertionError("the loader keeps a last rule that matches everything")


def load_audit(node: Node, problems: Problems) -> AuditPolicy:
    """Read audit.yaml; mistakes go to `problems`."""
    fields = node.mapping(["rules"])
    rules = tuple(_rule(row) for row in fields.nodes("rules"))
    check_first_match([(rule.location, rule.match) for rule in rules], fields.location("rules"), problems)
    return AuditPolicy(rules)


def _rule(node: Node) -> AuditRule:
    fields = node.mapping(["prompt", "completion"], ["role", *_MATCHERS])
    return AuditRule(
        node.location, read_match(fields, _MATCHERS), _level(fields, "prompt"), _level(fields, "completion")
    )


def _level(fields: Fields, key: str) -> Level:
    node = fields.node(key)
    if node is not None and node.value == "encrypted":
        node.fail("level `encrypted` is not available yet in this version")
        return Level.NONE
    return Level(fields.string(key, Level.HASH.value, choices=[level.value for level in Level]))
