"""The writer as a process: started, stopped, started twice, and talked to by clients of every kind."""

import json
import multiprocessing
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Protocol

import pytest

from audit.client import AuditClient
from audit.errors import AuditUnavailable, RecordRefused


class Host(Protocol):
    """What the `host` fixture offers."""

    root: Path
    log: Path
    socket: Path

    def command(self, *more: str) -> list[str]: ...
    def start(self, *more: str, before: object = None) -> subprocess.Popen[bytes]: ...
    def refused(self, *more: str) -> subprocess.CompletedProcess[str]: ...
    def verify(self, *more: str) -> subprocess.CompletedProcess[str]: ...


def stop(process: subprocess.Popen[bytes]) -> int:
    """End a writer in order and return its exit code."""
    process.terminate()
    process.communicate(timeout=30)
    return process.returncode


def bodies(log: Path) -> dict[int, object]:
    """The body of every record in the log by its index."""
    lines = [json.loads(line) for file in sorted(log.glob("*.log")) for line in file.read_bytes().splitlines()]
    return {line["i"]: line["r"] for line in lines if line["k"] == "rec"}


def test_append_stop_verify(host: Host, client: AuditClient) -> None:
    """Records are in the log under the index of their receipt, and an orderly stop leaves a clean, sealed log."""
    writer = host.start()
    receipts = [client.append(json.dumps({"n": n}, separators=(",", ":")).encode()) for n in range(5)]
    assert str(receipts[0]) == "host-a/hangu/2"
    assert stop(writer) == 0
    assert not host.socket.exists()
    found = bodies(host.log)
    assert [found[receipt.index] for receipt in receipts] == [{"n": n} for n in range(5)]
    report = json.loads(host.verify("--json").stdout)
    assert (report["state"], report["ended"], report["records"]) == ("clean", "stop", 5)


def test_verify_while_writing(host: Host) -> None:
    """A verifier that runs beside a busy, rotating writer never calls its log tampered."""
    writer = host.start("--max-segment-bytes", "20000")
    done = threading.Event()
    client = AuditClient(host.socket)

    def work() -> None:
        while not done.is_set():
            client.append(b'{"text":"' + b"x" * 300 + b'"}')

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    codes = [host.verify() for _ in range(4)]
    done.set()
    for thread in threads:
        thread.join()
    client.close()
    assert stop(writer) == 0
    assert {code.returncode for code in codes} <= {0, 3}, codes
    assert host.verify().returncode == 0
    assert len(list(host.log.glob("*.log"))) > 2


def test_second_writer(host: Host) -> None:
    """A second writer on the same directory exits with 3 and disturbs nothing."""
    host.start()
    second = host.refused()
    assert second.returncode == 3
    assert "another writer holds this log" in second.stderr
    assert host.socket.exists()


def test_socket_of_another_writer(host: Host, client: AuditClient) -> None:
    """A writer of another directory does not take over a socket on which someone listens."""
    first = host.start()
    shutil.copytree(host.log, host.root / "copy")
    argv = [sys.executable, "-m", "audit", "serve", str(host.root / "copy"), "--key", str(host.root / "key.pem")]
    argv += ["--socket", str(host.socket), "--origin", "host-a/hangu"]
    second = subprocess.run(argv, capture_output=True, timeout=30, check=False)
    assert second.returncode == 3
    client.append(b'{"a":1}')
    assert first.poll() is None


def test_stale_socket_is_replaced(host: Host, client: AuditClient) -> None:
    """The socket file of a killed writer is in no one's way."""
    first = host.start()
    first.kill()
    first.communicate(timeout=30)
    assert host.socket.exists()
    host.start()
    assert client.healthy()


def test_file_in_the_place_of_the_socket(host: Host) -> None:
    """A file that is no socket is never removed."""
    host.socket.write_text("mine")
    assert host.refused().returncode == 1
    assert host.socket.read_text() == "mine"


def test_socket_is_private(host: Host) -> None:
    """Only the writer's own user may open the socket, unless others are named."""
    host.start()
    assert host.socket.stat().st_mode & 0o777 == 0o600


def test_no_writer(host: Host, client: AuditClient) -> None:
    """Without a writer nothing is confirmed; once there is one the same client works."""
    with pytest.raises(AuditUnavailable):
        client.append(b'{"a":1}')
    assert not client.healthy()
    first = host.start()
    client.append(b'{"a":1}')
    assert stop(first) == 0
    with pytest.raises(AuditUnavailable):
        client.append(b'{"a":2}')
    host.start()
    client.append(b'{"a":3}')


@pytest.mark.parametrize(
    "frames",
    [
        b"\xff\xff\xff\xff",
        struct.pack(">I", (1 << 20) + 1),
        struct.pack(">I", 100) + b"half",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0",
    ],
)
def test_client_that_talks_nonsense(frames: bytes, host: Host, client: AuditClient) -> None:
    """Oversize, half or senseless frames of one client do not keep another from its records."""
    host.start()
    with socket.socket(socket.AF_UNIX) as bad:
        bad.connect(str(host.socket))
        bad.sendall(frames)
        assert client.append(b'{"a":1}').index == 2


def flood(connection: socket.socket, frames: bytes) -> None:
    """Send the same again and again."""
    for _ in range(50):
        connection.sendall(frames)


def test_client_that_never_reads(host: Host, client: AuditClient) -> None:
    """A client that sends and never fetches its replies is dropped, and the others go on."""
    host.start()
    with socket.socket(socket.AF_UNIX) as bad:
        bad.connect(str(host.socket))
        bad.settimeout(20)
        frames = (struct.pack(">I", 1) + b"x") * 100_000
        with pytest.raises(OSError):
            flood(bad, frames)
        assert client.append(b'{"a":1}').index == 2


def test_many_frames_in_one_write(host: Host) -> None:
    """Requests may be sent back to back; the replies come in their order, refusals in their place."""
    host.start()
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(str(host.socket))
        raw.settimeout(10)
        sent = [b'{"a":1}', b'{"a": 1}', b'{"a":2}', b"", b'{"a":3}']
        raw.sendall(b"".join(struct.pack(">I", len(body)) + body for body in sent))
        stream = raw.makefile("rb")
        replies = []
        for _ in sent:
            status, index, length = struct.unpack(">BQH", stream.read(11))
            replies.append((status, index))
            stream.read(length)
        stream.close()
    assert replies == [(0, 2), (1, 0), (0, 3), (0, 4), (0, 4)]


def test_bad_record_is_refused_alone(host: Host, client: AuditClient) -> None:
    """A record that is not canonical is refused; the connection and the log go on."""
    host.start()
    for body in (b"{}x", b'{"b":1,"a":1}', b'{"a":1.5}', b"[1]", b'{"a":"\xff"}', b'{"a":"\\ud800"}', b"\0"):
        with pytest.raises(RecordRefused):
            client.append(body)
    assert client.append(b'{"a":1}').index == 2


def test_exit_when_idle(host: Host, client: AuditClient) -> None:
    """With `--exit-when-idle` the writer seals and goes once its last client has gone."""
    writer = host.start("--exit-when-idle", "1")
    client.append(b'{"a":1}')
    client.close()
    writer.communicate(timeout=20)
    assert writer.returncode == 0
    assert json.loads(host.verify("--json").stdout)["ended"] == "stop"


def test_ready_descriptor(host: Host) -> None:
    """The ready line goes to the descriptor that a supervisor names."""
    reader, writer = os.pipe()
    argv = [sys.executable, "-m", "audit", "serve", str(host.log), "--key", str(host.root / "key.pem"), "--socket"]
    argv += [str(host.socket), "--origin", "o", "--ready-fd", str(writer), "--exit-when-idle", "0"]
    with subprocess.Popen(argv, pass_fds=(writer,), stdout=subprocess.PIPE) as process:
        os.close(writer)
        with os.fdopen(reader) as ready:
            assert ready.read() == f"ready {host.socket}\n"
        assert process.communicate(timeout=20)[0] == b""
    assert process.returncode == 0


@pytest.mark.parametrize("more", [(), ("--ready-fd", "77")], ids=["stdout", "ready-fd"])
def test_nobody_to_tell(more: tuple[str, ...], host: Host) -> None:
    """A writer that cannot say that it is ready, since who started it is gone, seals the log and leaves no socket."""
    reader, pipe = os.pipe()
    os.close(reader)
    done = subprocess.run(host.command(*more), stdout=pipe, stderr=subprocess.PIPE, text=True, timeout=30, check=False)
    os.close(pipe)
    assert (done.returncode, "cannot say that the writer is ready" in done.stderr) == (1, True)
    assert "Traceback" not in done.stderr
    assert not host.socket.exists()
    assert "sealed by an orderly stop" in host.verify().stdout


def test_tampered_log_is_not_continued(host: Host, client: AuditClient) -> None:
    """A writer does not start on a log that is not what it signed."""
    writer = host.start()
    client.append(b'{"a":1}')
    assert stop(writer) == 0
    segment = next(host.log.glob("*.log"))
    segment.write_bytes(segment.read_bytes().replace(b'{"a":1}', b'{"a":2}'))
    refused = host.refused()
    assert refused.returncode == 1
    assert "000000000000.log:3: " in refused.stderr


def test_key_open_to_others(host: Host) -> None:
    """A signing key that others may read is not used."""
    (host.root / "key.pem").chmod(0o640)
    refused = host.refused()
    assert refused.returncode == 2
    assert "mode 0600" in refused.stderr


def _append_in_child(client: AuditClient, receipts: "multiprocessing.SimpleQueue[int]") -> None:
    for _ in range(50):
        receipts.put(client.append(b'{"who":"child"}').index)
    client.close()


def test_fork(host: Host, client: AuditClient) -> None:
    """A forked child uses the client it inherited on connections of its own; no two records share an index."""
    writer = host.start()
    client.append(b'{"who":"parent"}')
    context = multiprocessing.get_context("fork")
    receipts: multiprocessing.SimpleQueue[int] = context.SimpleQueue()
    child = context.Process(target=_append_in_child, args=(client, receipts))
    child.start()
    mine = [client.append(b'{"who":"parent"}').index for _ in range(50)]
    theirs = [receipts.get() for _ in range(50)]
    child.join(20)
    assert child.exitcode == 0
    assert len({*mine, *theirs}) == 100
    client.close()
    assert stop(writer) == 0
    found = bodies(host.log)
    assert {json.dumps(found[index]) for index in theirs} == {'{"who": "child"}'}
