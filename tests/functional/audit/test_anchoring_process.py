"""Writer, witness, bucket and anchoring process as a deployment has them, and the attacks that only anchors see."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
import urllib3
from harness.wait import until

from audit.anchors.submission import latest_path
from audit.client import AuditClient
from audit.errors import AuditUnavailable

ORIGIN = "host-a/hangu"
BUCKET = """
import boto3, sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
url = "http://%s:%d" % server.get_host_and_port()
boto3.client("s3", endpoint_url=url).create_bucket(Bucket="worm", ObjectLockEnabledForBucket=True)
print(url, flush=True)
sys.stdin.read()
"""

GUARD = """
import sys
class Guard:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("orjson", "structlog", "urllib3", "fsspec", "msgspec", "yaml", "click", "flask"):
            raise ImportError("not for a witness: " + name)
sys.meta_path.insert(0, Guard())
from audit.cli import main
sys.exit(main(sys.argv[1:]))
"""
LOG_KEY = "host-a/hangu+0301b760+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"


class Host(Protocol):
    """What the `host` fixture offers."""

    root: Path
    log: Path
    socket: Path
    running: list[subprocess.Popen[bytes]]

    def start(self, *more: str) -> subprocess.Popen[bytes]: ...
    def verify(self, *more: str) -> subprocess.CompletedProcess[str]: ...


@dataclass
class Anchors:
    """A host's anchoring process and the far sides that it brings checkpoints to."""

    host: Host
    environment: dict[str, str]
    witness_url: str = ""
    witness_key: str = ""

    @property
    def state(self) -> Path:
        return self.host.root / "anchor.json"

    @property
    def file(self) -> Path:
        return self.host.root / "anchors.notes"

    @property
    def notes(self) -> int:
        """How many notes the file has."""
        return self.file.read_text(encoding="utf-8").count("— host-a") if self.file.exists() else 0

    def command(self, *more: str) -> list[str]:
        """The command line, with the log, its key and the state."""
        base = [
            sys.executable,
            "-m",
            "audit",
            "anchor",
            str(self.host.log),
            "--key",
            str(self.host.root / "public.pem"),
        ]
        return [*base, "--state", str(self.state), *more]

    def targets(self) -> list[str]:
        """All three kinds of targets."""
        witness = ["--witness", self.witness_url, self.witness_key]
        return ["--to", str(self.file), "--to", "s3://worm/anchors", "--retain-days", "1", *witness]

    def run(self, *more: str) -> subprocess.CompletedProcess[str]:
        """One run to its end."""
        return subprocess.run(
            self.command(*more), capture_output=True, text=True, timeout=120, check=False, env=self.environment
        )

    def fetch(self, target: str, *more: str) -> subprocess.CompletedProcess[str]:
        """Collect the notes of a target in `fetched`."""
        return self.run("--fetch", target, "--out", str(self.host.root / "fetched"), *more)


def start_witness(anchors: Anchors) -> subprocess.Popen[bytes]:
    """A witness process, made when it is started first, on a port of its own."""
    root = anchors.host.root
    base = [sys.executable, "-m", "audit", "witness"]
    names = ["--key", str(root / "witness.pem"), "--state", str(root / "memory")]
    if not (root / "memory").exists():
        made = subprocess.run(
            [*base, "keygen", "--name", "witness.example/w1", *names], check=True, capture_output=True, text=True
        )
        anchors.witness_key = made.stdout.strip()
    log_key = root / "log.vkey"
    if not log_key.exists():
        from audit.checkpoint import LogKey
        from audit.keys import load_public

        log_key.write_text(LogKey(ORIGIN, load_public(root / "public.pem")[0]).vkey, encoding="ascii")
    process = subprocess.Popen(
        [*base, "serve", "--listen", "127.0.0.1:0", *names, "--log", str(log_key)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    anchors.host.running.append(process)
    assert process.stdout is not None
    ready = process.stdout.readline().decode()
    assert ready.startswith("ready "), process.stderr and process.stderr.read()
    anchors.witness_url = f"http://{ready.split()[1]}"
    return process


@pytest.fixture
def anchors(host: Host) -> Anchors:
    """An anchoring process without far sides yet."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return Anchors(host, {**kept, "AWS_EC2_METADATA_DISABLED": "true"})


@pytest.fixture
def bucket(anchors: Anchors) -> Iterator[Anchors]:
    """With a bucket under Object Lock, served by a process of its own."""
    anchors.environment |= {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with subprocess.Popen(
        [sys.executable, "-c", BUCKET],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=anchors.environment,
    ) as process:
        assert process.stdout is not None
        anchors.environment["AWS_ENDPOINT_URL"] = process.stdout.readline().decode().strip()
        yield anchors
        process.kill()


@pytest.fixture
def everything(bucket: Anchors) -> Anchors:
    """With a witness as well."""
    start_witness(bucket)
    return bucket


def write(client: AuditClient, records: int) -> None:
    """Some records, each durable and under a checkpoint of its own."""
    for number in range(records):
        client.append(f'{{"event":"a","n":{number},"text":"医保"}}'.encode())


def cut(log: Path, lines: int) -> None:
    """Cut the only segment behind this many lines, as whoever holds the disk can."""
    (segment,) = log.glob("*.log")
    segment.write_bytes(b"".join(segment.read_bytes().splitlines(keepends=True)[:lines]))


def stop(process: subprocess.Popen[bytes]) -> int:
    """End a process in order and return its exit code."""
    process.terminate()
    process.communicate(timeout=60)
    return process.returncode


def test_log_cut_exactly_behind_an_older_checkpoint(everything: Anchors, host: Host, client: AuditClient) -> None:
    """The cut that the log alone cannot show is shown by each kind of anchor, and nothing is anchored any more."""
    writer = host.start()
    write(client, 2)
    assert everything.run(*everything.targets(), "--once").returncode == 0
    write(client, 5)
    done = everything.run(*everything.targets(), "--once")
    assert (done.returncode, done.stderr) == (0, "")
    assert stop(writer) == 0
    fetched = everything.fetch("s3://worm/anchors", "--origin", ORIGIN, "--cosigned-by", everything.witness_key)
    assert fetched.returncode == 0, fetched.stderr
    kept = str(host.root / "fetched"), str(everything.file)
    for file in kept:
        assert host.verify("--anchor", file, "--witness-key", everything.witness_key).returncode == 0
    before = everything.file.read_bytes()

    cut(host.log, 6)
    assert host.verify().returncode == 0
    for file in kept:
        assert host.verify("--anchor", file).returncode == 10
    refused = everything.run(*everything.targets(), "--once")
    assert refused.returncode == 10
    assert "TAMPERED" in refused.stderr
    assert "rolled back" in refused.stderr
    assert everything.file.read_bytes() == before


@pytest.mark.parametrize("target", ["file", "witness"])
def test_state_deleted_with_the_lines(target: str, anchors: Anchors, host: Host, client: AuditClient) -> None:
    """Where the attacker deletes the process's memory too, what a target remembers is enough to refuse."""
    if target == "witness":
        start_witness(anchors)
    words = ["--to", str(anchors.file)] if target == "file" else ["--witness", anchors.witness_url, anchors.witness_key]
    writer = host.start()
    write(client, 5)
    assert anchors.run(*words, "--once").returncode == 0
    assert stop(writer) == 0
    cut(host.log, 6)
    anchors.state.unlink()
    refused = anchors.run(*words, "--once")
    assert refused.returncode == 10, refused.stderr
    assert "kept elsewhere" in refused.stderr


def test_the_end_is_anchored(anchors: Anchors, host: Host, client: AuditClient) -> None:
    """A process that runs on anchors what comes, and when it is stopped after the writer, the sealed end as well."""
    writer = host.start()
    write(client, 1)
    process = subprocess.Popen(
        anchors.command("--to", str(anchors.file), "--every", "0.1"), stderr=subprocess.PIPE, env=anchors.environment
    )
    host.running.append(process)
    until("the first note", lambda: anchors.file.exists() and anchors.file.stat().st_size)
    size = anchors.file.stat().st_size
    write(client, 1)
    until("the next note", lambda: anchors.file.stat().st_size > size)
    assert stop(writer) == 0
    assert stop(process) == 0
    report = json.loads(host.verify("--json", "--anchor", str(anchors.file)).stdout)
    assert (report["state"], report["ended"]) == ("clean", "stop")
    assert report["anchored"] == report["lines"] - 1


def test_writer_killed_again_and_again(anchors: Anchors, host: Host) -> None:
    """However often the writer is killed, what was anchored is in the log: no crash looks like a rollback."""
    process = subprocess.Popen(
        anchors.command("--to", str(anchors.file), "--every", "0.01"), stderr=subprocess.PIPE, env=anchors.environment
    )
    host.running.append(process)
    for life in range(4):
        writer = host.start()
        client = AuditClient(host.socket)
        dead = threading.Event()

        def work(client: AuditClient = client, dead: threading.Event = dead) -> None:
            with suppress(AuditUnavailable):
                while not dead.is_set():
                    write(client, 1)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        wanted = life * 3 + 3
        until("some notes", lambda: anchors.notes > wanted)  # noqa: B023 - it is called within this turn
        writer.kill()
        dead.set()
        for thread in threads:
            thread.join(60)
        client.close()
        writer.communicate(timeout=60)
    assert process.poll() is None
    assert stop(host.start()) == 0
    assert stop(process) == 0
    report = json.loads(host.verify("--json", "--anchor", str(anchors.file)).stdout)
    assert (report["state"], report["anchored"]) == ("clean", report["lines"] - 1)


def test_one_target_down(anchors: Anchors, host: Host, client: AuditClient) -> None:
    """A round that misses a target says which and why in one line, keeps the others, and exits with 1."""
    host.start()
    write(client, 1)
    done = anchors.run("--to", str(anchors.file), "--to", str(host.root / "missing" / "x"), "--once")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "missing/x: FileNotFoundError" in done.stderr
    assert anchors.file.read_text(encoding="utf-8").startswith(ORIGIN)
    state = json.loads(anchors.state.read_text(encoding="utf-8"))["targets"]
    assert state[str(host.root / "missing" / "x")]["failures"] == 1
    assert state[str(anchors.file)]["failures"] == 0
    (host.root / "missing").mkdir()
    assert anchors.run("--to", str(anchors.file), "--to", str(host.root / "missing" / "x"), "--once").returncode == 0


def test_log_that_comes_later(anchors: Anchors, host: Host, client: AuditClient) -> None:
    """A process that is started before the writer waits for the log."""
    process = subprocess.Popen(
        anchors.command("--to", str(anchors.file), "--every", "0.1"), stderr=subprocess.PIPE, env=anchors.environment
    )
    host.running.append(process)
    assert process.stderr is not None
    assert b"log" in process.stderr.readline()
    host.start()
    write(client, 1)
    until("the first note", lambda: anchors.file.exists() and anchors.file.stat().st_size)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_two_processes_with_one_state(anchors: Anchors, host: Host, client: AuditClient) -> None:
    """A second process with the same state exits with 3, and so does a second witness with the same memory."""
    host.start()
    write(client, 1)
    process = subprocess.Popen(
        anchors.command("--to", str(anchors.file)), stderr=subprocess.PIPE, env=anchors.environment
    )
    host.running.append(process)
    until("the first note", lambda: anchors.file.exists() and anchors.file.stat().st_size)
    second = anchors.run("--to", str(anchors.file), "--once")
    assert (second.returncode, "another process anchors" in second.stderr) == (3, True)
    start_witness(anchors)
    names = ["--key", str(host.root / "witness.pem"), "--state", str(host.root / "memory")]
    argv = [sys.executable, "-m", "audit", "witness", "serve", "--listen", "127.0.0.1:0", *names]
    third = subprocess.run(
        [*argv, "--log", str(host.root / "log.vkey")], capture_output=True, text=True, timeout=60, check=False
    )
    assert (third.returncode, "another witness uses" in third.stderr) == (3, True)


def test_imports_of_the_witness(anchors: Anchors) -> None:
    """A witness runs where nothing but `cryptography` is installed."""
    names = ["--key", str(anchors.host.root / "w.pem"), "--state", str(anchors.host.root / "wm")]
    guarded = [sys.executable, "-c", GUARD, "witness"]
    assert subprocess.run([*guarded, "keygen", "--name", "w", *names], timeout=60, check=False).returncode == 0
    serve = [*guarded, "serve", "--listen", "127.0.0.1:0", *names, "--log", LOG_KEY]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"ready "), process.stderr and process.stderr.read()
        assert stop(process) == 0


def test_witness_killed_again_and_again(anchors: Anchors, host: Host, client: AuditClient) -> None:
    """Whenever a witness is killed, it comes back knowing every checkpoint for which its cosignature had left."""
    host.start()
    reached = 0
    for _ in range(3):
        witness = start_witness(anchors)
        enough, dead = threading.Event(), threading.Event()
        sizes: list[int] = []

        def submit(sizes: list[int] = sizes, enough: threading.Event = enough, dead: threading.Event = dead) -> None:
            from audit.anchors.history import first_look
            from audit.anchors.witness_client import WitnessTarget
            from audit.cosignature import parse_witness_key
            from audit.errors import AnchorFailed
            from audit.keys import load_public

            target = WitnessTarget(anchors.witness_url, parse_witness_key(anchors.witness_key), 30.0)
            public = load_public(host.root / "public.pem")[0]
            try:
                while not dead.is_set():
                    write(client, 1)
                    view = first_look(host.log, public, None)
                    target.anchor(view, "", 0)
                    sizes.append(view.seen.size)
                    if len(sizes) == 5:
                        enough.set()
            except AnchorFailed:
                return

        thread = threading.Thread(target=submit)
        thread.start()
        assert enough.wait(60)
        witness.kill()
        witness.communicate(timeout=60)
        dead.set()
        thread.join(60)
        again = start_witness(anchors)
        shown = urllib3.request("GET", anchors.witness_url + latest_path(ORIGIN)).data.decode()
        reached = max(reached, *sizes)
        assert int(shown.split("\n")[1]) >= reached
        again.kill()
        again.communicate(timeout=60)
