"""Several workers: one log, one limit for all of them in a real Redis, and nothing served when Redis is gone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from harness.redis import redis_server
from harness.server import prepare, serving, verify
from harness.upstream import ScriptedUpstream
from harness.wait import until


def started_in(records: list[dict[str, Any]]) -> int:
    """How many workers say that they serve: the gateway answers from the first, the others may still be loading."""
    return sum(record["event"] == "gateway.started" for record in records)


def test_limits_hold_over_all_workers(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    """Exactly ten of forty concurrent requests of a guest pass two workers, and the log of both is one."""
    made = prepare(tmp_path / "state", upstream.base_url)
    text = made.config.read_text().replace("workers: 1", "workers: 2")
    with redis_server(tmp_path) as url:
        made.config.write_text(f"{text}limits: {{storage: '{url}'}}\n")
        with serving(made) as server:
            server.token("guest")
            with ThreadPoolExecutor(8) as pool:
                answers = list(pool.map(lambda _: server.chat("hi", role="guest"), range(40)))
            assert sorted({answer.status for answer in answers}) == [200, 429]
            assert sum(answer.status == 200 for answer in answers) == 10
            until("both workers have started", lambda: started_in(server.records()) == 2)
            assert server.chat("hi").status == 200
            assert server.stop() == 0
    assert verify(made).returncode == 0


def test_without_redis_nothing_is_served(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    """A limit that cannot be counted refuses: 503 with a code and a record."""
    made = prepare(tmp_path / "state", upstream.base_url)
    with ExitStack() as stack:
        with redis_server(tmp_path) as url:
            made.config.write_text(f"{made.config.read_text()}limits: {{storage: '{url}'}}\n")
            server = stack.enter_context(serving(made))
            assert server.chat("counted").status == 200
        answer = server.chat("not counted")
        assert (answer.status, answer.code) == (503, "limiter_unavailable")
        assert answer.headers["retry-after"]
        assert server.records_of(answer)[0]["code"] == "limiter_unavailable"
