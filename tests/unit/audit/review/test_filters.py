"""What was asked for goes on record as it was given, but for what may itself be the secret."""

import json

from audit.digests import Digests
from audit.review.filters import PLAIN, Filters
from audit.review.schema import COLUMNS

DIGESTS = Digests(b"k" * 32)


def test_every_plain_filter_is_a_column() -> None:
    """There is nothing to look for that the index does not have."""
    assert set(PLAIN.values()) <= set(COLUMNS)


def test_nothing_asked_nothing_said() -> None:
    """No filters leave an empty object."""
    assert Filters().described() == {}


def test_everything_that_was_asked_is_said() -> None:
    """Each filter under the name of its option, as given."""
    filters = Filters(
        plain={"subject": ("李雷",), "status": (403,)},
        since=b"2026-11-23T08:00:00.000000Z",
        until=b"2026-11-24T08:00:00.000000Z",
        roles=("护士",),
        filters=("pii",),
        bundles=("ab",),
        unfinished=True,
    )
    assert filters.described() == {
        "subject": ["李雷"],
        "status": [403],
        "since": "2026-11-23T08:00:00.000000Z",
        "until": "2026-11-24T08:00:00.000000Z",
        "role": ["护士"],
        "filter": ["pii"],
        "policy": ["ab"],
        "unfinished": True,
    }


def test_the_secret_that_is_looked_for() -> None:
    """Texts and values are told apart by digests, and cannot be read."""
    filters = Filters(texts=("canary-text",), values=("4111-canary",), digests=(DIGESTS,))
    said = filters.described()
    assert said["text"] == [{"chars": 11, "hmacs": [{"hmac": DIGESTS.withheld("canary-text"), "key": DIGESTS.id}]}]
    assert "canary" not in json.dumps(said)
