"""`query` and `show` beside a running writer: what they read stands in the log before they show it."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from harness.records import ADMITTED, DENIED, FINISHED

from audit import canonical
from audit.client import AuditClient
from audit.reader import entries


def audit(command: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """`python -m audit COMMAND …` to its end."""
    line = [sys.executable, "-m", "audit", command, *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)


def reads(log: Path) -> list[dict[str, Any]]:
    """The reads that are on record."""
    records = [json.loads(entry.body) for entry in entries(log) if entry.kind == b"rec"]
    return [record for record in records if record.get("event") == "audit.read"]


@pytest.fixture
def request_index(host: Any, client: AuditClient) -> int:
    """Where a request stands that a running writer has taken, and a refusal after it."""
    host.start()
    index = client.append(canonical.encode(ADMITTED)).index
    client.append(canonical.encode({**FINISHED, "admitted": index}))
    client.append(canonical.encode(DENIED))
    return index


def test_from_a_question_to_a_proof(host: Any, request_index: int) -> None:
    """Found by a Chinese word, shown with its proof; both reads are in the log, and the log verifies."""
    found = audit("query", host.log, "--socket", host.socket, "--text", "医保", "--json")
    assert found.returncode == 0, found.stderr
    case = json.loads(found.stdout)
    assert (case["index"], case["outcome"]) == (request_index, "completed")
    shown = audit("show", host.log, case["request_id"], "--socket", host.socket, "--key", host.root / "public.pem")
    assert shown.returncode == 0, shown.stderr
    assert "PROVED under the checkpoint" in shown.stdout
    query, show = reads(host.log)
    assert (query["command"], query["filters"]["text"], query["results"]) == ("query", [{"chars": 2}], 1)
    assert (show["command"], show["filters"]) == ("show", {"wanted": "req-1"})
    again = audit("query", host.log, "--socket", host.socket, "--event", "audit.read", "--count")
    assert again.stdout == "2\n"
    assert host.verify().returncode == 0


def test_the_writer_is_down(host: Any, request_index: int) -> None:
    """No writer, no answer; a copy of the log can be read without one."""
    host.running[0].terminate()
    host.running[0].wait(30)
    refused = audit("query", host.log, "--socket", host.socket)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "nothing is shown" in refused.stderr
    copied = audit("query", host.log, "--unrecorded", "--count")
    assert copied.stdout == "2\n"
    assert reads(host.log) == []


def test_many_ask_at_once(host: Any, request_index: int) -> None:
    """Processes that find no index build one, one after the other, and all give the same answer."""
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(audit, "query", host.log, "--socket", host.socket, "--subject", "李雷") for _ in range(4)]
        answers = [each.result() for each in asked]
    assert [each.returncode for each in answers] == [0] * 4, [each.stderr for each in answers]
    assert len({each.stdout for each in answers}) == 1
    assert len(reads(host.log)) == 4


def test_a_reader_who_has_seen_enough(host: Any, request_index: int) -> None:
    """`audit query | head -0` ends without a word."""
    line = [sys.executable, "-m", "audit", "query", str(host.log), "--socket", str(host.socket), "--json"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0
