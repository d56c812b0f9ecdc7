"""Exporting as a process: recorded first, whole or not at all, and verified where it says so."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import pytest

from audit.client import AuditClient
from audit.export.formats import FORMATS


class Host(Protocol):
    """What the `host` fixture offers."""

    root: Path
    log: Path
    socket: Path

    def start(self, *more: str, before: object = None) -> subprocess.Popen[bytes]: ...


def export(host: Host, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command over the log."""
    base = [sys.executable, "-m", "audit", "export", str(host.log), *arguments]
    return subprocess.run(base, capture_output=True, timeout=60, check=False)


def append(client: AuditClient) -> list[int]:
    """Two records of a request, and one of another."""
    bodies = [
        '{"action":"chat","event":"request.admitted","request_id":"r-1","subject":"李雷"}',
        '{"event":"request.finished","outcome":"completed","request_id":"r-1","subject":"李雷"}',
        '{"event":"request.refused","request_id":"r-2","status":403,"subject":"=cmd"}',
    ]
    return [client.append(body.encode()).index for body in bodies]


def stop(writer: subprocess.Popen[bytes]) -> None:
    """Seal the log."""
    writer.terminate()
    writer.communicate(timeout=30)


def reads(host: Host) -> list[dict[str, object]]:
    """The `audit.read` records of the log."""
    lines = [json.loads(line) for file in sorted(host.log.glob("*.log")) for line in file.read_bytes().splitlines()]
    return [line["r"] for line in lines if line["k"] == "rec" and line["r"].get("event") == "audit.read"]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_recorded_first(name: str, host: Host, client: AuditClient) -> None:
    """An export of any format is in the log before it is on the disk, with what was asked for."""
    host.start()
    append(client)
    out = host.root / "out"
    done = export(host, "--format", name, "--subject", "李雷", "--out", str(out), "--socket", str(host.socket))
    assert (done.returncode, done.stderr.startswith(b"audit export: 2 records of ")) == (0, True), done.stderr
    assert out.stat().st_mode & 0o777 == 0o600
    record = reads(host)[0]
    assert record["command"] == "export"
    assert record["filters"] == {"format": name, "subjects": ["李雷"]}


def test_nobody_records_the_read(host: Host, client: AuditClient) -> None:
    """Without a writer nothing is exported, unless it is said aloud that the read is not recorded."""
    writer = host.start()
    append(client)
    stop(writer)
    out = host.root / "out"
    refused = export(host, "--format", "csv", "--out", str(out))
    assert refused.returncode == 2
    assert b"cannot be recorded" in refused.stderr
    assert not out.exists()
    allowed = export(host, "--format", "csv", "--out", str(out), "--unrecorded", "--bom")
    assert allowed.returncode == 0
    assert b"NOT recorded" in allowed.stderr
    assert b"NOT verified" in allowed.stderr
    rows = list(csv.DictReader(io.StringIO(out.read_text("utf-8-sig"), newline="")))
    assert [row["subject"] for row in rows] == ["李雷", "李雷", "'=cmd"]
    again = export(host, "--format", "csv", "--out", str(out), "--unrecorded")
    assert again.returncode == 2
    assert b"exists already" in again.stderr
    assert export(host, "--format", "jsonl", "--out", str(out), "--unrecorded", "--force").returncode == 0
    assert json.loads(out.read_bytes().splitlines()[0])["record"]["subject"] == "李雷"


def test_verified(host: Host, client: AuditClient) -> None:
    """A verified export is of a log that verifies; a changed byte leaves no file and exit code 1."""
    writer = host.start()
    append(client)
    stop(writer)
    arguments = ("--format", "jsonl", "--verified", "--key", str(host.root / "public.pem"), "--unrecorded")
    done = export(host, *arguments, "--out", "-")
    assert done.returncode == 0
    assert {json.loads(line)["verified"] for line in done.stdout.splitlines()} == {True}
    segment = min(host.log.glob("*.log"))
    segment.write_bytes(segment.read_bytes().replace(b'"r-1"', b'"r-7"', 1))
    bad = export(host, *arguments, "--out", str(host.root / "out"))
    assert bad.returncode == 1
    assert b"000000000000.log:3" in bad.stderr
    assert not (host.root / "out").exists()
    assert not list(host.root.glob(".out*"))


def test_evidence(host: Host, client: AuditClient) -> None:
    """An evidence pack of a request is written, once, and its making is recorded."""
    host.start()
    append(client)
    pack, key = host.root / "r-1.evidence.json", str(host.root / "public.pem")
    arguments = ("--evidence", str(pack), "--key", key, "--request-id", "r-1", "--socket", str(host.socket))
    done = export(host, *arguments)
    assert done.returncode == 0, done.stderr
    assert pack.stat().st_mode & 0o777 == 0o600
    assert reads(host)[0]["filters"] == {"evidence": {"request_ids": ["r-1"]}}
    assert export(host, *arguments).returncode == 2
    unknown = export(
        host, "--evidence", str(host.root / "x"), "--key", key, "--request-id", "r-9", "--socket", str(host.socket)
    )
    assert unknown.returncode == 2
    assert b"r-9" in unknown.stderr
    assert not (host.root / "x").exists()


def test_reader_that_hangs_up(host: Host, client: AuditClient) -> None:
    """A reader of stdout that goes away early gets no stack trace."""
    writer = host.start()
    for _ in range(300):
        append(client)
    stop(writer)
    base = [sys.executable, "-m", "audit", "export", str(host.log), "--format", "jsonl", "--out", "-", "--unrecorded"]
    with subprocess.Popen(base, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode in (0, 2)
    assert b"Traceback" not in said
    assert b"Exception" not in said


@pytest.mark.parametrize(("redirection", "why"), [(">&-", b"stdout: is closed"), (">/dev/full", b"No space left")])
@pytest.mark.parametrize("command", ["export", "verify"])
def test_stdout_that_takes_nothing(command: str, redirection: str, why: bytes, host: Host, client: AuditClient) -> None:
    """A closed or full stdout is a reason that is said, or no matter where nothing is asked of it; never a trace."""
    writer = host.start()
    append(client)
    stop(writer)
    options = {
        "export": ["--format", "csv", "--out", "-", "--unrecorded"],
        "verify": ["--key", str(host.root / "public.pem")],
    }
    argv = [sys.executable, "-m", "audit", command, str(host.log), *options[command]]
    done = subprocess.run(["sh", "-c", f'exec "$@" {redirection}', "sh", *argv], stderr=subprocess.PIPE, check=False)
    assert b"Traceback" not in done.stderr
    if command == "verify" and redirection == ">&-":
        assert (done.returncode, done.stderr) == (0, b"")
    else:
        assert done.returncode in (1, 2)
        assert why in done.stderr
