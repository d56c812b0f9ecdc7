"""What runs beside the writer: checkpoints and records leave the host while it serves, the last ones at its stop."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from harness.server import prepare, serving, verify
from harness.upstream import ScriptedUpstream
from harness.wait import until

from gateway.demo import Demo


def audit(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "audit", *map(str, words)], capture_output=True, text=True, check=False, timeout=60
    )


def anchored(made: Demo, *, every: int = 1) -> Path:
    """Configure a folder of notes outside the log's folder; returns it."""
    section = f"  anchors: {{targets: [notes/], every_seconds: {every}}}\noauth:\n"
    made.config.write_text(made.config.read_text().replace("oauth:\n", section))
    folder = made.config.parent / "notes"
    folder.mkdir()
    return folder


def notes(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.note"))


def size(note: Path) -> int:
    return int(note.read_text().splitlines()[1])


def processes(words: str) -> list[int]:
    """The processes whose command line holds these words, the path of a deployment among them."""
    found = subprocess.run(["pgrep", "-f", words], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def test_checkpoints_leave_while_it_serves_and_the_sealed_end_too(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    """The newest note covers the sealed log, so that a log whose end was cut off no longer passes.

    The process that does it is killed in between: it is started again, and requests go on meanwhile.
    """
    made = prepare(tmp_path / "state", upstream.base_url)
    folder, command = anchored(made), f"audit anchor {made.audit_dir}"
    with serving(made) as server:
        first = until("a note", lambda: notes(folder))
        (pid,) = processes(command)
        os.kill(pid, signal.SIGKILL)
        assert server.chat("anchor me").status == 200
        until("another process", lambda: [each for each in processes(command) if each != pid])
        until("a later note", lambda: len(notes(folder)) > len(first))
        assert server.stop() == 0
    assert processes(command) == []
    key = made.audit_key
    fetched = tmp_path / "fetched.notes"
    got = audit("anchor", made.audit_dir, "--key", key, "--fetch", f"{folder}/", "--out", fetched)
    assert got.returncode == 0, got.stderr
    report = json.loads(audit("verify", made.audit_dir, "--key", key, "--anchor", fetched, "--json").stdout)
    assert report["state"] == "clean"
    newest = max(made.audit_dir.glob("*.log"))
    lines = newest.read_bytes().splitlines(keepends=True)
    assert size(notes(folder)[-1]) == json.loads(lines[-1])["i"]
    older = next(
        n for n in range(len(lines) - 1, 0, -1) if json.loads(lines[n - 1])["k"] == "ckpt" and n < len(lines) - 1
    )
    newest.write_bytes(b"".join(lines[:older]))
    assert verify(made).returncode == 0
    assert audit("verify", made.audit_dir, "--key", key, "--anchor", fetched).returncode == 10


def test_a_receiver_that_is_not_there_holds_up_nothing(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    """Requests are served and recorded, the stop is bounded, and the output names the receiver."""
    made = prepare(tmp_path / "state", upstream.base_url)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        section = f"  shipping: [{{to: 'syslog+tcp://127.0.0.1:{port}'}}]\noauth:\n"
        made.config.write_text(made.config.read_text().replace("oauth:\n", section))
        with serving(made) as server:
            assert server.chat("served all the same").status == 200
            until("its message", lambda: any(str(port) in line for line in server.output))
            assert server.stop() == 0
    assert verify(made).returncode == 0
    assert processes(f"audit ship {made.audit_dir}") == []
