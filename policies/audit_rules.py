"""audit.yaml: how much of a prompt and a completion the log keeps."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from policies.node import Fields, Node
from policies.problem import Location, Problems
from policies.rules import Match, check_first_match, read_match

_MATCHERS: Final = ("subject", "tenant", "client", "model", "route")


class Level(Enum):
    """What is kept of a text, beside its size.

    `NONE`       nothing
    `HASH`       keyed digests: of the whole, and of each value that a filter withheld
    `REDACTED`   these, and the text as its filters let it pass, readable in the log
    `ENCRYPTED`  the digests, and the text sealed for the auditor outside the log: a prompt as it came in, before any
                 filter, an answer as it left, behind its filters
    """

    NONE = "none"
    HASH = "hash"
    REDACTED = "redacted"
    ENCRYPTED = "encrypted"


@dataclass(frozen=True, slots=True)
class AuditRule:
    """One row of `rules`."""

    location: Location
    match: Match
    prompt: Level
    completion: Level

    @property
    def encrypts(self) -> bool:
        """Whether the rule needs a contents store."""
        return Level.ENCRYPTED in (self.prompt, self.completion)


@dataclass(frozen=True, slots=True)
class AuditPolicy:
    """The rows of audit.yaml in file order; the last one matches everything."""

    rules: tuple[AuditRule, ...]

    def select(
        self,
        roles: Collection[str],
        *,
        subject: str | None = None,
        tenant: str | None = None,
        client: str | None = None,
        model: str | None = None,
        route: str | None = None,
    ) -> AuditRule:
        """The first rule that matches this call. Roles and subject are bare names."""
        for rule in self.rules:
            if rule.match.holds(roles, subject=subject, tenant=tenant, client=client, model=model, route=route):
                return rule
        raise AssertionError("the loader keeps a last rule that matches everything")

    def encrypting(self) -> Iterator[AuditRule]:
        """The rules that need a contents store."""
        return (rule for rule in self.rules if rule.encrypts)


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
    return Level(fields.string(key, Level.HASH.value, choices=[level.value for level in Level]))
