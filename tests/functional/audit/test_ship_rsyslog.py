"""Shipping to the syslog server that most installations have."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from harness.rsyslog import rsyslog
from harness.wait import until

from audit.client import AuditClient


class Host(Protocol):
    """What the `host` fixture offers."""

    root: Path
    log: Path
    socket: Path

    def start(self, *more: str) -> subprocess.Popen[bytes]: ...


def test_every_record_arrives_once(host: Host, tmp_path: Path) -> None:
    """A thousand records, Chinese ones among them, stand in the server's file, each as it is in the log, once."""
    host.start()
    client = AuditClient(host.socket, 30.0)
    for number in range(1000):
        client.append(f'{{"event":"request.served","number":{number},"text":"医保\\n报销"}}'.encode())
    client.close()
    folder = tmp_path / "rsyslog"
    folder.mkdir()
    with rsyslog(folder) as (url, received):
        command = [sys.executable, "-m", "audit", "ship", str(host.log), "--to", url, "--cursor", str(host.root / "c")]
        for _ in range(2):  # the second round has nothing to send
            ran = subprocess.run([*command, "--once"], capture_output=True, text=True, timeout=120, check=False)
            assert ran.returncode == 0, ran.stderr
        until("all have been written", lambda: received.exists() and received.read_text().count("\n") >= 1000)
    records = [json.loads(line[line.index("] {") + 2 :])["record"] for line in received.read_text().splitlines()]
    mine = [record for record in records if record["event"] == "request.served"]
    assert [record["number"] for record in mine] == list(range(1000))
    assert {record["text"] for record in mine} == {"医保\n报销"}
