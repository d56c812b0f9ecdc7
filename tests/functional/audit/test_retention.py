"""Retention as an operator does it: purge, archive and rekey by command, beside a running writer where that can be."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Protocol

import pytest

from audit.checkpoint import Signer
from audit.client import AuditClient
from audit.directory import segments
from audit.journal import Journal, Rotation
from audit.keys import load_private

DAY_NS = 86_400 * 1_000_000_000


class Host(Protocol):
    """What the `host` fixture offers."""

    root: Path
    log: Path
    socket: Path

    def start(self, *more: str) -> subprocess.Popen[bytes]: ...
    def refused(self, *more: str) -> subprocess.CompletedProcess[str]: ...
    def verify(self, *more: str) -> subprocess.CompletedProcess[str]: ...


def audit(*argv: object) -> subprocess.CompletedProcess[str]:
    """One command, run to its end."""
    command = [sys.executable, "-m", "audit", *map(str, argv)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def old_log(host: Host) -> Path:
    """Five segments of 400 days ago."""
    then = time.time_ns() - 400 * DAY_NS
    signer = Signer("host-a/hangu", load_private(host.root / "key.pem"))
    journal = Journal(host.log, signer, Rotation(max_bytes=1), then)
    for step in range(5):
        journal.append(['{"event":"a","text":"医保"}'.encode()], then + step)
    journal.close(then + 9)
    return host.log


def stop(process: subprocess.Popen[bytes]) -> int:
    """An orderly end."""
    process.terminate()
    process.communicate(timeout=30)
    return process.returncode


def test_purge_through_the_writer(host: Host, old_log: Path, client: AuditClient) -> None:
    """A running writer purges when its operator asks, keeps serving, and the log stays clean."""
    writer = host.start()
    client.append(b'{"event":"before"}')
    listed = audit("purge", old_log, "--dry-run").stdout.split()
    done = audit("purge", old_log, "--socket", host.socket)
    assert (done.returncode, done.stdout.split()) == (0, listed), done.stderr
    assert len(listed) == 5
    client.append(b'{"event":"after"}')
    report = json.loads(host.verify("--json").stdout)
    assert (report["state"], report["first"], report["purged"]) == ("clean", 30, 30)
    assert audit("purge", old_log, "--socket", host.socket).stdout == ""
    assert stop(writer) == 0


def test_purge_below_the_floor(host: Host, old_log: Path) -> None:
    """Fewer days than the law asks for are refused, through the writer and without one."""
    before = segments(old_log)
    way = ["--key", host.root / "key.pem", "--origin", "host-a/hangu"]
    done = audit("purge", old_log, "--keep-days", "182", *way)
    assert (done.returncode, segments(old_log)) == (1, before)
    assert "at least 183 days" in done.stderr
    writer = host.start()
    done = audit("purge", old_log, "--keep-days", "182", "--socket", host.socket)
    assert (done.returncode, "at least 183 days" in done.stderr) == (1, True)
    assert segments(old_log)[:5] == before
    assert stop(writer) == 0


def test_purge_without_a_writer(host: Host, old_log: Path) -> None:
    """Where no writer runs, the key purges; while one runs, it does not."""
    way = ["--key", host.root / "key.pem", "--origin", "host-a/hangu"]
    writer = host.start()
    assert "another writer holds this log" in audit("purge", old_log, *way).stderr
    assert stop(writer) == 0
    assert audit("purge", old_log, *way).returncode == 0
    assert host.verify().returncode == 0
    assert "purged" in host.verify().stdout


def test_archive_beside_the_writer(host: Host, old_log: Path, client: AuditClient) -> None:
    """Old segments are compressed beside a running writer and a verifier, and purged later all the same."""
    writer = host.start("--max-segment-bytes", "1")
    done = audit("archive", old_log, "--dry-run")
    assert (done.returncode, len(done.stdout.split()), len(segments(old_log))) == (0, 4, 6)
    with subprocess.Popen([sys.executable, "-m", "audit", "archive", str(old_log)], stdout=subprocess.PIPE) as archiver:
        while archiver.poll() is None:
            client.append(b'{"event":"meanwhile"}')
            assert host.verify().returncode != 10
    assert archiver.returncode == 0
    assert all(name.endswith(".gz") for name in segments(old_log)[:4])
    assert audit("archive", old_log).returncode == 0
    client.append(b'{"event":"after"}')
    assert host.verify().returncode == 0
    assert len(audit("purge", old_log, "--socket", host.socket).stdout.split()) == 5
    assert host.verify().returncode == 0
    assert stop(writer) == 0


def test_rekey(host: Host, old_log: Path, client: AuditClient, tmp_path: Path) -> None:
    """After a hand-over the new key's writer goes on, the old key's does not start, and either key verifies."""
    new_key, new_public = tmp_path / "new.pem", tmp_path / "new.pub"
    assert audit("keygen", "--key", new_key, "--public", new_public).returncode == 0
    anchor = tmp_path / "anchor"
    anchor.write_text(json.loads(host.verify("--json").stdout)["checkpoint"])
    way = ["--key", host.root / "key.pem", "--new-key", new_key, "--origin", "host-a/hangu"]
    done = audit("rekey", old_log, *way)
    assert (done.returncode, "verifier key is: host-a/hangu+" in done.stdout) == (0, True), done.stderr
    refused = host.refused()
    assert (refused.returncode, "under the key" in refused.stderr) == (2, True)
    new_key.replace(host.root / "key.pem")
    writer = host.start()
    client.append(b'{"event":"under the new key"}')
    assert audit("rekey", old_log, *way[2:], "--key", host.root / "key.pem").returncode == 2
    assert stop(writer) == 0
    for key in (host.root / "public.pem", new_public):
        assert audit("verify", old_log, "--key", key, "--anchor", anchor).returncode == 0


def test_wrong_usage(host: Host, tmp_path: Path) -> None:
    """Commands that cannot be understood are refused with 2, and make nothing."""
    key = host.root / "key.pem"
    for argv in (
        ["purge", tmp_path / "x"],
        ["purge", tmp_path / "x", "--dry-run", "--socket", host.socket],
        ["purge", tmp_path / "x", "--key", key],
        ["purge", tmp_path / "x", "--dry-run"],
        ["purge", tmp_path / "x", "--dry-run", "--keep-days", "-1"],
        ["archive", tmp_path / "x"],
        ["archive", tmp_path / "x", "--older-than-days", "soon"],
        ["rekey", tmp_path / "x", "--key", key, "--new-key", host.root / "public.pem", "--origin", "o"],
        ["rekey", tmp_path / "x", "--key", key, "--new-key", key, "--origin", "o"],
        ["verify", tmp_path / "x", "--key", host.root / "public.pem", "--witness-key", "w+1+x"],
    ):
        done = audit(*argv)
        assert done.returncode == 2, argv
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "x").exists()
