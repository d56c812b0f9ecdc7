"""`audit query`: options become filters, output is for people or programs, and the read is on record first."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness.records import ADMITTED, DENIED, FINISHED, UNKNOWN_CALLER

from audit import canonical
from audit.cli import main
from audit.client import AuditClient, Receipt
from audit.digests import Digests
from audit.errors import AuditUnavailable
from audit.journal import Journal

START_NS = 1_795_420_800_000_000_000  # 2026-11-23T08:00:00Z
KEY = "0123456789abcdef" * 4
HMAC = Digests(KEY.encode()).withheld("4111-1111")
VALUE = {
    **UNKNOWN_CALLER,
    "withheld": [{"direction": "prompt", "filter": "pii", "hmac": HMAC}],
}


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The reads that the writer was told of. One that is told `refuse` is not there."""
    found: list[dict[str, Any]] = []

    def append(client: AuditClient, body: bytes) -> Receipt:
        if "refuse" in str(client._path):
            raise AuditUnavailable("no answer in time")
        found.append(json.loads(body))
        return Receipt("host-a/hangu", 1)

    monkeypatch.setattr(AuditClient, "append", append)
    monkeypatch.delenv("HANGU_AUDIT_SOCKET", raising=False)
    return found


@pytest.fixture
def log(open_journal: Callable[..., Journal], tmp_path: Path) -> Path:
    """A request, a refusal, and a value that was withheld."""
    journal = open_journal()
    for number, record in enumerate((ADMITTED, {**FINISHED, "admitted": 2}, DENIED, VALUE)):
        journal.append([canonical.encode(record)], START_NS + number * 1_000_000_000)
    journal.close(START_NS)
    return tmp_path / "log"


def query(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["query", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def found(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[int]:
    code, out, _ = query(capsys, *arguments, "--json")
    assert code == 0
    return [json.loads(line)["index"] for line in out.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "hits"),
    [
        ("", [8, 6, 2]),
        ("--order oldest", [2, 6, 8]),
        ("--limit 1", [8]),
        ("--subject 李雷 --decision deny", [6]),
        ("--decision allow --decision deny", [6, 2]),
        ("--role 护士 --model chatglm3-6b --outcome completed", [2]),
        ("--rule policy.csv:5:1", [2]),
        ("--request-id req-2", [8]),
        ("--event request.finished", [2]),
        ("--code forbidden --status 403", [6]),
        ("--route /v1/chat/completions --client ward-app --address 10.0.0.7 --tenant 医院", [6, 2]),
        ("--issuer nobody", []),
        ("--filter cn_id --policy sha256:abab", [2]),
        ("--text 医保", [2]),
        ("--unfinished", []),
        ("--since 2026-11-23T08:00:02Z --until 2026-11-24", [8, 6]),
        ("--since 1m", []),
    ],
)
def test_options(
    log: Path, reads: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], arguments: str, hits: list[int]
) -> None:
    """Each option is the filter of its name."""
    assert found(capsys, log, *arguments.split()) == hits
    assert reads[0]["results"] == len(hits)


def test_a_table_for_people(log: Path, reads: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    """One row for each case, and a word where there are more or none."""
    _, out, err = query(capsys, log, "--limit", 2)
    assert len(out.splitlines()) == 4
    assert "there are more than these 2" in err
    assert query(capsys, log, "--subject", "nobody") == (0, "", "audit query: nothing found\n")


def test_count(log: Path, reads: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    """How many there are, whatever the limit."""
    assert query(capsys, log, "--count", "--limit", 1)[1] == "3\n"
    assert query(capsys, log, "--count", "--json", "--status", 403)[1] == '{"count": 1}\n'
    assert [read["results"] for read in reads] == [3, 1]


def test_the_read_is_recorded(log: Path, reads: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    """With its filters as given."""
    query(capsys, log, "--subject", "李雷", "--since", "2026-11-23", "--unfinished")
    (read,) = reads
    assert (read["event"], read["command"], read["logs"]) == ("audit.read", "query", [str(log)])
    assert read["filters"] == {
        "subject": ["李雷"],
        "since": "2026-11-23T00:00:00.000000Z",
        "unfinished": True,
        "limit": 50,
    }


def test_texts_and_values_are_not_recorded(
    log: Path, reads: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What someone looks for in texts may be the very secret: the record has its length and digest alone."""
    key = tmp_path / "hmac.key"
    key.write_text(KEY)
    key.chmod(0o600)
    assert found(capsys, log, "--value", "4111 1111", "--hmac-key", key) == [8]
    assert found(capsys, log, "--text", "秘密词") == []
    value, text = (read["filters"] for read in reads)
    assert value["value"] == [{"chars": 9, "hmacs": [{"hmac": HMAC, "key": Digests(KEY.encode()).id}]}]
    assert text["text"] == [{"chars": 3}]
    assert "4111" not in json.dumps(value)


def test_a_value_from_stdin(
    log: Path,
    reads: list[dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It need not stand on the command line, where others on the machine can read it."""
    key = tmp_path / "hmac.key"
    key.write_text(KEY)
    key.chmod(0o600)
    monkeypatch.setattr(sys, "stdin", io.StringIO("41111111\n"))
    assert found(capsys, log, "--value", "-", "--hmac-key", key) == [8]


def test_nothing_is_shown_that_cannot_be_recorded(
    log: Path, reads: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a writer there is no answer, unless one says aloud that the read is not recorded."""
    code, out, err = query(capsys, log, "--socket", "/refuse")
    assert (code, out) == (2, "")
    assert "nothing is shown" in err
    code, out, err = query(capsys, log, "--socket", "/refuse", "--unrecorded", "--count")
    assert (code, out, err) == (0, "3\n", "audit query: this read is NOT recorded\n")


def test_several_logs(
    log: Path,
    open_journal: Callable[..., Journal],
    reads: list[dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """They are merged by time, each case under its origin, one log counts once, and the limit is for all together."""
    journal = open_journal("other")
    journal.append([canonical.encode(UNKNOWN_CALLER)], START_NS + 1_500_000_000)
    journal.close(START_NS)
    other = tmp_path / "other"
    assert found(capsys, log, other) == [8, 6, 2, 2]
    assert found(capsys, other, log, "--order", "oldest", "--limit", 2) == [2, 2]
    assert found(capsys, log, log) == [8, 6, 2]
    assert query(capsys, log, other, "--count")[1] == "4\n"
    assert "host-a/hangu/8" in query(capsys, log, other)[1]
    assert query(capsys, log, other, "--index", tmp_path / "i")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--since", "yesterday"], "`yesterday` is not a date"),
        (["--text", "。"], "needs a letter"),
        (["--value", "1"], "--hmac-key"),
        (["--value", "1", "--hmac-key", "/nowhere"], "/nowhere: cannot be read"),
        (["--index", "/nowhere/i"], "/nowhere/i.lock"),
        (["--decision", "maybe"], "invalid choice"),
        (["--status", "99999999999999999999"], "invalid _status value"),
        (["--subject", "\udcff"], "invalid unicode_text value"),
        (["--limit", "0"], "invalid _limit value"),
        (["--limit", "100001"], "invalid _limit value"),
    ],
)
def test_wrong_usage(
    log: Path, reads: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """It is named, nothing is shown, and there is nothing to record."""
    code, out, err = query(capsys, log, *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert reads == []


def test_no_log(reads: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A directory without a log is named."""
    (tmp_path / "empty").mkdir()
    assert query(capsys, tmp_path / "empty")[0] == 2


def test_a_log_with_a_line_that_is_none(
    log: Path, reads: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """It is bad, and where."""
    segment = log / "000000000000.log"
    segment.write_bytes(segment.read_bytes().replace(b'{"i":4,', b'{"i":5,'))
    code, out, err = query(capsys, log)
    assert (code, out) == (1, "")
    assert "000000000000.log:5" in err
