"""Every filter finds what it names and nothing else, alone and together with others."""

from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from harness.records import ADMITTED, BUNDLE, DENIED, FINISHED, FLOOD, READ, STARTED, TOKEN, UNKNOWN_CALLER

from audit import canonical
from audit.checkpoint import Signer
from audit.digests import Digests
from audit.journal import Journal, Rotation
from audit.review import conditions
from audit.review.filters import Filters
from audit.review.index import Index, open_index
from audit.review.search import count, search

START_NS = 1_795_420_800_000_000_000  # 2026-11-23T08:00:00Z
DIGESTS = Digests(b"k" * 32)
ANSWER = DIGESTS.completion()
ANSWER.add("可以")

OTHER: dict[str, Any] = {
    **ADMITTED,
    "request_id": "req-4",
    "subject": "alice",
    "roles": ["admin"],
    "bundle": "sha256:" + "cd" * 32,
    "prompt": {"hmac": DIGESTS.prompt([("user", "帮我看看")]), "key": DIGESTS.id, "text": [["user", "住院 card"]]},
    "withheld": [{"direction": "prompt", "filter": "pii", "hmac": DIGESTS.withheld("4111-1111"), "key": DIGESTS.id}],
    "filters": [{"direction": "prompt", "filter": "cards", "type": "bank_card", "action": "redact", "count": 1}],
}
RECORDS = (
    STARTED,  # 2
    ADMITTED,  # 4, and its end at 6
    {**FINISHED, "admitted": 4, "completion": {"text": "可以", "hmac": ANSWER.hexdigest(), "key": DIGESTS.id}},
    DENIED,  # 8
    UNKNOWN_CALLER,  # 10
    FLOOD,  # 12
    TOKEN,  # 14
    READ,  # 16
    OTHER,  # 18, without an end
    {**FINISHED, "admitted": 18, "request_id": "another's"},  # 20
)
CASES: list[tuple[Filters, list[int]]] = [
    (Filters(), [2, 4, 8, 10, 12, 14, 16, 18, 20]),
    (Filters({"subject": ("alice",)}), [18]),
    (Filters({"subject": ("李雷",)}), [4, 8, 20]),
    (Filters({"subject": ("alice", "李雷")}), [4, 8, 18, 20]),
    (Filters({"subject": ("Alice",)}), []),
    (Filters({"subject": ("alice' OR '1'='1",)}), []),
    (Filters({"model": ("chatglm3-6b",)}), [4, 8, 18, 20]),
    (Filters({"decision": ("deny",)}), [8]),
    (Filters({"decision": ("allow",)}), [4, 18]),
    (Filters({"rule": ("policy.csv:5:1",)}), [4, 18]),
    (Filters({"rule": ("policy.csv:5",)}), []),
    (Filters({"request_id": ("req-1",)}), [4, 8]),
    (Filters({"event": ("request.refused",)}), [8, 10, 12]),
    (Filters({"event": ("request.finished",)}), [4, 20]),
    (Filters({"event": ("audit.read", "request.admitted")}), [4, 16, 18]),
    (Filters({"code": ("invalid_token",)}), [10]),
    (Filters({"status": (401, 429)}), [10, 12]),
    (Filters({"outcome": ("completed",)}), [4, 20]),
    (Filters({"outcome": ("aborted",)}), []),
    (Filters({"client": ("ward-app",)}), [4, 8, 14, 18]),
    (Filters({"address": ("2001:db8::7",)}), [10, 12]),
    (Filters({"tenant": ("医院",)}), [4, 8, 18]),
    (Filters({"user": ("auditor",)}), [16]),
    (Filters(roles=("护士",)), [4, 8]),
    (Filters(roles=("admin", "user")), [4, 8, 18]),
    (Filters(roles=("root",)), []),
    (Filters(filters=("pii",)), [4]),
    (Filters(filters=("cn_id", "cards")), [4, 18]),
    (Filters(bundles=(BUNDLE[:12],)), [2, 4, 8]),
    (Filters(bundles=("sha256:c",)), [18]),
    (Filters(bundles=("%",)), []),
    (Filters(texts=("报销",)), [4]),
    (Filters(texts=("可以",)), [4, 20]),  # in the answer
    (Filters(texts=("医保 可以",)), []),  # one in the prompt, one in the answer
    (Filters(texts=("住院", "医保")), [4, 18]),
    (Filters(unfinished=True), [18]),
    (Filters({"subject": ("李雷",)}, roles=("护士",), unfinished=True), []),
    (Filters({"outcome": ("completed",), "decision": ("allow",)}, roles=("护士",), texts=("医保",)), [4]),
    (Filters(values=("4111 1111",), digests=(DIGESTS,)), [18]),
    (Filters(values=("4111 1112",), digests=(DIGESTS,)), []),
    (Filters(values=("4111 1111",), digests=(Digests(b"x" * 32),)), []),
    (Filters(values=("4111 1111",), digests=(Digests(b"x" * 32), DIGESTS)), [18]),
    (Filters(values=("帮我看看",), digests=(DIGESTS,)), [18]),  # a whole prompt
    (Filters(values=("可以",), digests=(DIGESTS,)), [4]),  # a whole answer
    (Filters(values=("可以。",), digests=(DIGESTS,)), []),
    (Filters(since=b"2026-11-23T08:00:03.000000Z"), [8, 10, 12, 14, 16, 18, 20]),
    (Filters(until=b"2026-11-23T08:00:03.000000Z"), [2, 4]),
    (Filters(since=b"2026-11-23T08:00:03.000000Z", until=b"2026-11-23T08:00:04.000001Z"), [8, 10]),
    (Filters(since=b"2027-01-01T00:00:00.000000Z"), []),
    (Filters(until=b"2027-01-01T00:00:00.000000Z", roles=("admin",)), [18]),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index of the records above, a second apart."""
    log = tmp_path_factory.mktemp("review") / "log"
    signer = Signer("host-a/hangu", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    journal = Journal(log, signer, Rotation(), START_NS)
    for number, record in enumerate(RECORDS):
        journal.append([canonical.encode(record)], START_NS + number * 1_000_000_000)
    journal.close(START_NS)
    with open_index(log, notice=print) as index:
        yield index


@pytest.mark.parametrize("rare", [5_000, 0])
@pytest.mark.parametrize(("filters", "hits"), CASES)
def test_a_filter(index: Index, filters: Filters, hits: list[int], rare: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It finds the same newest first, oldest first and counting, and however often its values occur in the log."""
    monkeypatch.setattr(conditions, "_RARE", rare)
    assert [case.index for case in search(index, filters, limit=99, newest_first=False)] == hits
    assert [case.index for case in search(index, filters, limit=99)] == hits[::-1]
    assert count(index, filters) == len(hits)


def test_the_limit_takes_what_comes_first(index: Index) -> None:
    """The newest of many, or the oldest."""
    assert [case.index for case in search(index, Filters(), limit=2)] == [20, 18]
    assert [case.index for case in search(index, Filters(), limit=2, newest_first=False)] == [2, 4]


def test_a_case_says_what_the_log_says(index: Index) -> None:
    """A request shows both of its records, with roles and filters, and where to prove it."""
    (case,) = search(index, Filters({"outcome": ("completed",)}, roles=("user",)), limit=9)
    assert case.fields() == {
        "origin": "host-a/hangu",
        "index": 4,
        "time": "2026-11-23T08:00:01.000000Z",
        "event": "request.admitted",
        "request_id": "req-1",
        "subject": "李雷",
        "issuer": "https://id.example",
        "tenant": "医院",
        "address": "10.0.0.7",
        "route": "/v1/chat/completions",
        "model": "chatglm3-6b",
        "object": "model/chatglm3-6b",
        "action": "chat",
        "bundle": BUNDLE,
        "effect": "allow",
        "reason": "matched-rule",
        "rule": "policy.csv:5:1",
        "client": "ward-app",
        "count": 1,
        "finished": 6,
        "outcome": "completed",
        "finish_reason": "stop",
        "prompt_tokens": 12,
        "completion_tokens": 34,
        "duration_ms": 250,
        "roles": ["user", "护士"],
        "filters": [{"direction": "prompt", "filter": "pii", "type": "cn_id", "action": "redact", "count": 2}],
    }


def test_counted_refusals_count(index: Index) -> None:
    """A row that stands for many refusals says so."""
    (case,) = search(index, Filters({"status": (429,)}), limit=9)
    assert case.fields()["count"] == 70
