"""limits.yaml: how often a caller may ask. The values only; counting is the gateway's."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from policies.node import Fields, Node
from policies.problem import Location, Problems, quoted
from policies.rules import Match, check_first_match, read_match

_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_RATE: Final = re.compile(r"([1-9][0-9]{0,8})/(second|minute|hour|day)", re.ASCII)
_MATCHERS: Final = ("subject", "client", "model")


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` requests in any `seconds`."""

    count: int
    seconds: int

    def __str__(self) -> str:
        unit = next(name for name, seconds in _SECONDS.items() if seconds == self.seconds)
        return f"{self.count}/{unit}"


@dataclass(frozen=True, slots=True)
class LimitRule:
    """One row of `rules`. `location` names it in records and tells its counters from those of other rows."""

    location: Location
    match: Match
    requests: Rate


@dataclass(frozen=True, slots=True)
class LimitPolicy:
    """`address` holds per source address before anybody is known; `rules` per caller afterwards."""

    address: Rate
    rules: tuple[LimitRule, ...]

    def select(self, subject: str, roles: Collection[str], client: str | None, model: str | None) -> LimitRule:
        """The first rule that matches this call. `subject` and `roles` are bare names, without `user:` or `role:`."""
        for rule in self.rules:
            if rule.match.holds(roles, subject=subject, client=client, model=model):
                return rule
        raise AssertionError("the loader keeps a last rule that matches everything")


def load_limits(node: Node, problems: Problems) -> LimitPolicy:
    """Read limits.yaml; mistakes go to `problems`, and the result counts only when there is none."""
    fields = node.mapping(["address", "rules"])
    address = _rate(fields.mapping("address", ["requests"]))
    rules = tuple(_rule(row) for row in fields.nodes("rules"))
    check_first_match([(rule.location, rule.match) for rule in rules], fields.location("rules"), problems)
    return LimitPolicy(address, rules)


_NO_RATE: Final = Rate(1, 86400)


def _rule(node: Node) -> LimitRule:
    fields = node.mapping(["requests"], ["role", *_MATCHERS])
    return LimitRule(node.location, read_match(fields, _MATCHERS), _rate(fields))


def _rate(fields: Fields) -> Rate:
    text = fields.string("requests")
    match = _RATE.fullmatch(text)
    if match:
        return Rate(int(match[1]), _SECONDS[match[2]])
    if text:
        units = ", ".join(f"`{unit}`" for unit in _SECONDS)
        fields.fail("requests", f"`requests` must read like `10/minute` (units {units}), got {quoted(text)}")
    return _NO_RATE
