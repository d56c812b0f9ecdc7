"""What to look for: all filters together must hold; of several values for one filter, any."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from audit.digests import Digests
from audit.review.recorded import concealed

# Filters that compare a column of `event`, by the name that people use.
PLAIN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "event": "name",
        "request_id": "request_id",
        "subject": "subject",
        "client": "client",
        "issuer": "issuer",
        "tenant": "tenant",
        "address": "address",
        "user": "user",
        "route": "route",
        "model": "model",
        "decision": "effect",
        "rule": "rule",
        "status": "status",
        "code": "code",
        "outcome": "outcome",
    }
)


@dataclass(frozen=True, slots=True)
class Filters:
    """What a person asks for. An empty tuple, None or False asks for nothing."""

    plain: Mapping[str, tuple[str | int, ...]] = field(default_factory=dict)  # by a name in `PLAIN`
    since: bytes | None = None  # inclusive, as lines of the log have times
    until: bytes | None = None  # exclusive
    roles: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()  # names of filters, or types of what they found
    bundles: tuple[str, ...] = ()  # beginnings of digests
    texts: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    digests: tuple[Digests, ...] = ()  # the keys under which `values` are looked for
    unfinished: bool = False

    def described(self) -> dict[str, object]:
        """The filters for the record of the read: as given, but for texts and values, which are only sized up."""
        found: dict[str, object] = {name: list(values) for name, values in self.plain.items() if values}
        times = {"since": self.since, "until": self.until}
        found |= {name: time.decode() for name, time in times.items() if time is not None}
        lists = {"role": self.roles, "filter": self.filters, "policy": self.bundles}
        found |= {name: list(values) for name, values in lists.items() if values}
        for name, secrets in (("text", self.texts), ("value", self.values)):
            if secrets:
                found[name] = [concealed(each, self.digests) for each in secrets]
        return found | ({"unfinished": True} if self.unfinished else {})
